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
    for item, text in items:
        spans = words(text)
        where = {place for place in places if _mentions(place, spans)}
        for pair in _happenings(spans):
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
    lists = data("events")
    pairs = []
    for thing, about in lists["objects"].items():
        if any(_is(stem, span.word) for stem in about["stems"] for span in spans):
            pairs += [
                (thing, happened)
                for happened in about["events"]
                if any(_is(stem, span.word) for stem in lists["events"][happened] for span in spans)
            ]
    return pairs


def _mentions(place: str, spans: list[Span]) -> bool:
    """True when a place is named, also run together with a preposition or short of a vowel."""
    wanted = [plain(part) for part in place.split()]
    prefixes = ("", *data("events")["prefixes"])
    for at in range(len(spans) - len(wanted) + 1):
        heard = [span.word for span in spans[at : at + len(wanted)]]
        if heard[1:] == wanted[1:] and (
            any(heard[0] == prefix + wanted[0] for prefix in prefixes)
            or _same_bones(heard[0], wanted[0])
        ):
            return True
    return False


def _is(stem: str, word: str) -> bool:
    if len(stem) < SHORTEST_SKELETON:
        return word == stem
    return word.startswith(stem) or _same_bones(stem, word)


def _same_bones(left: str, right: str) -> bool:
    bones = _VOWELS.sub("", left)
    return len(bones) >= SHORTEST_SKELETON and bones == _VOWELS.sub("", right)


# ---- the same text -----------------------------------------------------------------------


def _copies(items: list[tuple[Id, str]]) -> list[Group[Id]]:
    return [
        Group(tuple(items[at][0] for at in ids), Why("text"))
        for ids in copies.groups([text for _, text in items])
    ]
