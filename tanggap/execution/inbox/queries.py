"""Questions about what came in. The only way to conversations: sealed ones never leak from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.search import SearchQuery
from django.db.models import (
    CharField,
    Count,
    F,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.functions import Cast, JSONObject

from tanggap.accounts.models import Account
from tanggap.accounts.queries import usable
from tanggap.core.models import Agency, Membership, Person
from tanggap.core.nested import build, nested, unfold
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

PAGE, TOGETHER = 25, 60
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
    scope: Scope,
    *,
    now: datetime,
    group: str = "open",
    kind: str = "",
    unit: int = 0,
    assignee: int = 0,
    account: int = 0,
    text: str = "",
    case: str = "",
    snoozed: bool = False,
    like: int = 0,
    sealed_ones: bool = False,
) -> QuerySet[Conversation]:
    """Rows of the list, filtered; put `page` around it. `group` "" is everything; `like` is a
    conversation: it, and those that were suggested to speak of the same."""
    rows = sealed(scope) if sealed_ones else visible(scope)
    if like:
        rows = rows.filter(Q(pk=like) | Q(pk__in=alike(like).values("pk")))
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
        Q(pk__in=said)
        | Q(pk__in=edited)
        | Q(author__handle__icontains=name)
        | Q(author__name__icontains=name)
    )


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


def counts(
    scope: Scope, now: datetime, *, sealed_ones: bool = False, until: datetime | None = None
) -> dict[str, int]:
    """Of each pill at most CAP, in one query. With `until` also `late` (the promise is broken),
    `due` (it ends before `until`) and `awaiting` (answers that wait for a second person)."""
    awake = Q(snoozed_until=None) | Q(snoozed_until__lte=now)
    rows = sealed(scope) if sealed_ones else visible(scope)
    mine = rows.filter(state__in=OPEN, assigned_to=scope.person).filter(awake)
    parts: dict[str, QuerySet[Any]] = {
        "mine": mine,
        "unassigned": rows.filter(GROUPS["unassigned"]).filter(awake),
        "open": rows.filter(GROUPS["open"]).filter(awake),
        "snoozed": rows.filter(snoozed_until__gt=now),
        "answered": rows.filter(GROUPS["answered"]),
        "quiet": rows.filter(GROUPS["quiet"]),
    }
    if until is not None:
        parts |= {
            "late": rows.filter(state__in=OPEN, due_at__lt=now),
            "due": rows.filter(state__in=OPEN, due_at__gte=now, due_at__lt=until),
            "awaiting": awaiting(scope).select_related(None),
        }
    return _capped(parts)


def late(scope: Scope, now: datetime) -> int:
    """Open conversations whose promise is broken."""
    return visible(scope).filter(state__in=OPEN, due_at__lt=now)[:CAP].count()


def awaiting(scope: Scope) -> QuerySet[Reply]:
    """Answers that wait for a second person, oldest first."""
    rows = scoped(Reply, scope).filter(state="awaiting", conversation__sealed=False)
    return rows.select_related(
        "conversation__author",
        "conversation__account",
        "item",
        "written_by",
        "saved_answer",
        "claim",
    ).order_by("written_at", "pk")


def conversation(scope: Scope, pk: int, *, sealed_ones: bool = False) -> Conversation | None:
    rows = sealed(scope) if sealed_ones else visible(scope)
    return _with_relations(rows).filter(pk=pk).first()


@dataclass(frozen=True, slots=True)
class Thread:
    """Everything of one conversation that the middle pane shows.

    `others` are other conversations with the same citizen, newest first; `alike` are ids of
    conversations that were suggested to speak of the same, and `loose` those in no report yet.
    """

    items: list[Item]
    replies: list[Reply]
    notes: list[Note]
    suggestions: list[Suggestion]
    others: list[Conversation]
    alike: list[int]
    loose: list[int]


DELIVERED = ("state", "trouble", "published_at")


def opened(
    scope: Scope, pk: int, *, sealed_ones: bool = False, newest: int = 200
) -> tuple[Conversation, Thread] | None:
    """A conversation with its newest items, our answers, notes, and suggestions that nobody judged
    yet: one query."""
    here = OuterRef("pk")
    items = Item.objects.filter(conversation=here).order_by("-written_at", "-pk")[:newest]
    found = (
        _with_relations(sealed(scope) if sealed_ones else visible(scope))
        .annotate(
            told_items=nested(
                items,
                author=("handle", "name"),
                inside={
                    "told_revisions": nested(Revision.objects.filter(item=here).order_by("number")),
                    "told_moderations": nested(
                        Moderation.objects.filter(item=here).order_by("pk"), by=("name",)
                    ),
                    "told_suggestions": nested(
                        Suggestion.objects.filter(item=here, verdict="")
                        .exclude(field="group")
                        .order_by("pk")
                    ),
                },
            ),
            told_replies=nested(
                Reply.objects.filter(conversation=here).order_by("written_at", "pk"),
                written_by=("name",),
                delivery=DELIVERED,
            ),
            told_notes=nested(
                Note.objects.filter(conversation=here).order_by("at", "pk"), by=("name",)
            ),
            told_others=nested(
                Conversation.objects.filter(
                    author_id=OuterRef("author_id"), agency_id=OuterRef("agency_id"), sealed=False
                )
                .exclude(pk=here)
                .order_by("-last_item_at")[:OTHERS]
            ),
            told_alike=ArraySubquery(
                alike(here).order_by("pk").values(told=JSONObject(id="pk", has_case="has_case"))
            ),
        )
        .filter(pk=pk)
        .first()
    )
    if found is None:
        return None
    told: Any = found
    rows, suggestions = [], []
    for one in reversed(told.told_items):
        item = build(Item, one)
        kept: Any = item
        kept._prefetched_objects_cache = {
            "revisions": _as_loaded(Revision, one["told_revisions"]),
            "moderations": _as_loaded(Moderation, one["told_moderations"]),
        }
        rows.append(item)
        suggestions += unfold(Suggestion, one["told_suggestions"])
    return found, Thread(
        rows,
        unfold(Reply, told.told_replies),
        unfold(Note, told.told_notes),
        suggestions,
        [] if found.sealed else unfold(Conversation, told.told_others),
        [] if found.sealed else [one["id"] for one in told.told_alike],
        [] if found.sealed else [one["id"] for one in told.told_alike if not one["has_case"]],
    )


OTHERS = 5


def alike(conversation: Any) -> QuerySet[Conversation]:
    """Conversations that were suggested to speak of the same as this one (a pk or an OuterRef);
    none sealed, and never itself. The caller limits them to a scope."""
    # Two queries deep, and then one more for the row that they stand in.
    outer = isinstance(conversation, OuterRef)
    inner = OuterRef(OuterRef(conversation)) if outer else conversation
    values = (
        Suggestion.objects.filter(item__conversation=inner, field="group")
        .exclude(verdict="corrected")
        .values("value")
    )
    ids = (
        Suggestion.objects.filter(field="group", value__in=values)
        .exclude(verdict="corrected")
        .values("item__conversation_id")
    )
    return Conversation.objects.filter(pk__in=ids, sealed=False).exclude(pk=conversation)


def thread(found: Conversation) -> list[Item]:
    """Items of a conversation in the order of time, with their revisions."""
    return list(
        Item.objects.filter(conversation=found)
        .prefetch_related(Prefetch("revisions", Revision.objects.order_by("number")))
        .order_by("written_at", "pk")
    )


def _with_relations(rows: QuerySet[Conversation]) -> QuerySet[Conversation]:
    return rows.select_related(
        "agency", "author", "account__agency", "unit", "assigned_to", "post__variant"
    )


def _as_loaded(model: type[Any], told: list[dict[str, Any]]) -> QuerySet[Any]:
    """Rows that are here already, as a relation's `all()` gives them."""
    rows: Any = model._default_manager.all()
    rows._result_cache = unfold(model, told)
    rows._prefetch_done = True
    return rows  # type: ignore[no-any-return]


