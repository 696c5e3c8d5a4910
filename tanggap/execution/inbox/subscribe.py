"""Step 4: where a network offers it, have it send to our door instead of asking it again and again.

A subscription is a promise for some days. It is asked for when there is none, again when half of
the promise is over, and while nobody answers, more and more rarely. Pulling goes on beside it: what
a hub loses is found by the next pull.
"""

from __future__ import annotations

import logging
import secrets as random
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from tanggap.accounts import connect
from tanggap.accounts.models import Account
from tanggap.channels.base import Hub
from tanggap.channels.errors import ChannelError
from tanggap.core.errors import Refused
from tanggap.execution.inbox import door
from tanggap.execution.inbox.models import Door

log = logging.getLogger(__name__)
BY = "system:subscribe"
AGAIN = timedelta(hours=6)
"""After a hub refused, was silent, or the feed named none."""
BEFORE = timedelta(days=2)
"""How long before the end of a promise it is asked for anew."""
SECONDS = 20.0
BATCH = 20


def tick(now: datetime) -> int:
    """Ask for the subscriptions that are due. How many hubs took the question."""
    return sum(subscribe(account, now) for account in due(now)[:BATCH])


def due(now: datetime) -> list[Account]:
    open_doors = Door.objects.filter(account=OuterRef("pk"), closed_at=None)
    fine = open_doors.filter(Q(lease_until__gt=now + BEFORE) | Q(asked_at__gt=now - AGAIN))
    rows = Account.objects.filter(~Exists(fine), state="connected").select_related("agency")
    return [one for one in rows.order_by("pk") if "subscribe" in _can(one)]


def subscribe(account: Account, now: datetime) -> bool:
    """Find the account's hub and ask it to send to our door. False where that did not succeed; why
    stands at the door."""
    until = time.monotonic() + SECONDS
    try:
        opened = connect.channel(account, now, until=until)
        hub: Hub | None = opened.discover()  # type: ignore[attr-defined]
    except ChannelError as error:
        _said(account, now, error.code)
        return False
    if hub is None:
        _said(account, now, "no_hub")
        return False
    row, kept = _door(account, hub, now)
    callback = f"{settings.PUBLIC_URL}/pintu/{account.channel}/{kept['token']}"
    Door.objects.filter(pk=row.pk).update(asked_at=now)
    try:
        opened.subscribe(hub, callback, kept["secret"])  # type: ignore[attr-defined]
    except ChannelError as error:
        Door.objects.filter(pk=row.pk).update(failed_why=error.code[:40])
        return False
    return True


def _door(account: Account, hub: Hub, now: datetime) -> tuple[Door, dict[str, str]]:
    """The account's door for this topic: the one that is open, so that what the hub sends to the
    old address is not lost while it hears of a new one; else a new one."""
    row = Door.objects.filter(account=account, closed_at=None).first()
    kept = door.unseal(bytes(row.sealed)) if row is not None else {}
    if row is not None and kept.get("topic") == hub.topic:
        return row, kept
    kept = {"secret": random.token_urlsafe(32), "topic": hub.topic}
    return door.open_door(account, kept, by=BY, now=now)


def _said(account: Account, now: datetime, why: str) -> None:
    """Written at the account's door, so that it is asked again later; made where there is none."""
    if not Door.objects.filter(account=account, closed_at=None).exists():
        door.open_door(account, {}, by=BY, now=now)
    Door.objects.filter(account=account, closed_at=None).update(asked_at=now, failed_why=why[:40])


def _can(account: Account) -> frozenset[str]:
    try:
        return connect.can(account)
    except Refused:
        return frozenset()
