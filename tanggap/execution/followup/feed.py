"""What an agency has said in public, newest first: for feeds that a website or a reader takes.

Capabilities 29 and 37: one message reaches those who are on no network too. A message that went out
on several accounts is one entry; what was taken down is in no feed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from tanggap.core.models import Agency
from tanggap.execution.followup.queries import family, published
from tanggap.execution.publishing.models import Delivery

ENTRIES = 50
TITLE = 100
KINDS = (Delivery.Kind.POST, Delivery.Kind.ANNOUNCEMENT)


@dataclass(frozen=True)
class Entry:
    """`id` never changes; `slug` leads to a page of ours ("" where there is none), `urls` to the
    posts on the networks."""

    id: str
    title: str
    text: str
    at: datetime
    language: str = ""
    slug: str = ""
    urls: tuple[str, ...] = ()


def entries(agency: Agency) -> list[Entry]:
    """The newest things said in public. In the scope of the agency's tenant."""
    found = [*_announced(agency), *_posted(agency)]
    return sorted(found, key=lambda one: (one.at, one.id), reverse=True)[:ENTRIES]


def _announced(agency: Agency) -> list[Entry]:
    return [
        Entry(
            id=uuid5(NAMESPACE_URL, f"tanggap:announcement:{row.agency_id}:{row.slug}").urn,
            title=row.title,
            text="\n\n".join(part for part in (row.you_said, row.we_did) if part),
            at=row.approved_at,
            slug=row.slug,
        )
        for row in published(agency)[:ENTRIES]
        if row.approved_at is not None
    ]


def _posted(agency: Agency) -> list[Entry]:
    """Posts by message: the words of the account that had them first, with all their links."""
    rows = (
        Delivery.objects.filter(
            agency__in=family(agency),
            state="published",
            kind__in=KINDS,
            variant__isnull=False,
            published_at__isnull=False,
            content__visibility__in=["public", "unlisted"],
        )
        # The page of an announcement says it better than its post.
        .exclude(variant__message__announcements__state__in=["approved", "sent"])
        .select_related("variant")
        .order_by("-published_at", "-pk")[: ENTRIES * 4]
    )
    by_message: dict[int, list[Delivery]] = {}
    for row in rows:
        assert row.variant is not None
        by_message.setdefault(row.variant.message_id, []).append(row)
    return [_entry(message, sorted(found, key=_first)) for message, found in by_message.items()]


def _first(row: Delivery) -> tuple[datetime, int, int]:
    assert row.published_at is not None
    return row.published_at, row.part, row.pk


def _entry(message: int, rows: list[Delivery]) -> Entry:
    first = rows[0]
    parts = sorted((row for row in rows if row.variant_id == first.variant_id), key=_part)
    text = "\n\n".join(row.content["text"] for row in parts).strip()
    line = (text.splitlines() or [""])[0]
    assert first.published_at is not None
    return Entry(
        id=uuid5(NAMESPACE_URL, f"tanggap:message:{message}:{first.agency_id}").urn,
        title=line if len(line) <= TITLE else f"{line[: TITLE - 1].rstrip()}…",
        text=text,
        at=first.published_at,
        language=str(first.content.get("language") or ""),
        urls=tuple(row.remote_url for row in rows if row.part == 0 and row.remote_url),
    )


def _part(row: Delivery) -> int:
    return row.part
