"""The citizens' addresses: one line per area, without sign-in. Words of an address are Indonesian.

An area is a module of this package with `urlpatterns`; its names begin with the area:
`public:case`, `public:accounts`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.urls import include, path

app_name = "public"

AREAS = (
    ("", "links"),
    ("resmi/", "accounts"),
    ("", "clarifications"),
    ("tindak/", "handover"),
    ("ikut/", "participate"),
    ("", "cases"),
    ("", "results"),
    ("", "feeds"),
    ("", "start"),
)

urlpatterns = [
    path(prefix, include(import_module(f"tanggap.public.{area}").urlpatterns))
    for prefix, area in AREAS
    if find_spec(f"tanggap.public.{area}")
]
