"""A day and an hour before something is to go out, ask the network whether our credentials count.

A token that was revoked is otherwise met when the post is due. This only brings the account's next
look forward (accounts/verify.py makes it); a refusal pauses the account, which Today says first.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Q

from tanggap.accounts import connect
from tanggap.accounts.models import Account
from tanggap.execution.publishing.models import Delivery

BEFORE = (timedelta(hours=24), timedelta(hours=1))


def tick(now: datetime) -> int:
    """Bring looks forward that were last made too long before a post. How many.

    An account that did not answer keeps the rhythm of its own (every hour), and one that cannot be
    asked is left alone.
    """
    stale = Q(account__verified_at=None)
    for before in BEFORE:
        stale |= Q(due_at__lte=now + before, account__verified_at__lt=F("due_at") - before)
    soon = Delivery.objects.filter(
        stale,
        state__in=["queued", "preparing", "ready"],
        due_at__gt=now,
        due_at__lte=now + max(BEFORE),
        account__state="connected",
    ).exclude(account__trouble="silent")
    accounts = Account.objects.filter(pk__in=soon.values("account"), check_after__gt=now)
    asked = [one.pk for one in accounts if "verify" in connect.can(one)]
    return Account.objects.filter(pk__in=asked).update(check_after=now)
