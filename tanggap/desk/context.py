"""The frame around every page: who, where, when, the rail, the hold. At most two queries."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.http import HttpRequest

from tanggap.core.models import Agency
from tanggap.core.scope import NOBODY, Scope, enter
from tanggap.desk import nav
from tanggap.desk import shell as registry
from tanggap.desk.moment import page_now
from tanggap.desk.templatetags.words import zone_name

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "tanggap_theme"


@dataclass
class Shell:
    """Everything is asked only when a template reads it: public pages pay nothing."""

    request: HttpRequest
    scope: Scope = field(init=False)

    def __post_init__(self) -> None:
        self.scope = getattr(self.request, "scope", NOBODY)

    @property
    def agency(self) -> Agency | None:
        return self.scope.agency

    @property
    def zone(self) -> str:
        return zone_name()

    @cached_property
    def now(self) -> datetime:
        return getattr(self.request, "now", None) or page_now()

    @property
    def theme(self) -> str:
        chosen = self.request.COOKIES.get(THEME_COOKIE, "auto")
        return chosen if chosen in THEMES else "auto"

    @property
    def area(self) -> str:
        """The area of this page: the first part of its name, as in desk:inbox-thread."""
        match = self.request.resolver_match
        name = (match.url_name or "") if match else ""
        return name.split("-")[0]

    @cached_property
    def _frame(self) -> tuple[dict[str, int], Any]:
        if self.scope.agency is None:
            return {}, None
        areas = set()
        if not getattr(self.request, "uncounted", False):
            places = (*nav.CYCLE, *nav.KEEPING)
            areas = {place.area for place in places if self.scope.may(place.verb)}
        entered = getattr(self.request, "entered", False)
        with nullcontext() if entered else enter(self.scope):
            return registry.frame(self.scope, self.now, areas)

    @property
    def counts(self) -> dict[str, int]:
        return self._frame[0]

    @property
    def hold(self) -> Any:
        """The hold in force, or None."""
        return self._frame[1]

    @property
    def hold_href(self) -> str:
        return nav.address("desk:hold") if self.scope.may("hold") else ""

    @property
    def search_href(self) -> str:
        return nav.address("desk:search") if self.scope.may("search") else ""

    @property
    def today(self) -> list[nav.Link]:
        return nav.links((nav.TODAY,), self.scope, self.area, self.counts)

    @property
    def cycle(self) -> list[nav.Link]:
        return nav.links(nav.CYCLE, self.scope, self.area, self.counts)

    @property
    def keeping(self) -> list[nav.Link]:
        return nav.links(nav.KEEPING, self.scope, self.area, self.counts)

    @property
    def tabs(self) -> list[nav.Link]:
        return nav.links(nav.TABS, self.scope, self.area, self.counts)

    def __bool__(self) -> bool:
        return self.scope.agency is not None


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `shell`."""
    return {"shell": Shell(request)}
