"""What Today asks of all stages at once: what breaks first, what waits for this person, what is
wrong. Few queries, whatever the size; what a role may not read is not asked at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import CharField, Count, F, Q, QuerySet, Value
from django.db.models.functions import Cast, TruncHour

from tanggap.accounts.models import Account
from tanggap.core.models import Membership
from tanggap.core.scope import Scope, scoped
from tanggap.execution.followup.models import Announcement, Case, Recommendation
from tanggap.execution.inbox.models import Claim, Conversation, Cursor, Item, Reply
from tanggap.execution.inbox.queries import Wanted, page
from tanggap.execution.publishing.models import Delivery, Place
from tanggap.execution.publishing.queries import needs_person
from tanggap.messaging.models import Message
from tanggap.planning.models import Plan

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
OPEN_TALK = ("new", "triaged")
DONE_CASE = ("resolved", "closed")
NIGHT = time(16, 0)
"""When the office has closed: what comes after it is "overnight" the next morning."""
MOST_DECISIONS = 60


def day_of(scope: Scope, now: datetime) -> tuple[datetime, datetime]:
    """The agency's day around `now`: its first instant, and the first of the next day."""
    assert scope.agency is not None
    zone = ZoneInfo(scope.agency.zone)
    first = datetime.combine(now.astimezone(zone).date(), time.min, zone)
    return first, datetime.combine(first.date() + timedelta(days=1), time.min, zone)


# --- what breaks first ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Owed:
    """Late, due today and open, of conversations and cases together."""

    late: int
    today: int
    open: int
    talks: int
    cases: int


def talks(scope: Scope, now: datetime) -> QuerySet[Conversation]:
    """Conversations that are owed an answer and are no case yet; sealed and snoozed ones left
    out. Nothing for who may not read the inbox."""
    rows = scoped(Conversation, scope)
    return rows.filter(_waits(now)) if scope.may("inbox.read") else rows.none()


def _waits(now: datetime) -> Q:
    awake = Q(snoozed_until=None) | Q(snoozed_until__lte=now)
    return awake & Q(state__in=OPEN_TALK, sealed=False, has_case=False, due_at__lt=NEVER)


def cases(scope: Scope) -> QuerySet[Case]:
    """Cases that are still owed; a unit's people see those of their unit."""
    rows = scoped(Case, scope)
    if not scope.may("case.read"):
        return rows.none()
    unit = scope.membership.unit_id if scope.membership else None
    if unit:
        rows = rows.filter(unit_id=unit)
    return rows.filter(sealed=False, due_at__lt=NEVER).exclude(state__in=DONE_CASE)


def _due(scope: Scope, now: datetime) -> dict[str, Q]:
    """What "late" and "today" mean of a thing that is owed."""
    _first, tomorrow = day_of(scope, now)
    return {"late": Q(due_at__lt=now), "today": Q(due_at__gte=now, due_at__lt=tomorrow)}


def owed_rows(
    scope: Scope, now: datetime, group: str = ""
) -> tuple[QuerySet[Conversation], QuerySet[Case]]:
    """The conversations and cases that `owed` counts: those of "late" or "today", else all."""
    when = _due(scope, now).get(group, Q())
    return talks(scope, now).filter(when), cases(scope).filter(when)


def owed(scope: Scope, now: datetime) -> Owed:
    """One query."""
    asked = {name: Count("pk", filter=when) for name, when in _due(scope, now).items()}
    parts: list[QuerySet[Any]] = [
        rows.order_by()
        .annotate(which=Value(name, CharField()))
        .values("which")
        .annotate(**asked, open=Count("pk"))
        .values_list("which", "late", "today", "open")
        for name, rows in (("talks", talks(scope, now)), ("cases", cases(scope)))
        if not rows.query.is_empty()
    ]
    found = {"talks": (0, 0, 0), "cases": (0, 0, 0)}
    if parts:
        for which, *numbers in parts[0].union(*parts[1:], all=True):
            found[which] = (numbers[0], numbers[1], numbers[2])
    late, today, both = (sum(pair) for pair in zip(*found.values(), strict=True))
    return Owed(late, today, both, found["talks"][2], found["cases"][2])


def most_urgent(scope: Scope, now: datetime, size: int = 6) -> list[Conversation | Case]:
    """What breaks first, conversations and cases in one row. Two queries."""
    wanted = Wanted(_waits(now))
    one = (
        page(scope, wanted, size=size, related=("author", "account", "unit")).rows
        if scope.may("inbox.read")
        else []
    )
    two = cases(scope).select_related("unit", "assigned_to")
    found: list[Conversation | Case] = [*one, *two.order_by("due_at", "pk")[:size]]
    return sorted(found, key=lambda row: (row.due_at, isinstance(row, Case), row.pk))[:size]


