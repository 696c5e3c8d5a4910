"""Finds places in a text: provinces, regencies and cities, districts, villages, by their codes.

83,000 villages have every name one can think of ("Baru", "Kota", "Negara"), so a name alone proves
little. What counts: a word before it (desa, kec., di, ke), a capital, whether it is also a common
word, other places in the text that hold it, and the agency's own region.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from tanggap.language.words import WORD, data, plain

LEVELS = {2: "province", 5: "regency", 8: "district", 13: "village"}
_KIND = re.compile(r"^(?:Kabupaten|Kota|Provinsi)(?: Administrasi| Adm\.)? ")
_WORD = re.compile(r"[^\W_]+")
# In hundredths: what a name alone, and each sign for it, is worth; sure enough from SURE on.
BASE, NEAR, CAPITAL, OURS, LONG, LARGE, COMMON, SHORT = 10, 30, 25, 30, 25, 35, 35, 10
SURE, TOLD, MOST = 55, 90, 95
LONGEST = 5

Names = dict[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Place:
    """`text[start:end]` names a place. `codes` are the places that it may be, the likeliest first;
    `level` is province, regency, district or village; `confidence` is a share of what could speak
    for it, not a probability."""

    start: int
    end: int
    name: str
    level: str
    codes: tuple[str, ...]
    confidence: float


@cache
def gazetteer() -> tuple[Names, dict[str, str], dict[str, tuple[int, ...]]]:
    """(codes by words of the name, names by code, by first word how many words its names have, the
    longest first)."""
    raw = files(__package__).joinpath("data", "places.txt.gz").read_bytes()
    by_name: dict[tuple[str, ...], list[str]] = {}
    names = {}
    for line in gzip.decompress(raw).decode().splitlines():
        code, name = line.split(" ", 1)
        names[code] = name
        bare = _KIND.sub("", name) if len(code) <= 5 else name
        if bare.isascii() and bare.replace(" ", "").isalpha():
            key = tuple(bare.lower().split()[:LONGEST])
        else:
            key = tuple(map(plain, _WORD.findall(bare)))[:LONGEST]
        by_name.setdefault(key, []).append(code)
    known = {key: tuple(codes) for key, codes in by_name.items() if len("".join(key)) > 2}
    sizes: dict[str, set[int]] = {}
    for key in known:
        sizes.setdefault(key[0], set()).add(len(key))
    return known, names, {first: tuple(sorted(some, reverse=True)) for first, some in sizes.items()}


def find(text: str, region: str = "") -> list[Place]:
    """Places that the text names, in order, without overlaps. `region` is the code of the agency's
    own region ("32.01"): what lies there is more likely meant."""
    spans = [match.span() for match in WORD.finditer(text)]
    said = [plain(text[start:end]) for start, end in spans]
    _, _, firsts = gazetteer()
    found: list[tuple[int, int, tuple[str, ...], int]] = []
    at = 0
    while at < len(said):
        step = 1
        for size in firsts.get(said[at], ()):
            named = _named(tuple(said[at : at + size]), region)
            if named is None or at + size > len(said):
                continue
            worth, codes = _worth(text, spans, said, at, named)
            if worth >= SURE:
                found.append((at, size, codes, worth))
                step = size
                break
        at += step
    every = {code for _, _, codes, _ in found for code in codes}
    holding = {above for code in every for above in _above(code)}
    places = []
    for at, size, codes, worth in found:
        start, end = spans[at][0], spans[at + size - 1][1]
        ranked = tuple(sorted(codes, key=lambda code: _distance(code, every, holding, region)))
        level = LEVELS[len(ranked[0])]
        places.append(Place(start, end, text[start:end], level, ranked[:5], worth / 100))
    return places


def _above(code: str) -> list[str]:
    """The codes of what a place lies in: 32.01.02 lies in 32.01 and 32."""
    return [code[:at] for at, sign in enumerate(code) if sign == "."]


def _distance(
    code: str, every: Set[str], holding: Set[str], region: str
) -> tuple[bool, bool, int, str]:
    """Sorts what a name may mean: what lies in the agency's region or holds it, then what lies in
    another place of the text or holds it, then the larger."""
    ours = bool(region) and (code.startswith(region) or region.startswith(code))
    beside = code in holding or any(above in every for above in _above(code))
    return not ours, not beside, len(code), code


@dataclass(frozen=True, slots=True)
class Named:
    """What a name may mean, and what speaks for a place in the name alone."""

    codes: tuple[str, ...]
    here: tuple[str, ...]  # those in the agency's region
    worth: int


@lru_cache(maxsize=1 << 15)
def _named(words: tuple[str, ...], region: str) -> Named | None:
    codes = gazetteer()[0].get(words)
    if codes is None:
        return None
    name = "".join(words)
    here = tuple(code for code in codes if region and code.startswith(region))
    worth = BASE + OURS * bool(here) + LONG * (len(words) > 1)
    if min(map(len, codes)) <= 5:
        worth += LARGE
    elif len(name) <= 4 or (len(codes) > 3 and not here):
        worth -= SHORT
    if len(words) == 1 and name in common_words():
        worth -= COMMON
    return Named(codes, here, worth)


def _worth(
    text: str,
    spans: Sequence[tuple[int, int]],
    said: Sequence[str],
    at: int,
    named: Named,
) -> tuple[int, tuple[str, ...]]:
    """How much speaks for a place here, and which of the codes fit the word before it."""
    before = said[at - 1] if at else ""
    lists = data("place_words")
    cue = before in lists["cues"]
    if not cue and named.worth + NEAR + CAPITAL < SURE:
        return 0, named.codes
    start, end = spans[at]
    word = text[start:end]
    if before in lists["street"] or not word[0].isalpha():
        return 0, named.codes
    worth = named.worth
    if cue:
        level = lists["cues"][before]
        fit = tuple(code for code in named.codes if LEVELS[len(code)] == level)
        if fit:
            return TOLD, fit
    if cue or before in lists["near"]:
        worth += NEAR
    # A capital at a sentence's start says nothing; in a text all of capitals, neither.
    if word[0].isupper() and not word.isupper() and at and text[start - 2] not in ".!?\n":
        worth += CAPITAL
    return min(worth, MOST), named.here or named.codes


@cache
def common_words() -> frozenset[str]:
    """Names of places that are ordinary words, too."""
    return frozenset(data("places_common")["words"])
