"""The return table: five categories, 17 metrics (core/data/metrics.json), for a window.

A number is what its rows add up to, nothing else: `rows(window, key)` are the rows behind it and
the page that it links to. Where no source gives a number it is None with a reason, never 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import (
    Count,
    Exists,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.db.models.functions import TruncDate

from tanggap.core.metrics_data import Metric, metrics
from tanggap.core.scope import scoped
from tanggap.execution.inbox.models import Author, Cursor, Item
from tanggap.monitoring import window as rowsets
from tanggap.monitoring.models import Collection, Measurement
from tanggap.monitoring.window import Window

COLUMNS = ("visits", "visitors", "returning_visitors", "downloads")
NETWORK = ("reblogs", "quotes")
FREQUENT, RETURNING = 3, 2  # different days


@dataclass(frozen=True, slots=True)
class Part:
    """One set of rows. `kind`: items, authors, numbers (of posts), clicks, site. What a row adds
    is its field `amount`; without one, each row counts 1."""

    kind: str
    rows: QuerySet[Any]
    amount: str = ""

    def total(self) -> Decimal:
        if not self.amount:
            return Decimal(self.rows.count())
        found = self.rows.aggregate(found=Sum(self.amount))["found"]
        return Decimal(found or 0)


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of the table, or why there is none.

    value   None when it is not available
    n       from how many (posts, messages, people, days) the number was made
    of      how many there were in all, where some lack the number; else the same as n
    why     codes of desk/words/monitoring.py "why_not", worst first, also beside a partial number
    sources "channel", "own", "short_link", "csv"
    """

    metric: Metric
    value: Decimal | None
    n: int = 0
    of: int = 0
    why: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    measured_at: datetime | None = None


@dataclass(slots=True)
class People:
    """What citizens wrote in the window, and who they are: messages, comments, authors; of the
    authors those who are new, wrote on two or three days, wrote in the period before too."""

    items: int = 0
    comments: int = 0
    all: int = 0
    new: int = 0
    returning: int = 0
    frequent: int = 0
    stayed: int = 0
    before: int = 0


@dataclass(slots=True)
class Facts:
    """What is asked once for the whole table: nine queries, whatever the size."""

    window: Window
    posts: int
    given: dict[str, set[int]] = field(default_factory=dict)
    numbers: dict[str, Decimal] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    listening: bool = True
    links: int = 0
    clicks: Decimal = Decimal(0)
    people: People = field(default_factory=People)
    # Of each column of the analytics file: its sum and on how many days it is there.
    site: dict[str, tuple[Decimal, int]] = field(default_factory=dict)
    measured_at: datetime | None = None


def table(window: Window) -> list[Cell]:
    """All 17, in the order of the source."""
    facts = _facts(window)
    return [_cell(metric, facts) for metric in metrics().values()]


def cell(window: Window, key: str) -> Cell:
    """One of them. An unknown key raises KeyError."""
    return _cell(metrics()[key], _facts(window))


def snapshot(cells: list[Cell]) -> list[dict[str, Any]]:
    """The table as it is kept when an evaluation is closed."""
    return [
        {
            "metric": one.metric.key,
            "value": None if one.value is None else str(one.value),
            "n": one.n,
            "of": one.of,
            "why": list(one.why),
            "sources": list(one.sources),
        }
        for one in cells
    ]


# --- the rows behind a number --------------------------------------------------------------------


def rows(window: Window, key: str) -> list[Part]:
    """The rows that the number counts or adds up; empty where no source counts it."""
    return PARTS[key](window) if key in PARTS else []


def _items(window: Window) -> Part:
    return Part("items", rowsets.items(window))


def _comments(window: Window) -> Part:
    return Part("items", rowsets.comments(window))


def _numbers(window: Window, *names: str) -> Part:
    # DISTINCT ON does not go with SUM, so that it stays inside.
    newest = rowsets.latest(window, *names).values("pk")
    return Part("numbers", scoped(Measurement, window.scope).filter(pk__in=newest), "value")


def _site(window: Window, column: str) -> Part:
    return Part("site", rowsets.site(window, column), "value")


def _on_days(window: Window, least: int) -> QuerySet[Author]:
    """Who wrote on so many different days of the agency's zone."""
    often = (
        rowsets.items(window)
        .annotate(on=TruncDate("written_at", tzinfo=window.zone))
        .values("author_id")
        .annotate(days=Count("on", distinct=True))
        .filter(days__gte=least)
        .values("author_id")
    )
    return scoped(Author, window.scope).filter(pk__in=often)


