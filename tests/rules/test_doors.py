"""Every desk address goes through the door, by a verb that exists."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver

from tanggap.core import roles
from tanggap.desk import nav, urls, words

# Pages of the desk for people who have no membership yet.
OPEN = {"join"}


def patterns(entries: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for entry in entries:
        if isinstance(entry, URLResolver):
            yield from patterns(entry.url_patterns)
        else:
            yield entry


DESK = [entry for entry in patterns(urls.urlpatterns) if entry.name not in OPEN]


@pytest.mark.parametrize("entry", DESK, ids=lambda entry: str(entry.name))
def test_every_view_has_a_verb(entry):
    verb = getattr(entry.callback, "desk_verb", None)
    assert verb is not None, f"{entry.name} is not decorated with @desk"
    assert verb in roles.VERBS


def test_names_are_unique():
    names = [entry.name for entry in DESK]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "place", [nav.TODAY, *nav.CYCLE, *nav.KEEPING, *nav.TABS], ids=lambda place: place.page
)
def test_every_place_of_the_rail_asks_for_the_verb_of_its_page(place):
    if not nav.address(place.page):
        pytest.skip(f"{place.page} is not part of this installation")
    name = place.page.removeprefix("desk:")
    entry = next(one for one in DESK if one.name == name)
    assert entry.callback.desk_verb == place.verb


def test_every_role_and_verb_has_its_word():
    table = words.tables()
    assert set(table["role"]) == set(roles.ROLES)
    assert set(table["verb"]) == set(roles.VERBS)
