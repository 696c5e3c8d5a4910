"""Questions about cases, findings, recommendations and announcements.

Sealed cases are seen by holders of the verb "integrity" alone; a unit's people see their unit's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from tanggap.core.models import Agency
from tanggap.core.scope import Scope, scoped
from tanggap.execution.followup.cases import OPEN
from tanggap.execution.followup.models import (
    Announcement,
    Case,
    Contributor,
    Finding,
    Handover,
    Recommendation,
    Telling,
)
from tanggap.execution.inbox.models import Conversation, Item
from tanggap.execution.inbox.promise import OPEN as WAITING
from tanggap.language.not_done import says_not_done

SOON = timedelta(hours=24)
FINISHED = ("resolved", "closed")
GROUPS = ("late", "soon", "open", "waiting", "resolved", "closed", "all")


def cases(scope: Scope, *, group: str = "", text: str = "", now: datetime) -> QuerySet[Case]:
    """What this person may see, narrowed to a pill and to words of number, title or place."""
    rows = visible(scope)
    if group in GROUPS:
        rows = rows.filter(_group(group, now))
    if text:
        rows = rows.filter(
            Q(number__icontains=text)
            | Q(title__icontains=text)
            | Q(place__icontains=text)
            | Q(sp4n_id__iexact=text)
        )
    return rows.select_related("unit", "assigned_to", "agency")


def visible(scope: Scope) -> QuerySet[Case]:
    rows = scoped(Case, scope)
    if not scope.may("integrity"):
        rows = rows.filter(sealed=False)
    held = scope.membership
    if held is not None and held.role == "unit":
        rows = rows.filter(unit=held.unit_id) if held.unit_id else rows.none()
    return rows


def _group(group: str, now: datetime) -> Q:
    return {
        "late": Q(state__in=OPEN, due_at__lt=now),
        "soon": Q(state__in=OPEN, due_at__gte=now, due_at__lt=now + SOON),
        "open": Q(state__in=OPEN),
        "waiting": Q(state="handed_over"),
        "resolved": Q(state="resolved"),
        "closed": Q(state="closed"),
        "all": Q(),
    }[group]


def counts(scope: Scope, *, text: str = "", now: datetime) -> dict[str, int]:
    """How many of each pill, in one query."""
    found: dict[str, int] = (
        cases(scope, text=text, now=now)
        .order_by()
        .aggregate(
            **{
                group: Count("pk", filter=_group(group, now) or Q(pk__isnull=False))
                for group in GROUPS
            }
        )
    )
    return found


FIRST_TO_BREAK = ("due_at", "pk")
"""The order of the list: by what breaks first."""


def case_beside(conversation: Conversation, scope: Scope) -> tuple[Case | None, list[Case]]:
    """What the inbox shows beside a conversation, in one query: its newest case, and the five
    newest open ones that it may join."""
    own = Contributor.objects.filter(case=OuterRef("pk"), conversation=conversation.pk)
    rows: list[Any] = list(
        visible(scope)
        .annotate(own=Exists(own))
        .filter(
            Q(own=True)
            | Q(agency=conversation.agency_id, state__in=OPEN, sealed=conversation.sealed)
        )
        .order_by("-own", "-opened_at", "-pk")[:6]
    )
    found = rows[0] if rows and rows[0].own else None
    return found, [row for row in rows if not row.own][:5]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Words of a citizen that say "not fixed" after their report was called finished."""

    contributor: Contributor
    item_id: int
    text: str
    personal: list[dict[str, Any]]
    at: datetime


DOUBTS = 200
"""Unanswered words among which one looks, newest first."""


def doubts(scope: Scope, case: Case | None = None) -> list[Doubt]:
    """A suggestion, newest first: who wrote so in their own thread and has no answer yet. An
    officer opens the report again, or answers; no machine changes its state (docs/why/0032)."""
    finished = visible(scope).filter(state__in=FINISHED)
    if case is not None:
        finished = finished.filter(pk=case.pk)
    return _read_doubts(_perhaps_doubts(finished, scope)[:DOUBTS])


def doubts_behind(scope: Scope, after: int, size: int) -> list[Doubt]:
    """Of reports that are not sealed: those that are older than the item `after` (0: the newest),
    and one more than `size` when there are more of them. However many words lie between."""
    finished = visible(scope).filter(state__in=FINISHED, sealed=False)
    rows = _perhaps_doubts(finished, scope)
    found: list[Doubt] = []
    while len(found) <= size:
        some = list((rows.filter(said__lt=after) if after else rows)[:DOUBTS])
        found += _read_doubts(some)
        if len(some) < DOUBTS:
            break
        after = some[-1].said
    return found[: size + 1]


