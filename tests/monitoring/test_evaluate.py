"""An evaluation closes a plan and drafts the next one; nothing is closed half done."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tanggap.archive.queries import timeline
from tanggap.core.errors import Refused
from tanggap.core.metrics_data import metrics
from tanggap.monitoring import evaluate
from tanggap.planning.models import Objective, Plan
from tests.monitoring.test_returns import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(agency, member, now):
    return Desk(agency, member("editor"), now)


@pytest.fixture
def plan(desk):
    made = Plan.objects.create(
        agency=desk.agency,
        title="Triwulan IV",
        state="running",
        period_start=date(2026, 10, 1),
        period_end=date(2026, 12, 31),
        person_in_charge=desk.editor,
        created_at=desk.now,
    )
    for metric, text in (
        ("comments", "Warga dijawab"),
        ("message_downloads", "Warga mengunduh"),
        ("shares", "Warga mengenali"),
    ):
        Objective.objects.create(
            agency=desk.agency,
            plan=made,
            kind="inform",
            text=text,
            metric=metric,
            target=10,
            due_on=date(2026, 12, 1),
        )
    return made


@pytest.fixture
def opened(desk, plan):
    desk.says("tini", post=desk.post())
    return evaluate.open_(plan, scope=desk.scope, by=desk.editor, now=desk.now)


def judge(desk, evaluation, verdicts, why="Terbukti perlu.", **more):
    return evaluate.write(
        evaluation,
        by=desk.editor,
        now=desk.now,
        objectives=[
            {"objective_id": row["objective_id"], "verdict": verdict, "why": why, **more}
            for row, verdict in zip(evaluation.objectives, verdicts, strict=True)
        ],
    )


def test_what_was_reached_comes_from_the_table(desk, opened):
    reached = {row["metric"]: (row["reached"], row["reached_by"]) for row in opened.objectives}
    assert reached == {
        "comments": ("1", "table"),
        "message_downloads": (None, ""),
        "shares": (None, ""),
    }


def test_opening_twice_gives_the_same(desk, plan, opened):
    again = evaluate.open_(plan, scope=desk.scope, by=desk.editor, now=desk.now)
    assert again.pk == opened.pk


def test_a_draft_cannot_be_evaluated(desk, plan):
    Plan.objects.filter(pk=plan.pk).update(state="draft")
    plan.refresh_from_db()
    with pytest.raises(Refused):
        evaluate.open_(plan, scope=desk.scope, by=desk.editor, now=desk.now)


def test_a_number_of_the_table_is_not_typed_over(desk, opened):
    written = judge(desk, opened, ["kept"] * 3, reached="1.250,5")
    assert [row["reached"] for row in written.objectives] == ["1", "1250.5", "1250.5"]
    assert [row["reached_by"] for row in written.objectives] == ["table", "person", "person"]


@pytest.mark.parametrize("typed", ["-1", "NaN", "Infinity", "dua", "1e400", "9" * 30])
def test_nonsense_is_refused(desk, opened, typed):
    with pytest.raises(Refused) as refusal:
        evaluate.write(opened, by=desk.editor, now=desk.now, staff_hours=typed)
    assert refusal.value.field == "staff_hours"


def test_nothing_is_closed_half_done(desk, plan, opened):
    written = judge(desk, opened, ["kept", "changed", ""])
    with pytest.raises(Refused) as refusal:
        evaluate.close(written, scope=desk.scope, by=desk.editor, now=desk.now)
    assert "Warga mengenali" in str(refusal.value.why)
    plan.refresh_from_db()
    assert plan.state == "running"
    assert Plan.objects.count() == 1


def test_closing_drafts_the_next_plan(desk, plan, opened):
    judge(desk, opened, ["kept", "changed", "dropped"])
    written = evaluate.write(
        opened,
        by=desk.editor,
        now=desk.now,
        staff_hours="120",
        budget_idr="Rp".strip("Rp"),
        lessons=[
            {"text": "Jawab sebelum menyiarkan.", "source": "40 aduan jembatan"},
            {"text": "  ", "source": ""},
        ],
    )
    following = evaluate.close(written, scope=desk.scope, by=desk.editor, now=desk.now)
    written.refresh_from_db()
    plan.refresh_from_db()
    assert (written.state, plan.state, following.state) == ("closed", "evaluated", "draft")
    assert written.next_plan_id == following.pk
    assert written.staff_hours == Decimal(120)
    assert following.period_start == date(2027, 1, 1)
    assert following.lessons == [
        {"text": "Jawab sebelum menyiarkan.", "source": "40 aduan jembatan"}
    ]
    kept = {row.metric: row.baseline for row in following.objectives.all()}
    assert kept == {"comments": Decimal("1.00"), "message_downloads": None}
    assert [row["metric"] for row in written.returns] == list(metrics())
    verbs = [row.verb for row in timeline(desk.scope, written)]
    assert verbs == [
        "evaluation.opened",
        "evaluation.written",
        "evaluation.written",
        "evaluation.closed",
    ]


def test_a_closed_one_stays_as_it_is(desk, plan, opened):
    judge(desk, opened, ["kept"] * 3)
    written = evaluate.write(opened, by=desk.editor, now=desk.now, lessons=[{"text": "x"}])
    evaluate.close(written, scope=desk.scope, by=desk.editor, now=desk.now)
    with pytest.raises(Refused):
        evaluate.close(written, scope=desk.scope, by=desk.editor, now=desk.now)
    with pytest.raises(Refused):
        evaluate.write(written, by=desk.editor, now=desk.now, lessons=[])
    assert Plan.objects.count() == 2
