"""The rail, in the order of the cycle: (area, words, icon, verb, name of the first page)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from tanggap.core.scope import Scope
from tanggap.desk.shell import CAP


@dataclass(frozen=True, slots=True)
class Place:
    area: str
    label: object
    icon: str
    verb: str
    page: str


CYCLE = (
    Place("planning", _("Plans"), "plan", "plan.read", "desk:planning-list"),
    Place("activities", _("Agenda"), "agenda", "activity.read", "desk:activities-list"),
    Place("messaging", _("Content"), "write", "message.read", "desk:messaging-list"),
    Place("publishing", _("Publishing"), "send", "delivery.read", "desk:publishing-list"),
    Place("inbox", _("Incoming messages"), "inbox", "inbox.read", "desk:inbox-list"),
    Place("followup", _("Reports"), "case", "case.read", "desk:followup-list"),
    Place(
        "findings", _("Findings & recommendations"), "finding", "case.read", "desk:findings-list"
    ),
    Place(
        "monitoring", _("Monitoring & evaluation"), "chart", "monitor.read", "desk:monitoring-list"
    ),
)
KEEPING = (
    Place("accounts", _("Official accounts"), "badge", "account.read", "desk:accounts-list"),
    Place("team", _("Team"), "people", "people.read", "desk:team-list"),
    Place("rules", _("Rules"), "rules", "rules.write", "desk:rules-list"),
    Place("exempt", _("Exempt information"), "lock", "exempt.read", "desk:exempt-list"),
    Place("archive", _("Archive"), "archive", "archive.read", "desk:archive-list"),
    Place("health", _("System health"), "machine", "health.read", "desk:health-list"),
)
TODAY = Place("today", _("Today"), "today", "today", "desk:today")

# The five tabs of a phone: today, calendar, write (the one main act), incoming, everything else.
TABS = (
    TODAY,
    Place("activities", _("Agenda"), "agenda", "activity.read", "desk:activities-list"),
    Place("write", _("Write"), "plus", "message.write", "desk:messaging-new"),
    Place("inbox", _("Messages"), "inbox", "inbox.read", "desk:inbox-list"),
    Place("more", _("More"), "more", "today", "desk:more"),
)


@dataclass(frozen=True, slots=True)
class Link:
    """One line of the rail as the page shows it."""

    area: str
    label: object
    icon: str
    href: str
    current: bool
    count: int | None

    @property
    def shown(self) -> str:
        """The count as the page says it: "99+" where counting stopped."""
        count = self.count or 0
        return str(count) if count < CAP else f"{CAP - 1}+"


def links(places: tuple[Place, ...], scope: Scope, area: str, counts: dict[str, int]) -> list[Link]:
    """The places that this person's verbs open."""
    return [
        Link(
            place.area,
            place.label,
            place.icon,
            href,
            place.area == area,
            counts.get(place.area) or None,
        )
        for place in places
        if scope.may(place.verb) and (href := address(place.page))
    ]


@cache
def address(name: str) -> str:
    """The address of a page, or "" in an installation that leaves its area out."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
