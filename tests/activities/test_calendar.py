from __future__ import annotations

from datetime import date, timedelta

import pytest

from tanggap.activities import calendar, crisis, queries
from tanggap.core.errors import Refused
from tanggap.core.scope import Scope, enter
from tanggap.planning import write
from tanggap.planning.models import Plan

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def objective(agency, member, now):
    by = member("editor")
    plan = write.create(
        agency,
        title="Triwulan IV",
        period_start=date(2026, 10, 1),
        period_end=date(2026, 12, 31),
        by=by,
        now=now,
    )
    row = write.add_objective(
        plan,
        kind="inform",
        text="Tahu jadwal",
        metric="message_clicks",
        target=600,
        due_on=date(2026, 11, 30),
        by=by,
        now=now,
    )
    Plan.objects.filter(pk=plan.pk).update(state="running")
    row.refresh_from_db()
    return row


@pytest.fixture
def activity(agency, objective, now):
    officer = objective.plan.person_in_charge
    return calendar.place(
        agency,
        title="Pekan imunisasi",
        objective=objective,
        purpose="inform",
        starts_at=now + HOUR,
        ends_at=now + 5 * HOUR,
        person_in_charge=officer,
        by=officer,
        now=now,
    )


def test_an_activity_stands_on_every_day_that_it_touches(activity, agency, now) -> None:
    calendar.change(
        activity, ends_at=now + timedelta(days=2), by=activity.person_in_charge, now=now
    )
    scope = Scope(agency=agency, readable=frozenset({agency.pk}))
    with enter(scope):
        week = queries.days(scope, date(2026, 11, 23), 7, agency.zone)
    assert [len(day.activities) for day in week] == [1, 1, 1, 0, 0, 0, 0]


def test_the_same_officer_twice_at_once_is_shown(activity, agency, now) -> None:
    other = calendar.place(
        agency,
        title="Rapat",
        objective=activity.objective,
        purpose="inform",
        starts_at=now + 2 * HOUR,
        ends_at=now + 3 * HOUR,
        by=activity.person_in_charge,
        person_in_charge=activity.person_in_charge,
        now=now,
    )
    assert list(queries.conflicts(other)) == [activity]


def test_an_activity_needs_an_approved_plan(activity, agency, now) -> None:
    Plan.objects.update(state="draft")
    activity.objective.refresh_from_db()
    with pytest.raises(Refused) as refusal:
        calendar.place(
            agency,
            title="Lain",
            objective=activity.objective,
            purpose="inform",
            starts_at=now,
            ends_at=now + HOUR,
            by=activity.person_in_charge,
            person_in_charge=activity.person_in_charge,
            now=now,
        )
    assert refusal.value.field == "objective"


def test_a_hold_says_how_many_were_on_their_way_and_is_lifted_once(agency, member, now) -> None:
    lead = member("lead")
    with pytest.raises(Refused):
        crisis.place(agency, reason="", by=lead, now=now)
    hold = crisis.place(agency, reason="Gempa di Cikaret", in_flight=2, by=lead, now=now)
    assert [one.in_flight for one in crisis.active({agency.pk})] == [2]
    crisis.lift(hold, reason="Aman", by=lead, now=now + HOUR)
    with pytest.raises(Refused):
        crisis.lift(hold, reason="Aman", by=lead, now=now + HOUR)
    assert not crisis.active({agency.pk})