PARTS: dict[str, Callable[[Window], list[Part]]] = {
    "link_mentions": lambda w: [_numbers(w, "quotes")],
    "reposts": lambda w: [_comments(w), _numbers(w, "reblogs")],
    "talkers": lambda w: [Part("authors", rowsets.authors(w))],
    "new_relations": lambda w: [Part("authors", rowsets.newcomers(w))],
    "visits": lambda w: [_site(w, "visits")],
    "visitors": lambda w: [_site(w, "visitors")],
    "returning_visitors": lambda w: [_site(w, "returning_visitors")],
    "said_about": lambda w: [_items(w)],
    "comments": lambda w: [_comments(w)],
    "retweets": lambda w: [_numbers(w, "reblogs")],
    "shares": lambda w: [_numbers(w, "reblogs", "quotes")],
    "message_clicks": lambda w: [Part("clicks", rowsets.clicks(w), "clicks")],
    "message_downloads": lambda w: [_site(w, "downloads")],
    "member_continuity": lambda w: [Part("authors", rowsets.stayed(w))],
    "loyalty": lambda w: [Part("authors", _on_days(w, FREQUENT))],
    "returning_audience": lambda w: [Part("authors", _on_days(w, RETURNING))],
}
# Which network's number says that a post has any, what is added up, and the columns of the file.
NETWORKED = {
    "link_mentions": "quotes",
    "reposts": "reblogs",
    "retweets": "reblogs",
    "shares": "reblogs",
}

SUMMED = {
    "link_mentions": ("quotes",),
    "reposts": ("reblogs",),
    "retweets": ("reblogs",),
    "shares": ("reblogs", "quotes"),
}
SITE = {
    "visits": "visits",
    "visitors": "visitors",
    "returning_visitors": "returning_visitors",
    "message_downloads": "downloads",
}
COUNTED: dict[str, Callable[[People], int]] = {
    "talkers": lambda people: people.all,
    "new_relations": lambda people: people.new,
    "said_about": lambda people: people.items,
    "comments": lambda people: people.comments,
    "member_continuity": lambda people: people.stayed,
    "loyalty": lambda people: people.frequent,
    "returning_audience": lambda people: people.returning,
}


# --- one cell ------------------------------------------------------------------------------------


def _cell(metric: Metric, facts: Facts) -> Cell:
    key, window, own = metric.key, facts.window, ("own",)
    if key not in PARTS:
        return Cell(metric, None, why=("no_source",))
    if key in NETWORKED:
        return _from_networks(metric, facts)
    if key in SITE:
        if not window.whole:
            return Cell(metric, None, why=("whole_site",))
        total, days = facts.site.get(SITE[key], (Decimal(0), 0))
        if not days:
            return Cell(metric, None, of=window.days, why=("no_file",))
        why = ("days_missing",) if days < window.days else ()
        return Cell(metric, total, days, window.days, why, ("csv",))
    if key == "message_clicks":
        if not facts.links:
            return Cell(metric, None, why=("no_links",))
        return Cell(metric, facts.clicks, facts.links, facts.links, (), ("short_link",))
    if not facts.listening:
        return Cell(metric, None, why=("not_listening",))
    people = facts.people
    value = Decimal(COUNTED[key](people))
    if key in ("said_about", "comments"):
        return Cell(metric, value, int(value), int(value), (), own)
    if key == "member_continuity":
        if not people.before:
            return Cell(metric, None, why=("nobody_before",))
        return Cell(metric, value, people.before, people.before, (), own)
    if key == "loyalty":
        if not people.all:
            return Cell(metric, None, why=("nobody",))
        share = (100 * value / people.all).quantize(Decimal("0.1"))
        return Cell(metric, share, people.all, people.all, (), own)
    return Cell(metric, value, people.all, people.all, (), own)


def _from_networks(metric: Metric, facts: Facts) -> Cell:
    given = facts.given.get(NETWORKED[metric.key], set())
    sources = ("channel", "own") if metric.key == "reposts" else ("channel",)
    if not facts.posts:
        return Cell(metric, None, why=("no_posts",))
    if not given:
        return Cell(metric, None, of=facts.posts, why=facts.missing or ("not_given",))
    why: tuple[str, ...] = ()
    if len(given) < facts.posts:
        why = facts.missing or ("not_given",)
    total = sum((facts.numbers.get(name, Decimal(0)) for name in SUMMED[metric.key]), Decimal(0))
    if metric.key == "reposts":
        total += facts.people.comments
    return Cell(metric, total, len(given), facts.posts, why, sources, facts.measured_at)


# --- what is asked -------------------------------------------------------------------------------


