"""Questions about what came in. The only way to conversations: sealed ones never leak from here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.search import SearchQuery
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    CharField,
    Count,
    DateTimeField,
    F,
    Func,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, JSONObject
from django.db.models.lookups import IsNull

from tanggap.accounts.models import Account
from tanggap.accounts.queries import usable
from tanggap.core import pages
from tanggap.core.models import Agency, Membership, Person
from tanggap.core.nested import build, nested, unfold
from tanggap.core.roles import VERBS
from tanggap.core.scope import Scope, scoped
from tanggap.execution.inbox.models import (
    Author,
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
CONFIG, NAMES = "pg_catalog.indonesian", "pg_catalog.simple"
COMMON = 2000
"""Words that are found more often are looked for along the list, others by their index."""

ASKING = ("asked", "late", "held", "failed")
"""States of a delivery in which a person decides."""

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


def conversations(scope: Scope, **wanted_of: Any) -> QuerySet[Conversation]:
    """All rows of the list, filtered as `wanted` says; `page` gives them in their order."""
    return scoped(Conversation, scope).filter(wanted(scope, **wanted_of).condition)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list shows. `few`: the condition names rows by their ids."""

    condition: Q
    few: bool = False


def wanted(
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
) -> Wanted:
    """What the list shows. `group` "" is everything; `like` is a conversation: it, and those that
    were suggested to speak of the same. With `text`, asks one query now (`search`)."""
    found = Q(sealed=sealed_ones)
    if sealed_ones and not scope.may("integrity"):
        return Wanted(Q(pk__in=[]), few=True)
    if like:
        found &= Q(pk=like) | Q(pk__in=alike(like).values("pk"))
    if group == "mine" and scope.person is not None:
        found &= Q(state__in=OPEN, assigned_to=scope.person)
    elif group == "snoozed":
        found &= Q(snoozed_until__gt=now)
    elif group in GROUPS:
        found &= GROUPS[group]
    if group in ("open", "mine", "unassigned") and not snoozed:
        found &= Q(snoozed_until=None) | Q(snoozed_until__lte=now)
    if kind:
        found &= Q(kind=kind)
    if unit:
        found &= Q(unit_id=unit)
    if assignee:
        found &= Q(assigned_to_id=assignee)
    if account:
        found &= Q(account_id=account)
    if case in ("yes", "no"):
        found &= Q(has_case=case == "yes")
    if not text.strip():
        return Wanted(found, few=bool(like))
    words = search(scope, text)
    return Wanted(found & words.condition, words.few)


def search(scope: Scope, text: str) -> Wanted:
    """Those where somebody used these words, in any version of what they wrote; or whose handle or
    name begins with them. PostgreSQL's own Indonesian stems ("perbaikan" finds "diperbaiki").

    Asks one query now: how common the words are. Rare ones are then a handful of ids. Common ones
    are met soon when one walks down the list, which no index over words could put in its order.
    """
    query = SearchQuery(text.strip(), config=CONFIG, search_type="websearch")
    said = scoped(Item, scope).filter(tsv=query, conversation__isnull=False)
    edited = scoped(Revision, scope).filter(tsv=query)
    wrote = _named(scope, text)
    found = _first(
        {
            "said": said.values_list("conversation_id"),
            "edited": edited.values_list("item__conversation_id"),
            "wrote": scoped(Conversation, scope).filter(author__in=wrote).values_list("pk"),
        },
        COMMON + 1,
    )
    if all(len(ids) <= COMMON for ids in found.values()):
        return Wanted(Q(pk__in={*found["said"], *found["edited"], *found["wrote"]}), few=True)
    here, wanted = OuterRef("pk"), Q()
    if found["said"]:
        wanted |= _row_by_row(said.filter(conversation=here))
    if found["edited"]:
        wanted |= _row_by_row(edited.filter(item__conversation=here))
    if found["wrote"]:
        wanted |= _row_by_row(wrote.filter(pk=OuterRef("author_id")))
    return Wanted(wanted)


