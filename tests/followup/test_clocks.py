"""Legal terms and promises side by side; a holiday moves them; a job changes no case."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tanggap.archive.queries import Record  # type: ignore[attr-defined]
from tanggap.core import rules, worktime
from tanggap.core.clocks_data import clocks as table
from tanggap.core.errors import Refused
from tanggap.execution.followup import cases, clocks
from tanggap.execution.followup.models import Case, Clock
from tanggap.execution.publishing.models import Delivery
from tanggap.office import holidays
from tanggap.office import rules as office_rules

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture
def monday(town):
    town.scene.now = MONDAY
    town.scene.account.agency.refresh_from_db()
    return town


def clock(case: Case, rule: str) -> Clock:
    return case.clocks.get(rule=rule, kept_at=None)


def test_law_and_promise_stand_side_by_side(monday):
    case = monday.case()
    law = clock(case, "sp4n_complaint")
    assert worktime.local_day(law.due_at, rules.office(case.agency)) == date(2026, 12, 11)
    assert {"promise_first_answer", "sp4n_complaint", "lapor_verified"} <= set(
        case.clocks.values_list("rule", flat=True)
    )
    assert case.due_at == min(one.due_at for one in case.clocks.all())
    assert all(table()[one.rule].law for one in case.clocks.all())


@pytest.mark.parametrize(
    ("kind", "rule", "days"),
    [
        ("information_request", "sp4n_information_request", 5),
        ("complaint", "sp4n_complaint", 14),
        ("supervisory", "sp4n_supervisory", 60),
        ("public_information", "kip_answer", 10),
    ],
)
def test_each_kind_has_its_own_term(monday, kind, rule, days):
    case = monday.case(kind=kind)
    started = clock(case, rule)
    assert started.amount == days
    assert started.due_at == worktime.add_working_days(
        started.started_at, days, rules.office(case.agency)
    )


def test_a_new_day_off_moves_open_clocks_and_says_so(monday):
    case = monday.case()
    before = clock(case, "sp4n_complaint").due_at
    later = MONDAY + timedelta(hours=3)
    holidays.override(
        case.agency, date(2026, 12, 1), working=False, reason="Pilkada", by=monday.lead, now=later
    )
    assert clocks.follow_calendar(later + timedelta(seconds=5)) >= 1
    moved = clock(case, "sp4n_complaint")
    assert worktime.local_day(moved.due_at, rules.office(case.agency)) == date(2026, 12, 14)
    assert moved.recomputed[-1]["from"] == before.isoformat()
    assert Record.objects.filter(verb="case.clock_recomputed").exists()
    count = Record.objects.filter(verb="case.clock_recomputed").count()
    assert clocks.follow_calendar(later + timedelta(hours=1)) == 0
    assert Record.objects.filter(verb="case.clock_recomputed").count() == count


def test_a_setting_that_moves_no_day_computes_nothing_again(monday):
    case = monday.case()
    later = MONDAY + timedelta(hours=3)
    office_rules.change(case.agency, {"handover_days": "5"}, by=monday.lead, now=later)
    clocks.follow_calendar(later + timedelta(seconds=5))
    assert clock(case, "sp4n_complaint").computed_at < later
    office_rules.change(case.agency, {"working_week": "6"}, by=monday.lead, now=later)
    before = clock(case, "sp4n_complaint").due_at
    assert clocks.follow_calendar(later + timedelta(seconds=9)) >= 1
    assert clock(case, "sp4n_complaint").due_at < before


def test_extension_once_with_a_reason_where_the_law_knows_one(monday):
    case = monday.case(kind="public_information")
    law = clock(case, "kip_answer")
    with pytest.raises(Refused):
        clocks.extend(law, reason=" ", by=monday.lead, now=MONDAY)
    before = law.due_at
    clocks.extend(law, reason="Dokumen di arsip daerah.", by=monday.lead, now=MONDAY)
    assert law.due_at == worktime.add_working_days(law.started_at, 17, rules.office(case.agency))
    assert law.due_at > before
    with pytest.raises(Refused):
        clocks.extend(law, reason="Lagi.", by=monday.lead, now=MONDAY)
    other = monday.case()
    with pytest.raises(Refused):
        clocks.extend(clock(other, "sp4n_complaint"), reason="Sibuk.", by=monday.lead, now=MONDAY)


def test_the_tick_notes_lateness_once_and_changes_no_state(monday):
    case = monday.case()
    late = MONDAY + timedelta(days=60)
    assert clocks.tick(late) >= 1
    noted = Record.objects.filter(verb="case.late").count()
    assert clocks.tick(late + timedelta(minutes=1)) == 0
    assert Record.objects.filter(verb="case.late").count() == noted
    case.refresh_from_db()
    assert case.state == "open"


def test_giving_the_number_keeps_the_promise_but_not_the_answer_in_substance(monday):
    case = monday.case(unit=monday.scene.agency)
    Delivery.objects.update(published_at=MONDAY + timedelta(minutes=5))
    clocks.tick(MONDAY + timedelta(minutes=6))
    assert not case.clocks.filter(rule="promise_first_answer", kept_at=None).exists()
    assert case.clocks.filter(rule="lapor_answered", kept_at=None).exists()


def test_resolving_stops_the_law_and_gives_the_citizen_their_time(monday):
    case = monday.case()
    done = MONDAY + timedelta(days=3)
    cases.resolve(case, resolution="Selesai.", evidence_note="-", by=monday.sari, now=done)
    assert case.clocks.get(rule="sp4n_complaint").kept_at == done
    theirs = clock(case, "lapor_citizen_responds")
    assert not clocks.ours(theirs)
    case.refresh_from_db()
    assert case.due_at != theirs.due_at
