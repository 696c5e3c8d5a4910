"""The return table as data (data/metrics.json): five categories, 17 metrics with definition,
formula, unit and, for each source, whether it gives the number.

Pure Python. A metric that no source gives has no `inputs`: it is always "not available", never 0.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

TABLE = Path(__file__).with_name("data") / "metrics.json"
UNITS = ("times", "people", "messages", "percent")


@dataclass(frozen=True, slots=True)
class Category:
    """One of the five columns; `note` says where its name is our own."""

    key: str
    words: dict[str, str]
    note: dict[str, str] | None = None

    def says(self, language: str) -> str:
        return self.words.get(language[:2], self.words["id"])

    def remark(self, language: str) -> str:
        return (self.note or {}).get(language[:2], "")


@dataclass(frozen=True, slots=True)
class Metric:
    """One row. `inputs` are what it is made of: names that networks give, "items",
    "short_link", "csv:<column>"."""

    key: str
    category: str
    words: dict[str, str]
    definition: dict[str, str]
    formula: dict[str, str]
    unit: str
    inputs: tuple[str, ...]
    sources: dict[str, Any]

    def says(self, language: str) -> str:
        """Its name in Indonesian or English."""
        return self.words.get(language[:2], self.words["id"])

    def means(self, language: str) -> str:
        return self.definition.get(language[:2], self.definition["id"])

    def computed(self, language: str) -> str:
        return self.formula.get(language[:2], self.formula["id"])


@cache
def categories() -> tuple[Category, ...]:
    return tuple(Category(**row) for row in _table()["categories"])


@cache
def metrics() -> MappingProxyType[str, Metric]:
    """All 17 by key, in the order of the table. Raises ValueError on a row that says nonsense."""
    known = {category.key for category in categories()}
    found: dict[str, Metric] = {}
    for row in _table()["metrics"]:
        metric = Metric(**{**row, "inputs": tuple(row["inputs"])})
        if metric.key in found or metric.category not in known or metric.unit not in UNITS:
            raise ValueError(f"metrics.json: {metric.key} is there twice or has an unknown word.")
        found[metric.key] = metric
    return MappingProxyType(found)


def note(language: str) -> str:
    """What is to be known about the copy of the rule that the table was read from."""
    said: dict[str, str] = _table()["note"]
    return said.get(language[:2], said["id"])


def source() -> str:
    return str(_table()["source"])


@cache
def _table() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return found
