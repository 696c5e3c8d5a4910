"""Questions about what came in. The only way to conversations: sealed ones never leak from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db.models import Count, F, Prefetch, Q, QuerySet, Value

from tanggap.accounts.models import Account
from tanggap.core.models import Membership, Person
from tanggap.core.roles import VERBS
from tanggap.core.scope import Scope, scoped
from tanggap.execution.inbox.models import (
    Claim,
    Conversation,
    Cursor,
    Item,
    Moderation,
    Note,
    Reply,
    Revision,
    Suggestion,
)
from tanggap.execution.inbox.promise import OPEN

PAGE = 25
CAP = 100
"""Counts stop here: "99+" says enough, and a count of everything is slow."""
CONFIG = "pg_catalog.indonesian"

# What the pills mean: code → condition. `mine` needs the person and is made in `conversations`.
GROUPS: Mapping[str, Q] = {
    "open": Q(state__in=OPEN),
    "unassigned": Q(state__in=OPEN, assigned_to=None),
    "answered": Q(state="answered"),
    "quiet": Q(state="quiet"),
}


def visible(scope: Scope) -> QuerySet[Conversation]:
    """Conversations that the team may see: none that is sealed, whoever asks."""
    return scoped(Conversation, scope).filter(sealed=False)


def sealed(scope: Scope) -> QuerySet[Conversation]:
    """Suspected misconduct: for holders of "integrity" only, of the whole agency."""
    rows = scoped(Conversation, scope)
    return rows.filter(sealed=True) if scope.may("integrity") else rows.none()


def conversations(
    scope: Scope, *, now: datetime, group: str = "open", kind: str = "", unit: int = 0,
    assignee: int = 0, account: int = 0, text: str = "", case: str = "", snoozed: bool = False,
    sealed_ones: bool = False,
) -> QuerySet[Conversation]:
    """Rows of the list, filtered; put `page` around it. `group` "" is everything."""
    rows = sealed(scope) if sealed_ones else visible(scope)
    rows = rows.select_related("author", "account", "unit", "assigned_to")
    if group == "mine" and scope.person is not None:
        rows = rows.filter(state__in=OPEN, assigned_to=scope.person)
    elif group == "snoozed":
        rows = rows.filter(snoozed_until__gt=now)
    elif group in GROUPS:
        rows = rows.filter(GROUPS[group])
    if group in ("open", "mine", "unassigned") and not snoozed:
        rows = rows.filter(Q(snoozed_until=None) | Q(snoozed_until__lte=now))
    if kind:
        rows = rows.filter(kind=kind)
    if unit:
        rows = rows.filter(unit_id=unit)
    if assignee:
        rows = rows.filter(assigned_to_id=assignee)
    if account:
        rows = rows.filter(account_id=account)
    if case in ("yes", "no"):
        rows = rows.filter(has_case=case == "yes")
    return search(rows, scope, text) if text.strip() else rows


def search(rows: QuerySet[Conversation], scope: Scope, text: str) -> QuerySet[Conversation]:
    """Those where somebody used these words, in any version of what they wrote; or whose handle or
    name it is. PostgreSQL's own Indonesian stems ("perbaikan" finds "diperbaiki")."""
    query = SearchQuery(text.strip(), config=CONFIG, search_type="websearch")
    said = scoped(Item, scope).filter(tsv=query).values("conversation_id")
    edited = scoped(Revision, scope).filter(tsv=query).values("item__conversation_id")
    name = text.strip().removeprefix("@")
    return rows.filter(
        Q(pk__in=said) | Q(pk__in=edited)
        | Q(author__handle__icontains=name) | Q(author__name__icontains=name))


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, what breaks first on top; `after` is the key of the next page, None on the last."""

    rows: list[Conversation]
    after: tuple[datetime, int] | None


def page(
    rows: QuerySet[Conversation], *, after: tuple[datetime, int] | None = None, size: int = PAGE
) -> Page:
    """One page by (due_at, id), up to the very last row."""
    if after is not None:
        at, pk = after
        rows = rows.filter(Q(due_at__gt=at) | Q(due_at=at, pk__gt=pk))
    found = list(rows.order_by("due_at", "pk")[: size + 1])
    shown = found[:size]
    more = len(found) > size
    return Page(shown, (shown[-1].due_at, shown[-1].pk) if more else None)


def counts(scope: Scope, now: datetime, *, sealed_ones: bool = False) -> dict[str, int]:
    """Of each pill at most CAP, in one query."""
    awake = Q(snoozed_until=None) | Q(snoozed_until__lte=now)
    rows = sealed(scope) if sealed_ones else visible(scope)
    mine = rows.filter(state__in=OPEN, assigned_to=scope.person).filter(awake)
    parts = {
        "mine": mine,
        "unassigned": rows.filter(GROUPS["unassigned"]).filter(awake),
        "open": rows.filter(GROUPS["open"]).filter(awake),
        "snoozed": rows.filter(snoozed_until__gt=now),
        "answered": rows.filter(GROUPS["answered"]),
        "quiet": rows.filter(GROUPS["quiet"]),
    }
    return _capped(parts)


def late(scope: Scope, now: datetime) -> int:
    """Open conversations whose promise is broken."""
    return visible(scope).filter(state__in=OPEN, due_at__lt=now)[:CAP].count()


def due(scope: Scope, now: datetime, until: datetime) -> int:
    """Open conversations whose promise ends before `until`."""
    return visible(scope).filter(
        state__in=OPEN, due_at__gte=now, due_at__lt=until)[:CAP].count()


def awaiting(scope: Scope) -> QuerySet[Reply]:
    """Answers that wait for a second person, oldest first."""
    rows = scoped(Reply, scope).filter(state="awaiting", conversation__sealed=False)
    return rows.select_related(
        "conversation__author", "conversation__account", "item", "written_by", "saved_answer",
        "claim",
    ).order_by("written_at", "pk")


def conversation(scope: Scope, pk: int, *, sealed_ones: bool = False) -> Conversation | None:
    rows = sealed(scope) if sealed_ones else visible(scope)
    return rows.select_related(
        "agency", "author", "account__agency", "unit", "assigned_to", "post__variant"
    ).filter(pk=pk).first()


@dataclass(frozen=True, slots=True)
class Thread:
    """Everything of one conversation that the middle pane shows."""

    items: list[Item]
    replies: list[Reply]
    notes: list[Note]
    suggestions: list[Suggestion]


def thread(found: Conversation, *, newest: int = 200) -> Thread:
    """Items (the newest ones), our replies with their deliveries, notes; suggestions nobody judged.
    """
    items = list(
        Item.objects.filter(conversation=found).select_related("author")
        .prefetch_related(
            Prefetch("revisions", Revision.objects.order_by("number")),
            Prefetch("moderations", Moderation.objects.select_related("by").order_by("pk")),
        )
        .order_by("-written_at", "-pk")[:newest]
    )[::-1]
    replies = Reply.objects.filter(conversation=found).select_related(
        "delivery", "written_by", "approved_by", "saved_answer").order_by("written_at", "pk")
    notes = Note.objects.filter(conversation=found).select_related("by").order_by("at", "pk")
    suggestions = Suggestion.objects.filter(
        item__conversation=found, verdict="").exclude(field="group").order_by("item_id", "pk")
    return Thread(items, list(replies), list(notes), list(suggestions))


def since(found: Conversation, seen_item_id: int) -> list[Item]:
    """What came after the item that a reply's writer saw."""
    return list(Item.objects.filter(conversation=found, pk__gt=seen_item_id).order_by("pk"))


