"""Stage 1: a plan is whole before it is handed in, and not approved by whoever is in charge."""

from __future__ import annotations

from datetime import date

import pytest

from tanggap.core.errors import Refused, Stale
from tanggap.planning import approve, write
from tanggap.planning.draft_from import draft_from
from tanggap.planning.queries import gaps

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2026, 10, 1), date(2026, 12, 31)


@pytest.fixture
def plan(agency, member, now):
    return write.create(
        agency,
        title="Triwulan IV",
        period_start=FIRST,
        period_end=LAST,
        by=member("editor"),
        now=now,
    )


@pytest.fixture
def whole(plan, now):
    by = plan.person_in_charge
    write.edit(
        plan,
        by=by,
        now=now,
        people="Ibu balita",
        strategy="Menjawab dulu",
        technology="Mastodon",
        welfare_outcome="Anak terlindungi",
        priority_issue="Campak",
        key_message="Datang ke desa Anda",
    )
    mothers = write.add_segment(
        plan,
        name="Ibu balita",
        who="Ibu anak 0–5 tahun",
        by=by,
        now=now,
        ladder={"critics": 22, "spectators": 90},
        source="perkiraan tim",
    )
    write.add_objective(
        plan,
        kind="inform",
        text="Tahu jadwal",
        metric="message_clicks",
        target=600,
        baseline=120,
        baseline_source="Triwulan III",
        due_on=date(2026, 11, 30),
        segments=[mothers],
        by=by,
        now=now,
    )
    write.choose_channel(plan, channel="mastodon", chosen=True, reason="Terbuka", by=by, now=now)
    plan.refresh_from_db()
    return plan


def test_every_part_of_post_must_be_there(plan, now) -> None:
    missing = {gap.field for gap in gaps(plan)}
    assert {"people", "strategy", "technology", "objectives", "segments", "channels"} <= missing
    with pytest.raises(Refused) as refusal:
        approve.review(plan, by=plan.person_in_charge, now=now)
    assert refusal.value.field == "people"


def test_a_whole_plan_is_approved_by_another_and_runs(whole, member, now) -> None:
    approve.review(whole, by=whole.person_in_charge, now=now)
    with pytest.raises(Refused):
        approve.approve(whole, seen=whole.version, by=whole.person_in_charge, now=now)
    approve.approve(whole, seen=whole.version, by=member("lead"), now=now)
    approve.start(whole, by=member("lead"), now=now)
    assert whole.state == "running"


def test_what_was_handed_in_is_not_edited(whole, now) -> None:
    approve.review(whole, by=whole.person_in_charge, now=now)
    with pytest.raises(Refused):
        write.edit(whole, by=whole.person_in_charge, now=now, people="Lain")


def test_two_writers_do_not_overwrite_each_other(plan, now) -> None:
    seen = plan.version
    write.edit(plan, by=plan.person_in_charge, now=now, people="Satu", seen=seen)
    with pytest.raises(Stale):
        write.edit(plan, by=plan.person_in_charge, now=now, people="Dua", seen=seen)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"metric": "likes"}, "metric"),
        ({"due_on": date(2027, 1, 1)}, "due_on"),
        ({"baseline": 3, "baseline_source": ""}, "baseline_source"),
        ({"text": " "}, "text"),
    ],
)
def test_an_objective_can_be_judged(plan, now, change, field) -> None:
    good = {
        "kind": "inform",
        "text": "Tahu",
        "metric": "comments",
        "target": 5,
        "due_on": date(2026, 11, 1),
    }
    with pytest.raises(Refused) as refusal:
        write.add_objective(plan, by=plan.person_in_charge, now=now, **{**good, **change})
    assert refusal.value.field == field


def test_the_next_plan_grows_from_the_evaluation(whole, now) -> None:
    kept = whole.objectives.get()
    following = draft_from(
        whole,
        title="Triwulan I",
        by=whole.person_in_charge,
        now=now,
        lessons=[{"text": "Jadwal dibaca malam hari", "source": "evaluasi"}],
        objectives=[
            {
                "objective_id": kept.pk,
                "verdict": "changed",
                "text": "Tahu dan datang",
                "target": 900,
                "reached": 512,
                "source": "tabel hasil",
            }
        ],
    )
    assert following.state == "draft"
    assert following.period_start == date(2027, 1, 1)
    grown = following.objectives.get()
    assert (grown.text, grown.baseline, grown.target) == ("Tahu dan datang", 512, 900)
    assert grown.segments.get().name == "Ibu balita"
    assert following.lessons[0]["text"] == "Jadwal dibaca malam hari"
    assert not gaps(following)
