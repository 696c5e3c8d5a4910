"""The house rules and the words of verdicts: data files beside this one, with their sources."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from django.utils.translation import get_language


@cache
def house_rules() -> Mapping[str, Any]:
    """{source, valid_from, criticism: {id, en}, reasons: [{code, id, en, rule, basis, …}]}."""
    return _read("house_rules")


@cache
def verdicts() -> Mapping[str, Any]:
    """{source, valid_from, verdicts: [{code, id, en, tone}]}."""
    return _read("verdicts")


def reason(code: str) -> Mapping[str, Any] | None:
    """One reason for hiding, None for one that is not listed."""
    return next((row for row in house_rules()["reasons"] if row["code"] == code), None)


def verdict(code: str) -> Mapping[str, Any] | None:
    return next((row for row in verdicts()["verdicts"] if row["code"] == code), None)


def words(row: Mapping[str, Any]) -> str:
    """A row's words in the reader's language."""
    return str(row["en"] if (get_language() or "id").startswith("en") else row["id"])


def _read(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(
        files(__package__).joinpath(f"{name}.json").read_text("utf-8")
    )
    return found