def _row_by_row(rows: QuerySet[Any]) -> Q:
    """There is one, asked for each row that is met: the planner turns EXISTS into a join with all
    that match, although the page needs the first few."""
    return Q(IsNull(Subquery(rows.order_by().values("pk")[:1]), False))


def _named(scope: Scope, text: str) -> QuerySet[Author]:
    """Authors of whose handle and name some word begins with each of these."""
    words = re.findall(r"[\w.@-]+", text.lower().removeprefix("@"))
    if not words:
        return Author.objects.none()
    said = " & ".join(f"'{word}':*" for word in words)
    return scoped(Author, scope).filter(tsv=SearchQuery(said, config=NAMES, search_type="raw"))


def _first(parts: Mapping[str, QuerySet[Any]], most: int) -> dict[str, list[int]]:
    """Of several questions for one id, the first so many answers each: one query."""
    names = list(parts)
    first, *rest = [
        rows.order_by().annotate(which=Value(at))[:most]
        for at, rows in enumerate(parts.values())
        if not rows.query.is_empty()
    ]
    found: dict[str, list[int]] = {name: [] for name in names}
    for pk, at in first.union(*rest, all=True) if rest else first:
        found[names[at]].append(pk)
    return found


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, what breaks first on top; `after` is the key of the next page, None on the last."""

    rows: list[Conversation]
    after: tuple[datetime, int] | None


LISTED = ("author", "assigned_to")
"""What a line of the list shows of other rows."""


def page(
    scope: Scope,
    wanted: Wanted,
    *,
    after: tuple[datetime, int] | None = None,
    size: int = PAGE,
    related: tuple[str, ...] = LISTED,
) -> Page:
    """One page by (due_at, id), up to the very last row.

    An index has the order of one agency only, so that of each agency of the scope the first rows
    are read and then merged: a page costs what it shows, however deep it lies.
    """
    condition = wanted.condition
    if after is not None:
        at, pk = after
        condition &= Q(
            _After(F("due_at"), F("pk"), Value(at, DateTimeField()), Value(pk, BigIntegerField()))
        )
    if wanted.few:
        rows = scoped(Conversation, scope).filter(condition)
    else:
        each = Conversation.objects.filter(condition, agency=OuterRef("pk"))
        first = ArraySubquery(each.order_by("due_at", "pk").values("pk")[: size + 1])
        ids = Agency.objects.filter(pk__in=scope.readable).values(first=_Unnest(first))
        rows = Conversation.objects.filter(pk__in=ids)
    found = list(rows.select_related(*related).order_by("due_at", "pk")[: size + 1])
    shown = found[:size]
    more = len(found) > size
    return Page(shown, (shown[-1].due_at, shown[-1].pk) if more else None)


class _After(Func):
    """(a, b) > (c, d), as an index over a and b understands it."""

    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, **more: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        parts = [compiler.compile(one) for one in self.source_expressions]
        one, two, three, four = (sql for sql, _params in parts)
        return f"({one}, {two}) > ({three}, {four})", [
            value for _sql, params in parts for value in params
        ]


class _Unnest(Func):
    function = "unnest"
    set_returning = True
    output_field = BigIntegerField()


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


def sent(scope: Scope, *, sealed_ones: bool = False) -> QuerySet[Reply]:
    """Answers that were handed to a network, with their deliveries."""
    talks = sealed(scope) if sealed_ones else visible(scope)
    return (
        scoped(Reply, scope)
        .filter(conversation__in=talks, delivery__isnull=False)
        .select_related(
            "conversation__author",
            "conversation__agency",
            "delivery__account__agency",
            "delivery__follows",
            "delivery__agency",
        )
    )


ASKED = ("written_at", "pk")


def asking(scope: Scope, *, sealed_ones: bool = False) -> QuerySet[Reply]:
    """Answers that went no further and wait for somebody's word, oldest first."""
    rows = sent(scope, sealed_ones=sealed_ones)
    return rows.filter(delivery__state__in=ASKING).order_by(*ASKED)


