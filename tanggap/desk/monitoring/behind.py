"""Behind a number: the very rows that it counts. Of days (posts, voices, reports), and of now
(what is owed, what waits for this person)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from tanggap.core import pages
from tanggap.core.pages import Page
from tanggap.desk.asked import instant, number
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.monitoring import period, places
from tanggap.execution.inbox.people import shown_name
from tanggap.monitoring import queries
from tanggap.monitoring import report as reports
from tanggap.monitoring import window as rowsets
from tanggap.monitoring.window import Window

SIZE = 50
OF_DAYS: dict[str, Callable[[Window], QuerySet[Any]]] = {
    "posts": rowsets.posts,
    "voices": rowsets.items,
    "opened": reports.opened,
    "resolved": reports.resolved,
}
RELATED = {
    "posts": ("variant__message", "account"),
    "voices": ("conversation", "account"),
    "opened": ("unit",),
    "resolved": ("unit",),
}
# What a row is, and who may open it and read its words.
KINDS = {
    "posts": ("delivery", "delivery.read"),
    "voices": ("talk", "inbox.read"),
    "opened": ("case", "case.read"),
    "resolved": ("case", "case.read"),
}
OWED = ("late", "today", "talks", "cases")
ONLY = {"talks": ("talk",), "cases": ("case",)}


@desk("monitor.read")
def rows(request: DeskRequest, what: str) -> HttpResponse:
    """Rows of the days of the return table and of the head's page, newest first."""
    if what not in OF_DAYS:
        raise Http404
    window, _form = period.read(request)
    found = OF_DAYS[what](window)
    kind = request.GET.get("kind", "") if what == "voices" else ""
    if kind:
        found = found.filter(conversation__kind="" if kind == "none" else kind)
    total = found.count()
    page = pages.page(
        found.select_related(*RELATED[what]), after=request.GET.get("after", ""), size=SIZE
    )
    place, verb = KINDS[what]
    return render(
        request,
        "desk/monitoring/behind.html",
        {
            "what": what,
            "kind": "" if kind == "none" else kind,
            "chosen": bool(kind),
            "total": total,
            "window": window,
            "where": period.address(window),
            "rows": [_line(what, row, place, request.scope.may(verb)) for row in page.rows],
            "page": page,
        },
    )


def _line(what: str, row: Any, place: str, may: bool) -> dict[str, Any]:
    pk = row.conversation_id if what == "voices" else row.pk
    return {"row": row, "href": places.of(place, pk) if may else "", "may": may}


@desk("today")
def owed(request: DeskRequest) -> HttpResponse:
    """Conversations and reports that Today counts as late, due today or open: what breaks first."""
    scope, now = request.scope, request.now
    group = request.GET.get("group", "late")
    group = group if group in OWED else "late"
    talks, cases = queries.owed_rows(scope, now, group)
    both: dict[str, QuerySet[Any]] = {"talk": talks, "case": cases}
    asked = [(kind, both[kind]) for kind in ONLY.get(group, tuple(both))]
    return render(
        request,
        "desk/monitoring/owed.html",
        {
            "group": group,
            "total": sum(found.count() for _kind, found in asked),
            "lists": [_list(kind, found, request) for kind, found in asked],
        },
    )


def _list(kind: str, found: QuerySet[Any], request: DeskRequest) -> dict[str, Any]:
    related = ("author", "account") if kind == "talk" else ("unit",)
    page = pages.page(
        found.select_related(*related),
        ("due_at", "pk"),
        after=request.GET.get(kind, ""),
        size=SIZE,
    )
    return {
        "kind": kind,
        "label": gettext("Messages") if kind == "talk" else gettext("Reports"),
        "rows": [
            {
                "href": places.of(kind, row.pk),
                "title": row.title if kind == "case" else _name(row),
                "text": row.place if kind == "case" else row.snippet,
                "due": row.due_at,
            }
            for row in page.rows
        ],
        "page": page,
    }


def _name(row: Any) -> str:
    return shown_name(row.author.name, row.author.handle)


@desk("today")
def waits(request: DeskRequest) -> HttpResponse:
    """Everything that waits for this person's decision, oldest first."""
    every = len(queries.decisions(request.scope))
    after = _decided_after(request.GET.get("after", ""))
    found = queries.decisions(request.scope, after, SIZE + 1)
    shown = found[:SIZE]
    last = shown[-1] if len(found) > SIZE else None
    return render(
        request,
        "desk/monitoring/waits.html",
        {
            "total": every,
            "more": every == queries.MOST_DECISIONS,
            "page": Page(
                shown,
                f"{last.since.isoformat()}~{last.kind}~{last.pk}" if last else "",
                after is not None,
            ),
            "rows": [
                {"one": one, "title": one.title, "href": places.of(one.kind, one.pk)}
                for one in shown
            ],
        },
    )


def _decided_after(typed: str) -> tuple[datetime, str, int] | None:
    at, _sign, rest = typed.partition("~")
    kind, _sign, pk = rest.partition("~")
    found = instant(at)
    return (found, kind, number(pk)) if found and number(pk) else None
