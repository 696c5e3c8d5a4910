"""The table of clocks: what the issue and the regulations demand of it."""

from __future__ import annotations

from datetime import date

import pytest

from tanggap.core.clocks_data import clocks, clocks_for
from tanggap.core.rules_data import BY_NAME
from tanggap.execution.followup.models import Case

DAY = date(2026, 11, 23)


def test_the_legal_terms():
    assert {
        key: (clock.amount, clock.unit, clock.extension)
        for key, clock in clocks().items()
        if clock.legal
    } == {
        "sp4n_information_request": (5, "working_days", 0),
        "sp4n_complaint": (14, "working_days", 0),
        "sp4n_supervisory": (60, "working_days", 0),
        "kip_answer": (10, "working_days", 7),
        "kip_objection_filed": (30, "working_days", 0),
        "kip_objection_answered": (30, "working_days", 0),
        "kip_dispute": (14, "working_days", 0),
        "pdp_breach_notice": (72, "hours", 0),
        "pdp_subject_request": (72, "hours", 0),
    }


def test_a_promise_is_never_called_law():
    promises = [clock for clock in clocks().values() if not clock.legal]
    assert {clock.key for clock in promises} == {
        "promise_first_answer",
        "lapor_verified",
        "lapor_answered",
        "lapor_citizen_responds",
    }
    assert all(not clock.unit_sure for clock in promises if clock.key.startswith("lapor"))
    # A service question stands under our own promise alone.
    assert [clock.key for clock in clocks_for("service_question", DAY)] == ["promise_first_answer"]


@pytest.mark.parametrize("clock", clocks().values(), ids=lambda clock: clock.key)
def test_every_row_is_whole(clock):
    assert clock.law and clock.words["id"] and clock.words["en"]
    assert not clock.rule or clock.rule in BY_NAME
    assert clock.source or clock.confidence == "K" or clock.rule
    known = {*Case.Kind.values, "data_breach", "data_subject"}
    assert set(clock.applies_to) <= known
    assert len(clock.key) <= 40


def test_every_kind_of_case_has_a_clock():
    assert all(clocks_for(kind, DAY) for kind in Case.Kind.values)
    assert clocks_for("complaint", date(2000, 1, 1)) == []
