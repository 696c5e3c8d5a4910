"""Slow down who tries numbers, keys or links one after another: a counter in the database."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from tanggap.core.errors import Refused

WINDOW = timedelta(minutes=10)
# What → wrong tries in a window before one has to wait.
LIMITS = {"number": 30, "key": 8, "handover": 20, "case": 40}

COUNT = """
INSERT INTO followup_guess (what, who, began_at, count) VALUES (%(what)s, %(who)s, %(now)s, 1)
ON CONFLICT (what, who) DO UPDATE SET
  count = CASE WHEN followup_guess.began_at <= %(since)s THEN 1 ELSE followup_guess.count + 1 END,
  began_at = CASE WHEN followup_guess.began_at <= %(since)s THEN %(now)s
             ELSE followup_guess.began_at END
"""


def wrong(what: str, who: str, now: datetime) -> None:
    """Count one wrong try of this sender."""
    with connection.cursor() as cursor:
        cursor.execute(
            COUNT, {"what": what, "who": _hidden(what, who), "now": now, "since": now - WINDOW}
        )


def allow(what: str, who: str, now: datetime) -> None:
    """Raise Refused when this sender has guessed wrong too often in the last minutes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count FROM followup_guess WHERE what = %s AND who = %s AND began_at > %s",
            [what, _hidden(what, who), now - WINDOW],
        )
        found = cursor.fetchone()
    if found and found[0] >= LIMITS[what]:
        raise Refused(
            _("Please wait a little."),
            _("Wrong numbers or keys came too often from here."),
            _("Try again in ten minutes, or ask us where you wrote your report."),
        )


def forget(now: datetime) -> int:
    """Rows of the past are of no use."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM followup_guess WHERE began_at < %s", [now - WINDOW])
        return int(cursor.rowcount)


def _hidden(what: str, who: str) -> bytes:
    return hmac.digest(settings.SECRET_KEY.encode(), f"{what}\n{who}".encode(), "sha256")
