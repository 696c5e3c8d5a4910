"""What had been done before a story begins: content that was written, approved and scheduled."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tanggap.accounts.models import Account
from tanggap.core import clock
from tanggap.execution.publishing import schedule
from tanggap.execution.publishing.models import Delivery
from tanggap.messaging import approve, draft
from tanggap.messaging.content import digest
from tanggap.practice import seed
from tanggap.practice import time as practice_time
from tests.stories.regency import Regency


def account(regency: Regency) -> Account:
    return Account.objects.get(agency=regency.agency, channel="mastodon")


def scheduled(regency: Regency, title: str, text: str, *, at: str, days: int = 3) -> Delivery:
    """Written by Dimas, approved by Ratna, scheduled for today at `at` (HH:MM, agency's zone)."""
    dimas, ratna, now = seed.person("dimas"), seed.person("ratna"), clock.now()
    today = now.astimezone(ZoneInfo(regency.agency.zone)).date()
    message = draft.write(
        regency.agency,
        title=title,
        core=text,
        accounts=[account(regency)],
        openness="periodic",
        source="Jadwal dinas 470/088",
        valid_until=today + timedelta(days=days),
        by=dimas,
        now=now,
    )
    approve.submit(message, by=dimas, now=now)
    approve.approve(message, seen=digest(message), by=ratna, now=now)
    return schedule.queue(
        message, by=dimas, now=now, at=(f"{today.isoformat()}T{at}", regency.agency.zone)
    )[0]


def at_hour(regency: Regency, hour: int, minute: int = 0) -> None:
    """Let the day go on until then, in steps as short as the worker's life."""
    zone = ZoneInfo(regency.agency.zone)
    local = clock.now().astimezone(zone)
    then = datetime.combine(local.date(), datetime.min.time(), zone) + timedelta(
        hours=hour, minutes=minute
    )
    while (left := then - clock.now()) > timedelta(0):
        practice_time.advance(
            min(left, timedelta(minutes=10)), now=clock.now(), network=regency.network
        )
        regency.background()
