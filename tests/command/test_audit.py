"""What `./run check` makes of pip-audit's answer: only a finding is red."""

from __future__ import annotations

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

PLACE = Path(__file__).resolve().parents[2] / ".ci" / "audit.py"


@pytest.fixture(scope="module")
def audit():
    spec = spec_from_file_location("audit", PLACE)
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


CLEAN = {"name": "django", "version": "5.2.9", "vulns": []}
SKIPPED = {"name": "tanggap", "skip_reason": "distribution marked as editable"}
HOLE = {
    "name": "pillow",
    "version": "9.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["9.1"], "aliases": [], "description": ""}],
}


@pytest.mark.parametrize("said", ["", "Traceback", "[]", "{}", '{"dependencies": null}'])
def test_no_answer_is_said_in_one_line_and_is_not_red(audit, said):
    lines, status = audit.judge(said)
    assert status == 0 and len(lines) == 1 and "not audited" in lines[0]


def test_a_mirror_without_advisories_is_not_called_clean(audit):
    lines, status = audit.judge(json.dumps({"dependencies": [SKIPPED, SKIPPED]}))
    assert (lines, status) == (["not audited: no advisories here for any of 2 packages."], 0)


def test_clean_says_how_many_were_looked_at(audit):
    said = json.dumps({"dependencies": [CLEAN, SKIPPED]})
    assert audit.judge(said) == (["1 of 2 packages audited, 0 findings."], 0)


def test_a_finding_is_red_and_names_the_way_out(audit):
    lines, status = audit.judge(json.dumps({"dependencies": [CLEAN, HOLE]}))
    assert status == 1
    assert lines[0] == "pillow 9.0: PYSEC-1; fixed in 9.1"
