"""Suggests what a message is, how urgent, and whose: the shipped model beside word lists.

The model has learnt from many messages; the lists hold what an office knows for sure, and say it in
words that anybody can read. Where both agree the suggestion is sure, where they differ it is doubt.
A suggestion carries the words that decided it; a confidence of None means "not sure". People
decide; a suggestion never overwrites one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tanggap.language import fast
from tanggap.language.classify import reader
from tanggap.language.layer import Layer
from tanggap.language.reader import Floats
from tanggap.language.words import Span, data, find_all, words

# What the lists say was not measured, so nothing claims more than this.
MOST_CONFIDENT = 0.9
# How far the lists count beside the model, in log chances for each point of weight.
LISTS_WEIGH = 0.55
# What the model calls these, the inbox knows by another name.
KINDS = {"danger": "complaint", "gambling": "spam"}
SURE = {"kind": 0.63, "unit": 0.6}
LEAD = 0.15
"""A kind is sure only where it leads the next by this much."""
ACCUSED = 0.5
"""An accusation seals a conversation, so it is suggested on the model's word alone only above."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the agency: its code or slug, the words that its work is known by, its name."""

    code: str
    words: tuple[str, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`field` is kind, urgency or unit. `value` may be empty when nothing speaks for any."""

    field: str
    value: str
    confidence: float | None
    reason_spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """A text as the model read it: the chances of each head's labels, and one row of sums for each
    of its chunks."""

    text: str
    spans: list[Span]
    by_head: dict[str, npt.NDArray[np.float64]]
    chunks: Floats

    def chances(self, name: str) -> tuple[fast.Head, npt.NDArray[np.float64]]:
        return fast.model().heads[name], self.by_head[name]

    def reasons(self, name: str, label: str) -> tuple[Span, ...]:
        return fast.reasons(self.chunks, self.text, fast.model().heads[name], label)


def suggest(
    text: str, units: Sequence[Unit] = (), layers: Mapping[str, Layer] | None = None
) -> list[Suggestion]:
    """One suggestion for the kind, one for the urgency and one for the unit, in that order.
    `layers` are what the agency's officers taught, by field."""
    return suggest_many([text], units, layers)[0]


def suggest_many(
    texts: Sequence[str], units: Sequence[Unit] = (), layers: Mapping[str, Layer] | None = None
) -> list[list[Suggestion]]:
    """The same for many texts, which the model reads in one pass."""
    layer = (layers or {}).get("kind")
    found = []
    for one in _read(texts, ("intent", "urgency", "topic")):
        kind = _kind(one, layer)
        found.append([kind, _urgency(one), _unit(one, units, kind.value)])
    return found


def _read(texts: Sequence[str], names: Sequence[str]) -> list[_Read]:
    mine, heads = reader(), fast.model().heads
    sums = mine.sums(texts)
    chances = {
        name: heads[name].chances(heads[name].scores(sums)).astype(np.float64) for name in names
    }
    return [
        _Read(
            text, words(text), {name: rows[at] for name, rows in chances.items()}, mine.rows(text)
        )
        for at, text in enumerate(texts)
    ]


def kind_chances(text: str) -> tuple[tuple[str, ...], npt.NDArray[np.float64]]:
    """The inbox's kinds and the shipped model's chances of them, before any layer."""
    (one,) = _read([text], ("intent",))
    return _kinds(one, _listed(text, one.spans)[0])


def _kinds(
    one: _Read, weights: Mapping[str, float]
) -> tuple[tuple[str, ...], npt.NDArray[np.float64]]:
    head, chances = one.chances("intent")
    names = [KINDS.get(label, label) for label in head.labels]
    kinds = tuple(dict.fromkeys(names))
    logs = np.array(
        [
            np.log(
                max(1e-4, float(sum(chances[at] for at, name in enumerate(names) if name == kind)))
            )
            + LISTS_WEIGH * weights.get(kind, 0.0)
            for kind in kinds
        ]
    )
    powers = np.exp(logs - logs.max())
    return kinds, powers / powers.sum()


def _kind(one: _Read, layer: Layer | None) -> Suggestion:
    weights, listed = _listed(one.text, one.spans)
    kinds, chances = _kinds(one, weights)
    if layer is not None and layer.labels == kinds:
        chances = layer.chances(one.text, chances)
    ranked = np.argsort(-chances)
    value, chance = kinds[ranked[0]], float(chances[ranked[0]])
    if value == "integrity" and value not in weights and chance < ACCUSED:
        value, chance = kinds[ranked[1]], float(chances[ranked[1]])
    reasons = _ordered([*listed.get(value, []), *_spoke(one, value)])
    # "Other" is what is left over: nobody should pass it by on a machine's word.
    sure = (
        value != "other" and chance >= SURE["kind"] and chance - float(chances[ranked[1]]) >= LEAD
    )
    # A text of nothing but signs or a greeting says nothing.
    if not one.spans or not reasons:
        return Suggestion("kind", "" if not one.spans else value, None, reasons)
    return Suggestion(
        "kind", value, round(min(MOST_CONFIDENT, chance), 2) if sure else None, reasons
    )


def _spoke(one: _Read, kind: str) -> tuple[Span, ...]:
    head, chances = one.chances("intent")
    labels = [label for label in head.labels if KINDS.get(label, label) == kind]
    if not labels:
        return ()
    return one.reasons("intent", max(labels, key=lambda label: chances[head.labels.index(label)]))


def _listed(text: str, spans: list[Span]) -> tuple[dict[str, float], dict[str, list[Span]]]:
    """What the word lists say for each kind, and the words that say it."""
    lists = data("kinds")
    rules = lists["rules"]
    weights: dict[str, float] = {}
    reasons: dict[str, list[Span]] = {}
    for kind, phrases in lists["kinds"].items():
        for phrase, hits in find_all(tuple(phrases), spans).items():
            weights[kind] = weights.get(kind, 0) + phrases[phrase]
            reasons.setdefault(kind, []).extend(hits)
    mark = rules["question_mark"]
    if "?" in text:
        weights[mark["kind"]] = weights.get(mark["kind"], 0) + mark["weight"]
        at = text.index("?")
        reasons.setdefault(mark["kind"], []).append(Span(at, at + 1, "?"))
    if len(weights) > 1 and "thanks" in weights:
        weights["thanks"] /= 2
    return weights, reasons


def _urgency(one: _Read) -> Suggestion:
    lists = data("urgency")
    head, chances = one.chances("urgency")
    chance = dict(zip(head.labels, chances.tolist(), strict=True))
    alarm, dire = one.chances("intent")
    chance["danger"] = max(chance["danger"], float(dire[alarm.labels.index("danger")]))
    for level in ("danger", "urgent"):
        hits = _flat(find_all(tuple(lists[level]), one.spans))
        if hits:
            # The lists raise the alarm; a model that is calm leaves it a doubt less loud.
            sure = 0.6 if len(hits) == 1 else 0.8
            return Suggestion("urgency", level, max(sure, _round(chance[level])), _ordered(hits))
        if chance[level] >= head.unsure_below and chance[level] == max(chance.values()):
            return Suggestion(
                "urgency", level, _round(chance[level]), one.reasons("urgency", level)
            )
    # Silence is no proof of calm.
    return Suggestion("urgency", "normal", None, ())


def _round(chance: float) -> float:
    return round(min(MOST_CONFIDENT, chance), 2)


def _unit(one: _Read, units: Sequence[Unit], kind: str) -> Suggestion:
    # An integrity report may be about the very unit that it names.
    if kind in {"integrity", "spam"}:
        return Suggestion("unit", "", None, ())
    weights: dict[str, float] = {}
    reasons: dict[str, list[Span]] = {}
    for unit in units:
        hits = _flat(find_all(unit.words, one.spans))
        if hits:
            # A phrase of two words says more than a word; the same word twice says no more.
            weights[unit.code] = sum({hit.word: hit.word.count(" ") + 1 for hit in hits}.values())
            reasons[unit.code] = hits
    if weights:
        return _strongest("unit", weights, reasons, 1, 1)
    # Nobody's words: the topic, where a unit's name tells that it works on it.
    head, chances = one.chances("topic")
    best = int(chances.argmax())
    topic, chance = head.labels[best], float(chances[best])
    stems = data("topics")["topics"][topic]["units"]
    able = [unit for unit in units if any(stem in unit.name.lower() for stem in stems)]
    if len(able) == 1 and chance >= SURE["unit"]:
        return Suggestion("unit", able[0].code, _round(chance), one.reasons("topic", topic))
    return Suggestion("unit", "", None, ())


def _strongest(
    field: str,
    weights: dict[str, float],
    reasons: dict[str, list[Span]],
    least_weight: float,
    least_lead: float,
) -> Suggestion:
    ranked = sorted(weights.items(), key=lambda entry: -entry[1])
    if not ranked:
        return Suggestion(field, "", None, ())
    value, weight = ranked[0]
    second = ranked[1][1] if len(ranked) > 1 else 0.0
    sure = weight >= least_weight and weight - second >= least_lead
    confidence = round(min(MOST_CONFIDENT, weight / (weight + second + 1)), 2) if sure else None
    return Suggestion(field, value, confidence, _ordered(reasons[value]))


def _flat(found: Mapping[str, list[Span]]) -> list[Span]:
    return [hit for hits in found.values() for hit in hits]


def _ordered(spans: list[Span]) -> tuple[Span, ...]:
    return tuple(sorted(set(spans), key=lambda span: span.start))
