"""Evaluations, files, decisions and what search finds are walked to the very last row."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse

from tanggap import messages
from tanggap.activities.models import Activity, Hold
from tanggap.core import clock
from tanggap.desk import activities, hold, search
from tanggap.desk.monitoring import behind, evaluation, files
from tanggap.execution.inbox.models import Claim
from tanggap.messaging.models import Message
from tanggap.monitoring.models import AnalyticsImport, Evaluation
from tanggap.planning.models import Objective, Plan
from tests.pages import walk

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(member):
    return member("lead")


@pytest.fixture
def web(client, lead):
    messages.compile_if_stale()
    client.force_login(lead, backend="django.contrib.auth.backends.ModelBackend")
    return client


def once(found, wanted):
    """Without a gap and without a repeat."""
    assert len(found) == len(set(found))
    assert set(found) == set(wanted)


def plans(agency, lead, count, **fields):
    return [
        Plan.objects.create(
            agency=agency,
            title=f"Rencana {number}",
            period_start=date(2026, 1, 1),
            period_end=date(2026, 6, 30),
            person_in_charge=lead,
            created_at=clock.now(),
            **fields,
        )
        for number in range(count)
    ]


def test_evaluations_and_plans_without_one(agency, lead, web, monkeypatch):
    monkeypatch.setattr(evaluation, "PAGE", 2)
    made = plans(agency, lead, 10, state="running")
    for plan in made[:5]:
        Evaluation.objects.create(agency=agency, plan=plan, opened_at=clock.now(), written_by=lead)
    there = reverse("desk:monitoring-evaluations")
    seen = [row.plan_id for page in walk(web, there) for row in page.context["page"].rows]
    once(seen, [plan.pk for plan in made[:5]])
    seen = [row.pk for page in walk(web, there, "plans") for row in page.context["plans"].rows]
    once(seen, [plan.pk for plan in made[5:]])


def test_files_brought_in(agency, lead, web, monkeypatch):
    monkeypatch.setattr(files, "PAGE", 2)
    for number in range(5):
        AnalyticsImport.objects.create(
            agency=agency, file_name="x.csv", sha256=bytes([number]) * 32, by=lead, at=clock.now()
        )
    pages = walk(web, reverse("desk:monitoring-analytics"))
    seen = [row.pk for page in pages for row in page.context["page"].rows]
    once(seen, AnalyticsImport.objects.values_list("pk", flat=True))


def test_rows_of_a_file_that_were_not_taken(agency, lead, web, monkeypatch):
    monkeypatch.setattr(files, "BAD", 2)
    bad = [{"line": number, "why": "x", "text": "y"} for number in range(2, 7)]
    made = AnalyticsImport.objects.create(
        agency=agency,
        file_name="x.csv",
        sha256=b"x" * 32,
        by=lead,
        at=clock.now(),
        rows_refused=9,
        refused=bad,
    )
    pages = list(walk(web, reverse("desk:monitoring-analytics"), f"bad{made.pk}"))
    seen = [row["line"] for page in pages for row in page.context["imports"][0][1].rows]
    once(seen, range(2, 7))
    told = ["hanya jumlahnya" in page.content.decode() for page in pages]
    assert told == [False, False, True]


def test_earlier_holds(agency, lead, web, monkeypatch):
    monkeypatch.setattr(hold, "PAST", 2)
    for _ in range(5):
        Hold.objects.create(
            agency=agency,
            subtree=agency,
            reason="Gempa",
            placed_by=lead,
            placed_at=clock.now(),
            lifted_by=lead,
            lifted_at=clock.now(),
            lifted_reason="Reda",
        )
    seen = [row.pk for page in walk(web, reverse("desk:hold")) for row in page.context["past"].rows]
    once(seen, Hold.objects.values_list("pk", flat=True))


def test_what_waits_for_a_decision_of_every_kind_at_one_instant(
    agency, lead, member, web, monkeypatch
):
    monkeypatch.setattr(behind, "SIZE", 2)
    now, editor = clock.now(), member("editor")
    wanted = [("message", one.pk) for one in contents(agency, editor, now, 3, state="checked")] + [
        (
            "claim",
            Claim.objects.create(
                agency=agency, text="Air keruh", state="checking", first_seen_at=now
            ).pk,
        )
        for _ in range(3)
    ]
    pages = walk(web, reverse("desk:monitoring-waits"))
    seen = [(row["one"].kind, row["one"].pk) for page in pages for row in page.context["rows"]]
    once(seen, wanted)


def contents(agency, author, now, count, **fields):
    return [
        Message.objects.create(
            agency=agency,
            title=f"Jembatan {number}",
            core="x",
            openness="none",
            author=author,
            created_at=now,
            edited_at=now,
            **fields,
        )
        for number in range(count)
    ]


def objective(agency, lead):
    [plan] = plans(agency, lead, 1)
    return Objective.objects.create(
        agency=agency, plan=plan, text="x", metric="comments", target=9, due_on=date(2026, 12, 1)
    )


def test_what_search_finds(agency, lead, web, monkeypatch):
    monkeypatch.setattr(search, "SIZE", 2)
    now = clock.now()
    wanted = contents(agency, lead, now, 5)
    goal = objective(agency, lead)
    meets = [
        Activity.objects.create(
            agency=agency,
            title=f"Rapat jembatan {number}",
            objective=goal,
            person_in_charge=lead,
            starts_at=now,
            ends_at=now + timedelta(hours=1),
            created_at=now,
        )
        for number in range(5)
    ]
    there = reverse("desk:search") + "?q=jembatan"
    for kind, rows in (("message", wanted), ("activity", meets)):
        seen = [
            row.pk
            for page in walk(web, there, kind)
            for group in page.context["groups"]
            if group.kind == kind
            for row in group.page.rows
        ]
        once(seen, [row.pk for row in rows])


def test_contents_of_an_activity_and_what_is_at_the_same_time(agency, lead, web, monkeypatch):
    monkeypatch.setattr(activities, "PAGE", 2)
    monkeypatch.setattr(activities, "CONFLICTS", 2)
    now, goal = clock.now(), objective(agency, lead)
    meets = [
        Activity.objects.create(
            agency=agency,
            title=f"Rapat {number}",
            objective=goal,
            person_in_charge=lead,
            starts_at=now + timedelta(days=1),
            ends_at=now + timedelta(days=1, hours=1),
            created_at=now,
        )
        for number in range(6)
    ]
    wanted = contents(agency, lead, now, 5, activity=meets[0])
    there = reverse("desk:activities-one", args=[meets[0].pk])
    for name, rows in (("contents", wanted), ("conflicts", meets[1:])):
        seen = [row.pk for page in walk(web, there, name) for row in page.context[name].rows]
        once(seen, [row.pk for row in rows])
    listed = walk(web, reverse("desk:activities-list") + "?view=list")
    once([row.pk for page in listed for row in page.context["rows"]], [row.pk for row in meets])
