"""What a report owes moves its conversations in the inbox, and nothing else does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib import import_module

import pytest
from django.db import connection

from tanggap.archive.move import move
from tanggap.execution.followup import cases, clocks
from tanggap.execution.followup.models import Case
from tanggap.execution.inbox import promise
from tanggap.execution.inbox.models import Conversation
from tanggap.office import holidays

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture
def monday(town):
    town.scene.now = MONDAY
    town.scene.account.agency.refresh_from_db()
    return town


def talk(item) -> Conversation:
    return Conversation.objects.get(pk=item.conversation_id)


def told(town, case: Case) -> None:
    """The numbers went out, and each conversation is answered by it."""
    case.clocks.filter(rule="promise_first_answer").update(kept_at=town.now)
    clocks.keep_due(case, town.now)
    for one in case.contributors.select_related("conversation"):
        move(one.conversation, "answered", by="system:test", now=town.now)
        promise.set_due(one.conversation, town.now)


def test_an_answered_conversation_is_due_when_its_report_is(monday):
    item = monday.item()
    case = cases.open_case(
        [item], kind="complaint", title="Jembatan", by=monday.sari, now=monday.now, tell=False
    )
    told(monday, case)
    case.refresh_from_db()
    assert case.due_at < clocks.NEVER
    assert talk(item).due_at == talk(item).owed_at == case.due_at
    # What a day off moves, it moves there as well.
    later = MONDAY + timedelta(hours=3)
    case.clocks.exclude(rule="sp4n_complaint").update(kept_at=later)
    clocks.keep_due(case, later)
    before = talk(item).due_at
    holidays.override(
        case.agency, date(2026, 12, 1), working=False, reason="Pilkada", by=monday.lead, now=later
    )
    clocks.follow_calendar(later + timedelta(seconds=5))
    case.refresh_from_db()
    assert talk(item).due_at == case.due_at > before


def test_who_joins_later_is_owed_the_same_and_the_earliest_report_counts(monday):
    case = monday.case(kind="public_information", tell=False)
    told(monday, case)
    case.refresh_from_db()
    late = monday.item()
    move(late.conversation, "answered", by="system:test", now=monday.now)
    cases.join(case, late.conversation, late, by=monday.sari, now=monday.now, tell=False)
    assert talk(late).due_at == case.due_at < clocks.NEVER
    sooner = cases.open_case(
        [late], kind="information_request", title="Data", by=monday.sari, now=monday.now, tell=False
    )
    sooner.refresh_from_db()
    assert sooner.due_at < case.due_at
    assert talk(late).due_at == sooner.due_at


def test_closed_owes_nothing_and_reopened_owes_again(monday):
    item = monday.item()
    case = cases.open_case(
        [item], kind="complaint", title="Jembatan", by=monday.sari, now=monday.now, tell=False
    )
    told(monday, case)
    cases.resolve(
        case, resolution="Selesai", evidence_note="Foto menyusul", by=monday.sari, now=monday.now
    )
    assert talk(item).owed_at is None and talk(item).due_at == promise.NEVER
    cases.close(case, by=monday.sari, now=monday.now)
    assert talk(item).due_at == promise.NEVER
    later = monday.now + timedelta(days=2)
    cases.reopen(case, by=monday.sari, now=later)
    case.refresh_from_db()
    assert talk(item).due_at == case.due_at > later


def test_reports_that_were_open_before_the_release_are_told_to_the_inbox(monday):
    item = monday.item()
    case = cases.open_case(
        [item], kind="complaint", title="Jembatan", by=monday.sari, now=monday.now, tell=False
    )
    told(monday, case)
    case.refresh_from_db()
    Conversation.objects.update(owed_at=None, due_at=promise.NEVER)
    migration = import_module("tanggap.execution.followup.migrations.0002_owed_in_conversations")
    with connection.cursor() as cursor:
        cursor.execute(migration.TELL)
    assert talk(item).due_at == case.due_at