def _perhaps_doubts(finished: QuerySet[Case], scope: Scope) -> QuerySet[Any]:
    return (
        scoped(Contributor, scope)
        .filter(
            case__in=finished,
            conversation__state__in=WAITING,
            conversation__items__received_at__gte=F("case__resolved_at"),
        )
        .annotate(
            said=F("conversation__items"),
            text=F("conversation__items__text"),
            personal=F("conversation__items__personal"),
            at=F("conversation__items__written_at"),
        )
        .select_related("case", "author")
        .order_by("-said")
    )


def _read_doubts(rows: Iterable[Any]) -> list[Doubt]:
    return [
        Doubt(row, row.said, row.text, row.personal, row.at)
        for row in rows
        if says_not_done(row.text)
    ]


def doubted(case: Case, thread: Sequence[Item]) -> Item | None:
    """The newest words of a thread that say so of its finished report."""
    if case.state not in FINISHED or case.resolved_at is None:
        return None
    since = [one for one in thread if one.received_at >= case.resolved_at]
    return next((one for one in reversed(since) if says_not_done(one.text)), None)


CONTRIBUTORS = ("joined_at", "pk")


def contributors(case: Case) -> QuerySet[Contributor]:
    return case.contributors.select_related(
        "author", "item", "conversation__account", "ticket"
    ).order_by(*CONTRIBUTORS)


def open_handover(case: Case) -> Handover | None:
    return case.handovers.filter(state__in=["offered", "opened"]).select_related("to_unit").first()


def unopened(scope: Scope, now: datetime) -> QuerySet[Handover]:
    """Offers that nobody has opened within a day, or whose link ran out."""
    rows = scoped(Handover, scope).filter(case__in=visible(scope))
    return rows.filter(
        Q(state="offered", given_at__lt=now - timedelta(days=1))
        | Q(state__in=["offered", "opened"], expires_at__lt=now)
    ).select_related("case", "to_unit")


# --- findings, decisions, announcements --------------------------------------------------------


def findings(scope: Scope) -> QuerySet[Finding]:
    return (
        scoped(Finding, scope)
        .select_related("written_by", "checked_by", "case")
        .annotate(groups_count=Count("groups", distinct=True))
        .order_by("-pk")
    )


def recommendations(scope: Scope, *, states: tuple[str, ...] = ()) -> QuerySet[Recommendation]:
    rows = scoped(Recommendation, scope).select_related("finding", "owner_unit", "chosen")
    return (rows.filter(state__in=states) if states else rows).order_by("-pk")


def to_decide(scope: Scope) -> QuerySet[Recommendation]:
    """What waits for the head, oldest first."""
    return recommendations(scope, states=("proposed",)).order_by("proposed_at", "pk")


def announcements(scope: Scope) -> QuerySet[Announcement]:
    return scoped(Announcement, scope).select_related("case", "recommendation").order_by("-pk")


@dataclass(frozen=True)
class Progress:
    """How far a batch is: out, on its way, could not be told, told by an officer."""

    total: int
    out: int
    waiting: int
    unreached: int
    by_hand: int


def progress(announcement: Announcement) -> Progress:
    out = Q(delivery__state__in=["published", "removing"])
    found = announcement.tellings.aggregate(
        total=Count("pk"),
        out=Count("pk", filter=out),
        by_hand=Count("pk", filter=Q(told_by_hand_at__isnull=False)),
        unreached=Count("pk", filter=~Q(undeliverable="") & Q(told_by_hand_at=None)),
    )
    waiting = found["total"] - found["out"] - found["unreached"] - found["by_hand"]
    return Progress(waiting=max(0, waiting), **found)


TELLINGS = ("-undeliverable", "pk")


def tellings(announcement: Announcement) -> QuerySet[Telling]:
    return announcement.tellings.select_related(
        "contributor__author", "contributor__item", "contributor__conversation", "delivery"
    ).order_by(*TELLINGS)


# --- the public ---------------------------------------------------------------------------------


def published(agency: Agency) -> QuerySet[Announcement]:
    """Announcements that everybody may read, newest first."""
    return (
        Announcement.objects.filter(agency__in=family(agency), state__in=["approved", "sent"])
        .exclude(case__sealed=True)
        .select_related("case")
        .order_by("-approved_at", "-pk")
    )


def family(agency: Agency) -> list[int]:
    return [
        agency.pk,
        *Agency.objects.filter(parent=agency, autonomous=False).values_list("pk", flat=True),
    ]