def since(found: Conversation, seen_item_id: int) -> list[Item]:
    """What came after the item that a reply's writer saw."""
    return list(Item.objects.filter(conversation=found, pk__gt=seen_item_id).order_by("pk"))


@dataclass(frozen=True, slots=True)
class Choices:
    """What the forms of the panes offer: units (id, slug, name), people (id, name) who answer
    citizens, accounts (id, name). Each by name."""

    units: list[tuple[int, str, str]]
    people: list[tuple[int, str]]
    accounts: list[tuple[int, str]]


def choices(scope: Scope) -> Choices:
    """One query."""
    holders = Membership.objects.filter(
        agency=scope.agency, ended_at=None, role__in=VERBS["inbox.write"]
    ).values("person_id")
    found: dict[str, list[tuple[int, str, str]]] = {"unit": [], "person": [], "account": []}
    rows = _choice(
        "unit",
        Agency.objects.filter(pk__in=scope.readable, autonomous=False),
        "slug",
        "short_name",
    ).union(
        _choice("person", Person.objects.filter(pk__in=holders, is_active=True), None, "name"),
        _choice("account", usable(scope), None, "display_name"),
        all=True,
    )
    for which, pk, code, name in rows.order_by("which", "name_", "id_"):
        found[which].append((pk, code, name))
    return Choices(
        found["unit"],
        [(pk, name) for pk, _code, name in found["person"]],
        [(pk, name) for pk, _code, name in found["account"]],
    )


