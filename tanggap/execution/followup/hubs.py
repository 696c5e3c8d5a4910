"""Tell the hub that the agency's public feeds have something new (WebSub, section 6): one form.

The hub that the operator named (TANGGAP_WEBSUB_HUB) reads the feed then and sends it to whoever
subscribed. What it was last told is a row, so that a killed worker tells again and a silent hub is
asked again later.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Max

from tanggap.core.http import Client, HttpError
from tanggap.core.models import Agency
from tanggap.execution.followup import feed
from tanggap.execution.followup.models import Announcement
from tanggap.execution.inbox.models import HubNews
from tanggap.execution.publishing.models import Delivery

AGAIN = timedelta(minutes=15)
"""After a hub refused or was silent."""
SECONDS = 15.0
FORMS = ("rss", "atom", "json")
ADDRESS = "/{slug}/umpan.{form}"


def tick(now: datetime) -> int:
    """Tell of every agency whose feeds have something that the hub was not told. How many."""
    hub = settings.WEBSUB_HUB
    if not hub:
        return 0
    changed = _changed()
    agencies = Agency.objects.filter(pk__in=changed, autonomous=True)
    return sum(_tell(hub, agency, changed[agency.pk], now) for agency in agencies)


def addresses(agency: Agency) -> list[str]:
    """The agency's public feeds."""
    return [settings.PUBLIC_URL + ADDRESS.format(slug=agency.slug, form=form) for form in FORMS]


def _changed() -> dict[int, datetime]:
    """Autonomous agencies whose newest public words are newer than what the hub knows."""
    newest: dict[int, datetime] = {}
    above = dict(Agency.objects.filter(autonomous=False).values_list("pk", "parent"))
    said = [
        *Delivery.objects.filter(state="published", kind__in=feed.KINDS, published_at__isnull=False)
        .values_list("agency")
        .annotate(newest=Max("published_at")),
        *Announcement.objects.filter(state__in=["approved", "sent"], approved_at__isnull=False)
        .values_list("agency")
        .annotate(newest=Max("approved_at")),
    ]
    for agency, at in said:
        owner = above.get(agency) or agency
        newest[owner] = max(at, newest.get(owner, at))
    told = dict(HubNews.objects.values_list("agency", "newest"))
    return {pk: at for pk, at in newest.items() if pk not in told or at > told[pk]}


def _tell(hub: str, agency: Agency, newest: datetime, now: datetime) -> bool:
    row = HubNews.objects.filter(agency=agency).first()
    if row is not None and row.failed_why and now < row.told_at + AGAIN:
        return False
    why = _ask(hub, addresses(agency))
    kept = {"told_at": now, "failed_why": why, **({} if why else {"newest": newest})}
    # Where it was never told anything, everything is news when it fails.
    never = newest - timedelta(microseconds=1)
    HubNews.objects.update_or_create(
        agency=agency, defaults=kept, create_defaults={"newest": never, **kept}
    )
    return not why


def _ask(hub: str, topics: list[str]) -> str:
    """ "" when the hub took it, else a code."""
    parts = urlsplit(hub)
    try:
        http = Client(
            f"{parts.scheme}://{parts.netloc}",
            until=time.monotonic() + SECONDS,
            max_bytes=65_536,
        )
        for topic in topics:
            answer = http.send("POST", hub, data={"hub.mode": "publish", "hub.url": topic})
            if not answer.ok:
                return f"http_{answer.status}"
    except HttpError as wrong:
        return wrong.reason[:40]
    return ""
