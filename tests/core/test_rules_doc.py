"""docs/reference/rules.md keeps up with the tables."""

from __future__ import annotations

import re
from pathlib import Path

from tanggap.core.clocks_data import clocks
from tanggap.core.rules_data import RULES
from tanggap.desk.rules import _shown

DOC = Path(__file__).parents[2] / "docs" / "reference" / "rules.md"


def rows() -> dict[str, list[str]]:
    found = re.findall(r"^\| `(\w+)` \|(.+)\|$", DOC.read_text(), re.MULTILINE)
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in found}


def test_every_setting_and_every_clock_is_listed() -> None:
    assert set(rows()) == {rule.name for rule in RULES} | set(clocks())


def test_defaults_and_marks_are_the_ones_in_force() -> None:
    listed = rows()
    for rule in RULES:
        if rule.kind in ("count", "counts", "periods"):
            assert _shown(rule).startswith(listed[rule.name][0])
    for key, clock in clocks().items():
        assert listed[key][2] == clock.confidence
        assert clock.rule or listed[key][0].startswith(f"{clock.amount} ")
