"""Today: the first screen. Its title is what matters most; each area adds what waits.

@today.section(order=10)
def most_urgent(scope: Scope, now: datetime) -> today.Section | None: ...

@today.finding(order=10)
def late(scope: Scope, now: datetime) -> str: ...   # opens("1 report is late", "/…"), or ""
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext

from tanggap.core.scope import Scope
from tanggap.desk.door import DeskRequest, desk
from tanggap.monitoring import queries


@dataclass(frozen=True, slots=True)
class Row:
    """One line that opens the thing itself. `due` is an instant; `state` a word in a pill."""

    title: str
    href: str
    text: str = ""
    mark: str = ""
    pills: Sequence[tuple[str, str]] = ()  # (tone, word)
    due: datetime | None = None
    act: str = ""
    plain_mark: bool = False  # the mark is a time, not somebody's initials


@dataclass(frozen=True, slots=True)
class Section:
    """A card of Today. `template` replaces the rows where an area draws something else."""

    title: str
    rows: Sequence[Row] = ()
    href: str = ""
    link: str = ""
    count: int | None = None
    count_most: int | None = None  # more than this is "60+"
    links: Sequence[tuple[str, str, int]] = ()  # (words, address, how many are behind it)
    aside: str = ""
    tone: str = ""
    icon: str = "info"
    empty: str = ""
    wide: bool = False
    template: str = ""
    context: dict[str, object] = field(default_factory=dict)


Asked = Callable[[Scope, datetime], Section | None]
Told = Callable[[Scope, datetime], str]
A = TypeVar("A", bound=Asked)
T = TypeVar("T", bound=Told)

SECTIONS: dict[int, Asked] = {}
FINDINGS: dict[int, Told] = {}
NOTES: dict[int, Told] = {}
COVERED: set[str] = set()


def section(order: int) -> Callable[[A], A]:
    """Register a card; lower numbers come first. Two areas with one number are an error."""

    def keep(asked: A) -> A:
        _once(SECTIONS, order)
        SECTIONS[order] = asked
        return asked

    return keep


def finding(order: int) -> Callable[[T], T]:
    """Register a part of the title: a short sentence without a full stop that `opens` what it
    counts; "" when all is well."""

    def keep(told: T) -> T:
        _once(FINDINGS, order)
        FINDINGS[order] = told
        return told

    return keep


def opens(words: str, href: str) -> str:
    """A part of the title or of the line under it whose number opens what it counts."""
    return format_html('<a href="{}">{}</a>', href, words)


def cover(*names: str) -> None:
    """Leave out these parts, by "module.function": a card for all areas says the same."""
    COVERED.update(names)


def shown(table: Mapping[int, Any]) -> list[Any]:
    """The parts of Today in their order, without those that are covered."""
    return [
        asked
        for _, asked in sorted(table.items())
        if f"{asked.__module__}.{asked.__name__}" not in COVERED
    ]


@lru_cache(maxsize=4)
def standing(scope: Scope, now: datetime) -> frozenset[str]:
    """What is usually not there, by name (monitoring/queries.py): asked once for the whole page, so
    that a part of it asks for more only where there is something to tell."""
    return queries.standing(scope, now)


def note(order: int) -> Callable[[T], T]:
    """Register a part of the soft line under the title, beside the day."""

    def keep(told: T) -> T:
        _once(NOTES, order)
        NOTES[order] = told
        return told

    return keep


def _once(table: dict[int, object] | dict, order: int) -> None:
    if order in table:
        raise ValueError(f"Two parts of Today ask for place {order}.")


@desk("today")
def today(request: DeskRequest) -> HttpResponse:
    scope, now = request.scope, request.now
    told = [words for tell in shown(FINDINGS) if (words := tell(scope, now))]
    notes = [words for tell in shown(NOTES) if (words := tell(scope, now))]
    cards = [card for ask in shown(SECTIONS) if (card := ask(scope, now))]
    return render(
        request,
        "desk/today.html",
        {
            "greeting": greeting(now),
            "findings": told,
            "notes": notes,
            "wide": [card for card in cards if card.wide],
            "narrow": [card for card in cards if not card.wide],
        },
    )


def greeting(now: datetime) -> str:
    """By the agency's hour: pagi until 11, siang until 15, sore until 18.30, then malam."""
    minutes = timezone.localtime(now).hour * 60 + timezone.localtime(now).minute
    if 4 * 60 <= minutes < 11 * 60:
        return gettext("Good morning")
    if 11 * 60 <= minutes < 15 * 60:
        return gettext("Good day")
    if 15 * 60 <= minutes < 18 * 60 + 30:
        return gettext("Good afternoon")
    return gettext("Good evening")


urlpatterns = [path("", today, name="today")]
