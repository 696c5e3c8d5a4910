"""Proposes which messages speak of one event, or are copies of one text.

Two ways, both explainable. **Same event**: a thing (bridge), what happened to it (broken) and a
place, in words of three languages. **Same text**: five-letter shingles that overlap by 60 % or
more (`copies.py`). A person confirms a group; nobody is dropped from anything by it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from tanggap.language import copies
from tanggap.language.words import Span, data, plain, words

Id = TypeVar("Id", bound=Hashable)

# Without a place a message joins only where this share of the placed ones agree.
AGREED = 0.8
SHORTEST_SKELETON = 4
_VOWELS = re.compile("[aeiou]")


@dataclass(frozen=True, slots=True)
class Why:
    """What the group shares. `rule` is event or text; for an event its thing, what happened and
    the place as the agency spells it (empty where the thing needs none)."""

    rule: str
    thing: str = ""
    happened: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Group(Generic[Id]):
    """Ids in the order given. `maybe` speak of the same thing and event and name no place."""

    ids: tuple[Id, ...]
    why: Why
    maybe: tuple[Id, ...] = ()


def propose_groups(items: Iterable[tuple[Id, str]], places: Sequence[str] = ()) -> list[Group[Id]]:
    """Groups of two or more of the (id, text) pairs, the largest first.

    `places` are the agency's own place names; a message of another place is another event. An id
    is in one event group at most, and may be in a group of copies besides.
    """
    given = list(items)
    groups = [*_events(given, places), *_copies(given)]
    return sorted(groups, key=lambda group: -len(group.ids))


# ---- the same event ----------------------------------------------------------------------


def _events(items: list[tuple[Id, str]], places: Sequence[str]) -> list[Group[Id]]:
    placed: dict[tuple[str, str], list[tuple[Id, set[str]]]] = defaultdict(list)
    known = _Places(places)
    for item, text in items:
        spans = words(text)
        happenings = _happenings(spans)
        where = known.named(spans) if happenings else set()
        for pair in happenings:
            placed[pair].append((item, where))

    groups: list[Group[Id]] = []
    grouped: set[Id] = set()
    for (thing, happened), found in sorted(placed.items(), key=lambda entry: -len(entry[1])):
        left = [(item, where) for item, where in found if item not in grouped]
        for group in _by_place(thing, happened, left):
            groups.append(group)
            grouped.update(group.ids, group.maybe)
    return groups


def _by_place(thing: str, happened: str, found: list[tuple[Id, set[str]]]) -> list[Group[Id]]:
    counts: dict[str, int] = defaultdict(int)
    for _, where in found:
        for place in where:
            counts[place] += 1
    # Who names two places ("round by Bojongsari") most likely means the one that others name.
    by_place: dict[str, list[Id]] = defaultdict(list)
    nowhere: list[Id] = []
    for item, where in found:
        if where:
            by_place[max(sorted(where), key=counts.__getitem__)].append(item)
        else:
            nowhere.append(item)
    if data("events")["objects"][thing].get("placeless"):
        ids = tuple(item for item, _ in found)
        return [Group(ids, Why("event", thing, happened))] if len(ids) > 1 else []
    total = sum(map(len, by_place.values()))
    groups = []
    for place, there in by_place.items():
        agreed = len(there) > 1 and len(there) >= AGREED * total
        maybe = tuple(nowhere) if agreed else ()
        if len(there) > 1:
            groups.append(Group(tuple(there), Why("event", thing, happened, place), maybe))
    return groups


def _happenings(spans: list[Span]) -> list[tuple[str, str]]:
    told = [_told(span.word) for span in spans]
    things = frozenset[str]().union(*(thing for thing, _ in told))
    events = frozenset[str]().union(*(event for _, event in told))
    if not things or not events:
        return []
    return [
        (thing, happened)
        for thing, about in data("events")["objects"].items()
        if thing in things
        for happened in about["events"]
        if happened in events
    ]


@lru_cache(maxsize=20_000)
def _told(word: str) -> tuple[frozenset[str], frozenset[str]]:
    """The things that a word names, and what happens to things by it. People use few words."""
    lists = data("events")
    stems = [(thing, about["stems"]) for thing, about in lists["objects"].items()]
    return (
        frozenset(thing for thing, some in stems if any(_is(stem, word) for stem in some)),
        frozenset(
            event
            for event, some in lists["events"].items()
            if any(_is(stem, word) for stem in some)
        ),
    )


class _Places:
    """The agency's places by the words with which a mention of them may begin."""

    def __init__(self, names: Sequence[str]) -> None:
        prefixes = ("", *data("events")["prefixes"])
        self._by_word: dict[str, list[tuple[str, list[str]]]] = defaultdict(list)
        self._by_bones: dict[str, list[tuple[str, list[str]]]] = defaultdict(list)
        for name in names:
            first, *rest = [plain(part) for part in name.split()] or [""]
            if not first:
                continue
            for prefix in prefixes:
                self._by_word[prefix + first].append((name, rest))
            if len(_bones(first)) >= SHORTEST_SKELETON:
                self._by_bones[_bones(first)].append((name, rest))

    def named(self, spans: list[Span]) -> set[str]:
        """Those that are named, also run together with a preposition or short of a vowel."""
        found = set()
        for at, span in enumerate(spans):
            word = span.word
            near = (*self._by_word.get(word, ()), *self._by_bones.get(_bones(word), ()))
            for name, rest in near:
                if [one.word for one in spans[at + 1 : at + 1 + len(rest)]] == rest:
                    found.add(name)
        return found


def _is(stem: str, word: str) -> bool:
    if len(stem) < SHORTEST_SKELETON:
        return word == stem
    return word.startswith(stem) or _same_bones(stem, word)


def _same_bones(left: str, right: str) -> bool:
    bones = _bones(left)
    return len(bones) >= SHORTEST_SKELETON and bones == _bones(right)


@lru_cache(maxsize=20_000)
def _bones(word: str) -> str:
    return _VOWELS.sub("", word)


# ---- the same text -----------------------------------------------------------------------


def _copies(items: list[tuple[Id, str]]) -> list[Group[Id]]:
    return [
        Group(tuple(items[at][0] for at in ids), Why("text"))
        for ids in copies.groups([text for _, text in items])
    ]
