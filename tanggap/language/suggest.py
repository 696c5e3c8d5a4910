"""Suggests what a message is, how urgent, and whose: word lists that anybody can read.

A suggestion carries the words that decided it and a confidence that is a share of weight, not a
measured probability; None means "not sure". People decide; a suggestion never overwrites one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tanggap.language.words import Span, data, find, words

# Rules were not measured, so they never claim more than this.
MOST_CONFIDENT = 0.9


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the agency, its code or slug, and the words that its work is known by."""

    code: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`field` is kind, urgency or unit. `value` may be empty when nothing speaks for any."""

    field: str
    value: str
    confidence: float | None
    reason_spans: tuple[Span, ...]


def suggest(text: str, units: Sequence[Unit] = ()) -> list[Suggestion]:
    """One suggestion for the kind, one for the urgency and one for the unit, in that order."""
    spans = words(text)
    kind = _kind(text, spans)
    return [kind, _urgency(spans), _unit(spans, units, kind.value)]


def _kind(text: str, spans: list[Span]) -> Suggestion:
    lists = data("kinds")
    rules = lists["rules"]
    weights: dict[str, float] = {}
    reasons: dict[str, list[Span]] = {}
    for kind, phrases in lists["kinds"].items():
        for phrase, weight in phrases.items():
            hits = find(phrase, spans)
            if hits:
                weights[kind] = weights.get(kind, 0) + weight
                reasons.setdefault(kind, []).extend(hits)
    mark = rules["question_mark"]
    if "?" in text:
        weights[mark["kind"]] = weights.get(mark["kind"], 0) + mark["weight"]
        at = text.index("?")
        reasons.setdefault(mark["kind"], []).append(Span(at, at + 1, "?"))
    if len(weights) > 1 and "thanks" in weights:
        weights["thanks"] /= 2
    return _strongest("kind", weights, reasons, rules["least_weight"], rules["least_lead"])


def _urgency(spans: list[Span]) -> Suggestion:
    lists = data("urgency")
    for level in ("danger", "urgent"):
        hits = [hit for phrase in lists[level] for hit in find(phrase, spans)]
        if hits:
            confidence = 0.6 if len(hits) == 1 else 0.8
            return Suggestion("urgency", level, confidence, _ordered(hits))
    # Silence is no proof of calm.
    return Suggestion("urgency", "normal", None, ())


def _unit(spans: list[Span], units: Sequence[Unit], kind: str) -> Suggestion:
    # An integrity report may be about the very unit that it names.
    if kind in {"integrity", "spam"}:
        return Suggestion("unit", "", None, ())
    weights: dict[str, float] = {}
    reasons: dict[str, list[Span]] = {}
    for unit in units:
        hits = [hit for phrase in unit.words for hit in find(phrase, spans)]
        if hits:
            # A phrase of two words says more than a word; the same word twice says no more.
            weights[unit.code] = sum({hit.word: hit.word.count(" ") + 1 for hit in hits}.values())
            reasons[unit.code] = hits
    return _strongest("unit", weights, reasons, 1, 1)


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


def _ordered(spans: list[Span]) -> tuple[Span, ...]:
    return tuple(sorted(set(spans), key=lambda span: span.start))