def conversation(scope: Scope, pk: int, *, sealed_ones: bool = False) -> Conversation | None:
    rows = sealed(scope) if sealed_ones else visible(scope)
    return _with_relations(rows).filter(pk=pk).first()


@dataclass(frozen=True, slots=True)
class Thread:
    """Everything of one conversation that the middle pane shows.

    `others` are other conversations with the same citizen, newest first; `alike` are ids of
    conversations that were suggested to speak of the same, and `loose` those in no report yet.
    `older` is the key of the items before these, "" when they are the first; the pane shows what
    was said from `since` on and before `until`.
    """

    items: list[Item]
    replies: list[Reply]
    notes: list[Note]
    suggestions: list[Suggestion]
    others: list[Conversation]
    alike: list[int]
    loose: list[int]
    older: str = ""
    since: datetime | None = None
    until: datetime | None = None


SAID = ("-written_at", "-pk")
SHOWN = 40
"""Items of a conversation on one page."""
DELIVERED = ("state", "trouble", "published_at")


def opened(
    scope: Scope, pk: int, *, sealed_ones: bool = False, after: str = ""
) -> tuple[Conversation, Thread] | None:
    """A conversation with its newest items (those before the key `after`), our answers, notes, and
    suggestions that nobody judged yet: one query."""
    here, size = OuterRef("pk"), SHOWN
    items = Item.objects.filter(conversation=here).order_by(*SAID)
    key = pages.key_in(after, items, SAID)
    items = pages.behind(items, SAID, key)[: size + 1]
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
                others(Conversation.objects.all(), OuterRef("author_id"), OuterRef("agency_id"))
                .exclude(pk=here)
                .order_by(*NEWEST)[: OTHERS + 1]
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
    more = len(told.told_items) > size
    for one in reversed(told.told_items[:size]):
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
        older=pages.key_of(rows[0], SAID) if more else "",
        since=rows[0].written_at if more else None,
        until=key[0] if key else None,
    )


NEWEST = ("-last_item_at", "-pk")
OTHERS = 5
"""Of one citizen so many, and one more when there are more of them."""


def others(rows: QuerySet[Conversation], author: Any, agency: Any) -> QuerySet[Conversation]:
    """Conversations with one citizen that the inbox shows."""
    return rows.filter(author_id=author, agency_id=agency, sealed=False)


ALIKE = 300
"""Of a flood of messages about one thing, the newest so many are offered together."""


def alike(conversation: Any) -> QuerySet[Conversation]:
    """Conversations that were suggested to speak of the same as this one (a pk or an OuterRef);
    none sealed, and never itself. The caller limits them to a scope."""
    # Three queries deep, and then one more for the row that they stand in.
    outer = isinstance(conversation, OuterRef)
    inner = OuterRef(OuterRef(OuterRef(conversation))) if outer else conversation
    values = (
        Suggestion.objects.filter(item__conversation=inner, field="group")
        .exclude(verdict="corrected")
        .values("value")
    )
    # Cut before the items are looked up: the planner cannot know that groups are small.
    items = (
        Suggestion.objects.filter(field="group", value__in=values)
        .exclude(verdict="corrected")
        .order_by("-pk")
        .values("item_id")[:ALIKE]
    )
    ids = Item.objects.filter(pk__in=items).values("conversation_id")
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


CLAIM_OPEN = ("noticed", "checking")
CLAIMS = ("over", "-first_seen_at", "-pk")
"""The order of the hoax desk."""


def claims(scope: Scope, state: str = "") -> QuerySet[Claim]:
    """The hoax desk, what is open first, then what was seen last."""
    over = Case(When(state__in=CLAIM_OPEN, then=0), default=1, output_field=IntegerField())
    rows = (
        scoped(Claim, scope)
        .select_related("unit", "decided_by")
        .annotate(
            over=over,
            seen=Count("items", distinct=True),
            proofs=Count("sources", distinct=True),
        )
    )
    if state:
        rows = rows.filter(state=state)
    return rows.order_by(*CLAIMS)


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
