"""Search (Ctrl K): conversations, reports, content and activities, what this person may read.

Sealed reports never come up, whoever asks; numbers of NIK, phones and the like are not searched
for and are masked where they are shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.text import Truncator
from django.utils.translation import gettext

from tanggap.activities.models import Activity
from tanggap.core import pages
from tanggap.core.pages import Page
from tanggap.core.scope import scoped
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.monitoring import places
from tanggap.desk.words import word
from tanggap.execution.followup.models import Case
from tanggap.execution.inbox import queries as inbox
from tanggap.language.redact import redact
from tanggap.messaging.models import Message

SHORTEST, LONGEST, SIZE = 2, 200, 8


@dataclass(frozen=True, slots=True)
class Found:
    """One line of the answer."""

    title: str
    href: str
    text: str
    at: datetime
    pill: str


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one kind. Where its own list searches the same words, `href` is all."""

    kind: str
    title: str
    rows: list[Found]
    page: Page[Any]
    href: str = ""


@desk("search")
def search(request: DeskRequest) -> HttpResponse:
    asked = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]
    groups = _groups(request, asked) if len(asked) >= SHORTEST else []
    return render(
        request,
        "desk/search.html",
        {
            "asked": asked,
            "groups": groups,
            "found": sum(len(one.rows) for one in groups),
            "more": any(one.page.after or one.page.later for one in groups),
            "short": 0 < len(asked) < SHORTEST,
            # Somebody's number in an address would stay in the browser's history.
            "personal": bool(redact(asked)) if asked else False,
        },
    )


def _groups(request: DeskRequest, asked: str) -> list[Group]:
    scope, found = request.scope, []
    rows: Any
    if scope.may("case.read"):
        rows = (
            scoped(Case, scope)
            .filter(sealed=False)
            .filter(Q(number__iexact=asked) | Q(title__icontains=asked) | Q(place__icontains=asked))
        )
        unit = scope.membership.unit_id if scope.membership else None
        if unit:
            rows = rows.filter(unit_id=unit)
        found.append(
            _group(
                gettext("Reports"),
                "case",
                _page(request, "case", rows),
                lambda row: Found(
                    f"{row.number} · {row.title}",
                    places.of("case", row.pk),
                    row.place,
                    row.opened_at,
                    word(row.kind, "case_kind_short"),
                ),
            )
        )
    if scope.may("inbox.read"):
        talks = inbox.page(
            scope, inbox.wanted(scope, now=request.now, group="", text=asked), size=SIZE
        )
        every = f"{places.listing('talk')}?group=all&q={quote(asked)}" if talks.after else ""
        found.append(
            _group(
                gettext("Messages"),
                "talk",
                Page(talks.rows),
                lambda row: Found(
                    row.author.name or row.author.handle,
                    places.of("talk", row.pk),
                    row.snippet,
                    row.last_item_at,
                    word(row.kind, "heard_kind"),
                ),
                every,
            )
        )
    if scope.may("message.read"):
        rows = scoped(Message, scope).filter(Q(title__icontains=asked) | Q(core__icontains=asked))
        found.append(
            _group(
                gettext("Content"),
                "message",
                _page(request, "message", rows),
                lambda row: Found(
                    row.title,
                    _content(row.pk),
                    Truncator(row.core).chars(140),
                    row.edited_at,
                    word(row.state, "message_state"),
                ),
            )
        )
    if scope.may("activity.read"):
        rows = scoped(Activity, scope).filter(Q(title__icontains=asked) | Q(place__icontains=asked))
        found.append(
            _group(
                gettext("Agenda"),
                "activity",
                _page(request, "activity", rows, ("-starts_at", "-pk")),
                lambda row: Found(
                    row.title,
                    places.of("activity", row.pk),
                    row.place,
                    row.starts_at,
                    word(row.state, "activity_state"),
                ),
            )
        )
    return [group for group in found if group.rows]


def _content(pk: int) -> str:
    return places.of("content", pk)


def _page(
    request: DeskRequest, kind: str, rows: QuerySet[Any], order: tuple[str, ...] = ("-pk",)
) -> Page[Any]:
    return pages.page(rows, order, after=request.GET.get(kind, ""), size=SIZE)


def _group(
    title: str, kind: str, page: Page[Any], show: Callable[[Any], Found], href: str = ""
) -> Group:
    return Group(kind, title, [show(row) for row in page.rows], page, href)


urlpatterns = [path("", search, name="search")]