def others_of(found: Conversation, size: int = 5) -> list[Conversation]:
    """Other conversations with the same citizen on this account, newest first; none sealed."""
    rows = Conversation.objects.filter(
        author_id=found.author_id, sealed=False, agency_id=found.agency_id).exclude(pk=found.pk)
    return list(rows.order_by("-last_item_at")[:size])


def answerers(scope: Scope) -> list[Person]:
    """Who can be given a conversation: roles that answer citizens, by name."""
    if scope.agency is None:
        return []
    roles = VERBS["inbox.write"]
    ids = Membership.objects.filter(
        agency=scope.agency, ended_at=None, role__in=roles).values("person_id")
    return list(Person.objects.filter(pk__in=ids, is_active=True).order_by("name"))


def quarantined(scope: Scope) -> QuerySet[Item]:
    """What could not be placed, newest first."""
    return scoped(Item, scope).exclude(quarantined="").select_related("account").order_by("-pk")


@dataclass(frozen=True, slots=True)
class Balance:
    """Received must be what is shown and what is quarantined."""

    account: Account
    received: int
    shown: int
    quarantined: int

    @property
    def even(self) -> bool:
        return self.received == self.shown + self.quarantined


def balances(scope: Scope) -> list[Balance]:
    """The account books of listening: nothing that came in was lost between network and screen."""
    got: dict[int, int] = {}
    for account_id, received in scoped(Cursor, scope).values_list("account_id", "received"):
        got[account_id] = got.get(account_id, 0) + received
    kept: dict[int, dict[str, Any]] = {
        row["account_id"]: dict(row)
        for row in scoped(Item, scope).order_by().values("account_id").annotate(
            shown=Count("pk", filter=Q(conversation__isnull=False)),
            apart=Count("pk", filter=Q(conversation=None)),
        )
    }
    rows = scoped(Account, scope).filter(pk__in={*got, *kept}).order_by("pk")
    return [
        Balance(row, got.get(row.pk, 0), kept.get(row.pk, {}).get("shown", 0),
                kept.get(row.pk, {}).get("apart", 0))
        for row in rows
    ]


def listening(scope: Scope) -> list[Cursor]:
    """How listening goes, an account a row."""
    return list(scoped(Cursor, scope).filter(stream="main").select_related("account")
                .order_by("account_id"))


def claims(scope: Scope, state: str = "") -> QuerySet[Claim]:
    """The hoax desk, what is open first."""
    rows = scoped(Claim, scope).select_related("unit", "decided_by").annotate(
        seen=Count("items", distinct=True), proofs=Count("sources", distinct=True))
    if state:
        rows = rows.filter(state=state)
    return rows.order_by(F("decided_at").asc(nulls_first=True), "-first_seen_at", "-pk")


def clarifications(agency_ids: list[int]) -> QuerySet[Claim]:
    """What the public page shows: decided and meant for it."""
    return Claim.objects.filter(
        agency_id__in=agency_ids, published=True, state__in=["decided", "corrected"]
    ).select_related("agency", "unit").prefetch_related("sources").order_by("-decided_at", "-pk")


def _capped(parts: Mapping[str, QuerySet[Conversation]]) -> dict[str, int]:
    """Counts up to CAP of several questions, one query."""
    names = list(parts)
    first, *rest = [
        parts[name].order_by().annotate(which=Value(at)).values("which")[:CAP]
        for at, name in enumerate(names)
    ]
    found = dict.fromkeys(names, 0)
    for row in first.union(*rest, all=True):
        found[names[row["which"]]] += 1
    return found

