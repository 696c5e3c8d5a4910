"""What a clock that ran ahead has dated is dated anew.

A machine whose clock is wrong at start (local time taken for UTC: seven hours in Jakarta) dates its
claims in the future. When the clock is set right these dates would make a look begin after the post
that it looks for, and so see nothing, and so send again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Case, F, Q, When

from tanggap.accounts.models import Bucket
from tanggap.execution.publishing import settle, steady
from tanggap.execution.publishing.models import Delivery

BACK_OFF = timedelta(seconds=max(settle.BACK_OFF))
OURS = ("unreachable", "slow", "hold", "paused", "credentials", "media")
"""Troubles whose wait we reckon ourselves; a network's own limit is the network's word."""


def tick(now: datetime) -> int:
    """Give rows that are dated in the future the earliest dates that can be true. How many."""
    ahead = now + timedelta(seconds=steady.MOST_S)
    early = Case(When(queued_at__gt=now, then=now - timedelta(days=1)), default=F("queued_at"))
    # Sent by a clock that was right, it may have been swept or looked for by one that was wrong.
    looked_late = Q(retry_at__gt=ahead + settle.SPACE)
    wrong = Q(claimed_at__gt=ahead) | Q(unknown_since__gt=ahead) | looked_late
    sent = Delivery.objects.filter(wrong, state__in=["unknown", "asked"]).update(
        claimed_at=Case(When(claimed_at__gt=ahead, then=early), default=F("claimed_at")),
        unknown_since=Case(When(unknown_since=None, then=None), default=now),
        # What was looked for after the wrong date was not looked for.
        confirms=0,
        retry_at=now,
    )
    limited = Bucket.objects.filter(updated_at__gt=ahead)
    accounts = list(limited.values_list("account", flat=True))
    limited.update(updated_at=now, blocked_until=None, resets_at=None)
    waiting = Q(trouble__in=OURS, retry_at__gt=ahead + BACK_OFF) | Q(
        account__in=accounts, retry_at__gt=ahead
    )
    return sent + Delivery.objects.filter(waiting, state="queued").update(retry_at=None)