# --- what waits for this person ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that this person may decide. `kind` is a code of words "decision"."""

    kind: str
    pk: int
    title: str
    note: str
    since: datetime


def decisions(
    scope: Scope, after: tuple[datetime, str, int] | None = None, most: int = MOST_DECISIONS
) -> list[Decision]:
    """At most so many, oldest first, one query: those behind (since, kind, pk) of another. What one
    made oneself is not there: a maker is not the checker."""
    person = scope.person
    parts: list[QuerySet[Any]] = []

    def add(verb: str, kind: str, rows: QuerySet[Any], title: str, note: Any, since: str) -> None:
        if scope.may(verb):
            if after is not None:
                at, behind, pk = after
                later = Q(**{f"{since}__gt": at})
                if kind >= behind:
                    same = Q(**{since: at})
                    later |= same & Q(pk__gt=pk) if kind == behind else same
                rows = rows.filter(later)
            parts.append(
                rows.order_by()
                .annotate(
                    what=Value(kind, CharField()),
                    said=Cast(F(title), CharField()),
                    more=Cast(note, CharField()),
                    at=F(since),
                )
                .values_list("what", "pk", "said", "more", "at")
            )

    none = Value("", CharField())
    add(
        "message.review",
        "message",
        scoped(Message, scope).filter(state="checked").exclude(author=person),
        "title",
        F("openness"),
        "edited_at",
    )
    add(
        "message.review",
        "owed",
        scoped(Message, scope).filter(review_owed=True).exclude(author=person),
        "title",
        none,
        "edited_at",
    )
    add(
        "reply.approve",
        "reply",
        scoped(Reply, scope)
        .filter(state="awaiting", conversation__sealed=False)
        .exclude(written_by=person),
        "conversation__snippet",
        F("purpose"),
        "written_at",
    )
    add(
        "decide",
        "recommendation",
        scoped(Recommendation, scope).filter(state="proposed"),
        "title",
        F("finding__items_total"),
        "proposed_at",
    )
    add(
        "announce.approve",
        "announcement",
        scoped(Announcement, scope).filter(state="draft").exclude(written_by=person),
        "title",
        none,
        "written_at",
    )
    add(
        "plan.approve",
        "plan",
        scoped(Plan, scope).filter(state="reviewed").exclude(person_in_charge=person),
        "title",
        none,
        "created_at",
    )
    add(
        "claim.decide",
        "claim",
        scoped(Claim, scope).filter(state="checking"),
        "text",
        none,
        "first_seen_at",
    )
    if not parts:
        return []
    first, *rest = parts
    rows = first.union(*rest, all=True) if rest else first
    return [Decision(*row) for row in rows.order_by("at", "what", "pk")[:most]]


# --- what citizens said --------------------------------------------------------------------------


@dataclass(slots=True)
class Voices:
    """Messages of the last 24 hours. `n` = sum of `kinds` = sum of `hours` = sum of urgencies."""

    n: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    hours: list[tuple[datetime, int]] = field(default_factory=list)
    urgent: int = 0
    overnight: int = 0
    overnight_urgent: int = 0


def heard(scope: Scope, since: datetime, until: datetime) -> QuerySet[Item]:
    """What was received between two instants and stands in the inbox, sealed reports left out."""
    return scoped(Item, scope).filter(
        received_at__gte=since,
        received_at__lt=until,
        quarantined="",
        conversation__isnull=False,
        conversation__sealed=False,
    )


def night_of(scope: Scope, now: datetime) -> datetime:
    """When the office closed yesterday."""
    first, _tomorrow = day_of(scope, now)
    return datetime.combine(first.date() - timedelta(days=1), NIGHT, first.tzinfo)


def voices(scope: Scope, now: datetime) -> Voices:
    """One query; hours without a message are there with 0."""
    assert scope.agency is not None
    zone = ZoneInfo(scope.agency.zone)
    since = now - timedelta(hours=24)
    night = night_of(scope, now)
    found = Voices()
    hour = since.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    byhour: dict[datetime, int] = {}
    while hour <= now:
        byhour[hour.astimezone(UTC)] = 0
        hour += timedelta(hours=1)
    rows = (
        heard(scope, since, now + timedelta(microseconds=1))
        .annotate(hour=TruncHour("received_at", tzinfo=zone))
        .values_list("hour", "conversation__kind", "conversation__urgency")
        .annotate(n=Count("pk"))
    )
    for at, kind, urgency, n in rows:
        found.n += n
        found.kinds[kind] = found.kinds.get(kind, 0) + n
        byhour[at.astimezone(UTC)] = byhour.get(at.astimezone(UTC), 0) + n
        urgent = n if urgency < 2 else 0
        found.urgent += urgent
        if at >= night:
            found.overnight += n
            found.overnight_urgent += urgent
    found.hours = sorted(byhour.items())
    found.kinds = dict(sorted(found.kinds.items(), key=lambda pair: -pair[1]))
    return found


