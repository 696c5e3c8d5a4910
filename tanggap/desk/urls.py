"""The desk's addresses: one line per area. Words of an address are Indonesian, as its readers are.

An area is a module (or package) of this package with `urlpatterns`; its names begin with the
area: `desk:inbox-list`, `desk:inbox-thread`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.urls import include, path

app_name = "desk"

AREAS = (
    ("", "today"),
    ("meja/", "preferences"),
    ("cari/", "search"),
    ("tunda/", "hold"),
    ("rencana/", "planning"),
    ("agenda/", "activities"),
    ("konten/", "messaging"),
    ("dikecualikan/", "exempt"),
    ("penayangan/", "publishing"),
    ("pesan/", "inbox"),
    ("peristiwa/", "live"),
    ("jawaban/", "answers"),
    ("klarifikasi/", "claims"),
    ("aduan/", "followup"),
    ("temuan/", "findings"),
    ("pemantauan/", "monitoring"),
    ("akun/", "accounts"),
    ("tim/", "team"),
    ("undangan/", "join"),
    ("aturan/", "rules"),
    ("arsip/", "archive"),
    ("kesehatan/", "health"),
)

urlpatterns = [
    path(prefix, include(import_module(f"tanggap.desk.{area}").urlpatterns))
    for prefix, area in AREAS
    if (found := find_spec(f"tanggap.desk.{area}")) and found.origin
]