def _choice(which: str, rows: QuerySet[Any], code: str | None, name: str) -> QuerySet[Any]:
    return (
        rows.order_by()
        .annotate(
            which=Value(which, CharField()),
            id_=Cast("pk", IntegerField()),
            code_=Cast(code, TextField()) if code else Value("", TextField()),
            name_=Cast(name, TextField()),
        )
        .values_list("which", "id_", "code_", "name_")
    )


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
        for row in scoped(Item, scope)
        .order_by()
        .values("account_id")
        .annotate(
            shown=Count("pk", filter=Q(conversation__isnull=False)),
            apart=Count("pk", filter=Q(conversation=None)),
        )
    }
    rows = scoped(Account, scope).filter(pk__in={*got, *kept}).order_by("pk")
    return [
        Balance(
            row,
            got.get(row.pk, 0),
            kept.get(row.pk, {}).get("shown", 0),
            kept.get(row.pk, {}).get("apart", 0),
        )
        for row in rows
    ]


def listening(scope: Scope) -> list[Cursor]:
    """How listening goes, an account a row."""
    return list(
        scoped(Cursor, scope).filter(stream="main").select_related("account").order_by("account_id")
    )


def claims(scope: Scope, state: str = "") -> QuerySet[Claim]:
    """The hoax desk, what is open first."""
    rows = (
        scoped(Claim, scope)
        .select_related("unit", "decided_by")
        .annotate(seen=Count("items", distinct=True), proofs=Count("sources", distinct=True))
    )
    if state:
        rows = rows.filter(state=state)
    return rows.order_by(F("decided_at").asc(nulls_first=True), "-first_seen_at", "-pk")


def clarifications(agency_ids: list[int]) -> QuerySet[Claim]:
    """What the public page shows: decided and meant for it."""
    return (
        Claim.objects.filter(
            agency_id__in=agency_ids, published=True, state__in=["decided", "corrected"]
        )
        .select_related("agency", "unit")
        .prefetch_related("sources")
        .order_by("-decided_at", "-pk")
    )


def _capped(parts: Mapping[str, QuerySet[Any]]) -> dict[str, int]:
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
