"""What the composer and the review show of one message: tabs, previews, checks, history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse

from tanggap.accounts import connect
from tanggap.messaging import check, queries
from tanggap.messaging.content import contents_of, digest
from tanggap.messaging.measure import count
from tanggap.messaging.models import Message, Variant

LEVELS = {"pass": "ok", "warn": "warn", "block": "block"}
RANK = {"block": 0, "warn": 1, "pass": 2}


@dataclass(frozen=True, slots=True)
class Part:
    """One text on its way to one account, measured as its server measures."""

    text: str
    used: int
    limit: int
    media: list[dict[str, str]]

    @property
    def over(self) -> bool:
        return self.used > self.limit


@dataclass(frozen=True, slots=True)
class Preview:
    variant: Variant
    parts: list[Part]

    @property
    def gauge(self) -> str:
        """153/500 for one text; 2 × 500 at most for a thread: the fullest part."""
        fullest = max(self.parts, key=lambda part: part.used - part.limit)
        return f"{fullest.used}/{fullest.limit}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A check as the page shows it."""

    level: str
    what: str
    why: str
    next: str
    cleared: bool
    waits_ppid: bool


def find(request: HttpRequest, pk: int) -> Message:
    row = queries.messages(request.scope).filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


def previews(message: Message, now: datetime) -> list[Preview]:
    """Per account, exactly what would be sent."""
    found: dict[int, Preview] = {}
    for variant, _part, said in contents_of(message):
        used, limit = count(variant.account, said["text"], now)
        media = [
            {"url": reverse("desk:messaging-file", args=[row["id"]]), "alt": row["alt"]}
            for row in said["media"]
        ]
        found.setdefault(variant.pk, Preview(variant, [])).parts.append(
            Part(said["text"], used, limit, media)
        )
    return list(found.values())


def answers(message: Message, now: datetime) -> dict[str, Any]:
    """Checks that ask for something, worst first; and what passed."""
    found = check.run(message, now)
    asking = sorted(
        (one for one in found if one.verdict != "pass"),
        key=lambda one: (one.cleared, RANK[one.verdict]),
    )
    return {
        "asking": [
            Answer(
                "ok" if one.cleared else LEVELS[one.verdict],
                one.what,
                one.why,
                "" if one.cleared else one.next,
                one.cleared,
                bool(one.clears) and not one.cleared,
            )
            for one in asking
        ],
        "fine": [one.what for one in found if one.verdict == "pass"],
        "stopping": len(check.stopping(found)),
        "stopping_writer": len(check.stopping(found, before_ppid=True)),
        "for_ppid": [one for one in found if one.clears and one.stops],
    }


def strictest(shown: list[Preview]) -> Preview | None:
    """The account with the least room: what the core message has to fit."""
    following = [one for one in shown if not one.variant.detached]
    return min(following, key=lambda one: one.parts[0].limit, default=None)


def counter(variant: Variant) -> dict[str, Any]:
    """For the counter on the page: the rule's name, its limit, what a link counts."""
    limits = connect.limits(variant.account)
    return {"counter": limits.counter, "limit": limits.max_text, "link": limits.url_length or ""}


def fingerprint(message: Message) -> str:
    """The short form that two people can compare by eye."""
    return digest(message).hex()[:8]