# --- what goes out, and what is wrong ------------------------------------------------------------


def going_out(scope: Scope, now: datetime) -> QuerySet[Delivery]:
    """Posts of the agency's day, by their time. Replies to single citizens are not among them."""
    first, tomorrow = day_of(scope, now)
    rows = scoped(Delivery, scope)
    if not scope.may("delivery.read"):
        return rows.none()
    return (
        rows.filter(kind=Delivery.Kind.POST, part=0, due_at__gte=first, due_at__lt=tomorrow)
        .exclude(state__in=["cancelled", "removed"])
        .select_related("account", "variant__message")
        .order_by("due_at", "pk")
    )


@dataclass(frozen=True, slots=True)
class Questions:
    """Deliveries that need somebody's word, as publishing lists them: how many in all, and of each
    state; `copies` are out, with a second copy to remove or one that would not be removed."""

    n: int
    asked: int
    late: int
    held: int
    failed: int
    copies: int


def questions(scope: Scope) -> Questions:
    """One query."""
    rows = needs_person(scope)
    if not scope.may("delivery.read"):
        rows = rows.none()
    states = ("asked", "late", "held", "failed")
    return Questions(
        **rows.aggregate(
            n=Count("pk"),
            copies=Count("pk", filter=~Q(state__in=states)),
            **{state: Count("pk", filter=Q(state=state)) for state in states},
        )
    )


ENDS_SOON = timedelta(days=30)


def standing(scope: Scope, now: datetime) -> frozenset[str]:
    """Which of these stand just now, so that a quiet day asks nothing more of them. One query.

    paused      accounts that send nothing      needs    deliveries that need somebody's word
    deaf        accounts that cannot be read    apart    messages that could not be placed
    stopped     sending is off somewhere        ending   decrees that end within 30 days
    """
    day = now.astimezone(ZoneInfo(scope.agency.zone)).date() if scope.agency else now.date()
    held = scoped(Membership, scope).filter(ended_at=None)
    asked: dict[str, QuerySet[Any]] = {
        "paused": scoped(Account, scope).filter(state="paused"),
        "needs": needs_person(scope),
        "deaf": not_listening(scope),
        "apart": scoped(Item, scope).exclude(quarantined=""),
        "stopped": Place.objects.exclude(stopped=""),
        "ending": held.filter(valid_until__lte=day + ENDS_SOON),
    }
    first, *rest = [
        rows.order_by().annotate(which=Value(name, CharField())).values_list("which")[:1]
        for name, rows in asked.items()
        if not rows.query.is_empty()
    ]
    return frozenset(name for (name,) in first.union(*rest, all=True))


def not_listening(scope: Scope) -> QuerySet[Cursor]:
    """Accounts whose messages cannot be read now, with since when and why."""
    rows = scoped(Cursor, scope)
    if not scope.may("account.read"):
        return rows.none()
    return (
        rows.filter(failed_at__isnull=False, account__state="connected")
        .select_related("account")
        .order_by("polled_at")
    )


def stopped() -> QuerySet[Place]:
    """Places of this installation where sending is off until a person says otherwise."""
    return Place.objects.exclude(stopped="")


def balance(scope: Scope, since: datetime | None = None) -> dict[str, int]:
    """Everything received, and where it is: `received` = `shown` + `quarantined`. `sealed` says how
    many of the shown are open to named roles only. One query."""
    rows = scoped(Item, scope)
    if since is not None:
        rows = rows.filter(received_at__gte=since)
    here = Q(quarantined="", conversation__isnull=False)
    # An alias may not be called like the field that another one asks about.
    received, shown, quarantined, sealed = rows.aggregate(
        a=Count("pk"),
        b=Count("pk", filter=here),
        c=Count("pk", filter=~Q(quarantined="")),
        d=Count("pk", filter=here & Q(conversation__sealed=True)),
    ).values()
    return {"received": received, "shown": shown, "quarantined": quarantined, "sealed": sealed}
