"""The table of clocks: legal terms and public promises as data with source (data/clocks.json).

Pure Python. A clock says how much of which unit, from which moment, for which kinds of case, since
when, by which law, and how well that is known:
S = read at the address given; C = corroborated only indirectly; K = general knowledge, to be
checked against the official text before anybody claims compliance.
Amounts of the agency's own promise are a setting (`rule` names it in core/rules_data.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType

TABLE = Path(__file__).with_name("data") / "clocks.json"
UNITS = ("working_days", "days", "hours", "working_minutes")
MARKS = ("S", "C", "K")


@dataclass(frozen=True, slots=True)
class ClockRule:
    """One row. `legal` is False for a promise. `unit_sure` is False where the source only says
    "days". `extension` is what one written reason adds, in the same unit; 0 where there is none.
    """

    key: str
    words: dict[str, str]
    legal: bool
    amount: int
    unit: str
    unit_sure: bool
    starts: str
    ends: str
    applies_to: tuple[str, ...]
    law: str
    article: str
    source: str
    confidence: str
    valid_from: date
    valid_until: date | None = None
    extension: int = 0
    rule: str = ""
    note: dict[str, str] | None = None

    def says(self, language: str) -> str:
        """Its name in Indonesian or English."""
        return self.words.get(language[:2], self.words["id"])

    def remark(self, language: str) -> str:
        return (self.note or {}).get(language[:2], "")

    def in_force(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


@cache
def clocks() -> MappingProxyType[str, ClockRule]:
    """All rows by key, in the order of the file. Raises ValueError on a row that says nonsense."""
    found: dict[str, ClockRule] = {}
    for row in json.loads(TABLE.read_text(encoding="utf-8"))["clocks"]:
        clock = _read(row)
        if clock.key in found:
            raise ValueError(f"clocks.json has {clock.key} twice.")
        found[clock.key] = clock
    return MappingProxyType(found)


def clocks_for(kind: str, day: date) -> list[ClockRule]:
    """The clocks that a case of this kind starts on this day."""
    return [
        clock for clock in clocks().values() if kind in clock.applies_to and clock.in_force(day)
    ]


def _read(row: dict[str, object]) -> ClockRule:
    clock = ClockRule(**{**row, **_dates(row), "applies_to": tuple(_texts(row["applies_to"]))})  # type: ignore[arg-type]
    if clock.unit not in UNITS or clock.confidence not in MARKS:
        raise ValueError(f"clocks.json: {clock.key} has an unknown unit or mark.")
    if (clock.amount <= 0) != bool(clock.rule):
        raise ValueError(f"clocks.json: {clock.key} needs an amount or the name of a setting.")
    return clock


def _dates(row: dict[str, object]) -> dict[str, date | None]:
    until = row.get("valid_until")
    return {
        "valid_from": date.fromisoformat(str(row["valid_from"])),
        "valid_until": date.fromisoformat(str(until)) if until else None,
    }


def _texts(values: object) -> Iterable[str]:
    if not isinstance(values, list):
        raise TypeError("clocks.json: applies_to is a list of kinds.")
    return map(str, values)