def _facts(window: Window) -> Facts:
    posts = list(rowsets.posts(window).values_list("pk", flat=True))
    facts = Facts(window, len(posts), people=_people(window))
    rows = rowsets.latest(window, *NETWORK)
    for delivery, name, at, value in rows.values_list(
        "delivery_id", "metric", "measured_at", "value"
    ):
        facts.given.setdefault(name, set()).add(delivery)
        facts.numbers[name] = facts.numbers.get(name, Decimal(0)) + (value or 0)
        facts.measured_at = max(facts.measured_at or at, at)
    lacking = set(posts) - facts.given.get("reblogs", set())
    facts.missing = _missing(window, lacking) if lacking else ()
    facts.listening = bool(facts.people.items) or _listening(window)
    facts.links, facts.clicks = _clicks(window)
    facts.site = _sites(window) if window.whole else {}
    return facts


def _clicks(window: Window) -> tuple[int, Decimal]:
    """How many short links there are and how often they were opened."""
    of_link = rowsets.clicks(window).filter(link=OuterRef("pk")).order_by().values("link")
    opened = of_link.annotate(found=Sum("clicks")).values("found")
    rows = rowsets.links(window).annotate(opened=Subquery(opened)).values_list("pk", "opened")
    found = [Decimal(n or 0) for _pk, n in rows]
    return len(found), sum(found, Decimal(0))


def _people(window: Window) -> People:
    """Two queries: one over everybody who wrote in the window, one over those before."""
    earlier = rowsets.items(window.before())
    known = Exists(earlier.filter(author_id=OuterRef("author_id")))
    each = (
        rowsets.items(window)
        .order_by()
        .annotate(on=TruncDate("written_at", tzinfo=window.zone))
        .values("author_id")
        .annotate(
            n=Count("pk"),
            answers=Count("pk", filter=Q(conversation__post__isnull=False)),
            days=Count("on", distinct=True),
            seen=Min("author__first_seen_at"),
        )
    )
    somebody = Q(author_id__isnull=False)
    new = Q(seen__gte=window.since, seen__lt=window.until)
    found = each.annotate(known=known).aggregate(
        items=Sum("n"),
        comments=Sum("answers"),
        all=Count("author_id"),
        new=Count("author_id", filter=new),
        returning=Count("author_id", filter=Q(days__gte=RETURNING)),
        frequent=Count("author_id", filter=Q(days__gte=FREQUENT)),
        stayed=Count("author_id", filter=Q(known=True) & somebody),
    )
    people = People(**{name: value or 0 for name, value in found.items()})
    people.before = earlier.order_by().values("author_id").distinct().exclude(author=None).count()
    return people


def _sites(window: Window) -> dict[str, tuple[Decimal, int]]:
    """Sum and days of each column; where a day has a row for the whole site, that one alone."""
    rows = scoped(Measurement, window.scope).filter(
        metric__in=COLUMNS, day__gte=window.first, day__lte=window.last
    )
    whole = rows.filter(page="", metric=OuterRef("metric"), day=OuterRef("day"))
    rows = rows.filter(Q(page="") | ~Exists(whole))
    told = (
        rows.order_by()
        .values("metric")
        .annotate(total=Sum("value"), days=Count("day", distinct=True))
    )
    return {row["metric"]: (Decimal(row["total"] or 0), row["days"]) for row in told}


def _missing(window: Window, lacking: set[int]) -> tuple[str, ...]:
    """Why posts have no number yet, the most frequent reason first."""
    found: Counter[str] = Counter()
    measured = Measurement.objects.filter(delivery=OuterRef("delivery_id"))
    known = {
        delivery: (next_at, code, has)
        for delivery, next_at, code, has in scoped(Collection, window.scope)
        .filter(delivery__in=lacking)
        .annotate(has=Exists(measured))
        .values_list("delivery_id", "next_at", "failed_code", "has")
    }
    for pk in lacking:
        next_at, code, has = known.get(pk, (True, "", False))
        if code == "gone":
            found["gone"] += 1
        elif code:
            found["failed"] += 1
        elif has or next_at is None:
            found["not_given"] += 1
        else:
            found["not_measured"] += 1
    return tuple(code for code, _n in found.most_common())


def _listening(window: Window) -> bool:
    """Whether anybody reads what citizens write there: without that, 0 would be a guess."""
    cursors, heard = scoped(Cursor, window.scope), scoped(Item, window.scope)
    if window.account:
        cursors = cursors.filter(account=window.account)
        heard = heard.filter(account=window.account)
    return cursors.exists() or heard.exists()
