"""What Today asks: counts equal rows, a maker is not the checker, a role sees its own work."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tanggap.core.roles import VERBS
from tanggap.execution.followup.models import Case
from tanggap.execution.inbox.models import Conversation, Item
from tanggap.messaging.models import Message
from tanggap.monitoring import perception, queries, report, returns
from tests.monitoring.test_returns import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(agency, member, now):
    return Desk(agency, member("editor"), now)


def as_role(desk, role, person=None):
    verbs = frozenset(verb for verb, roles in VERBS.items() if role in roles)
    return replace(desk.scope, verbs=verbs, person=person or desk.editor)


def case(desk, due, **fields):
    desk.count += 1
    return Case.objects.create(
        agency=desk.agency,
        number=f"LBG-{desk.count}",
        kind="complaint",
        title="Jembatan putus",
        opened_by=desk.editor,
        opened_at=desk.now,
        due_at=due,
        **fields,
    )


def talk(desk, due, **fields):
    row = desk.says("tini").conversation
    Conversation.objects.filter(pk=row.pk).update(due_at=due, **fields)
    return row


def test_what_breaks_first_is_on_top(desk):
    hours = timedelta(hours=1)
    late = case(desk, desk.now - hours)
    soon = talk(desk, desk.now + 2 * hours)
    case(desk, desk.now + 50 * hours)
    talk(desk, datetime(9999, 12, 31, tzinfo=UTC))
    talk(desk, desk.now - hours, sealed=True)
    talk(desk, desk.now - hours, has_case=True)
    case(desk, desk.now - hours, sealed=True, public=False)
    case(
        desk,
        desk.now - hours,
        state="closed",
        resolution="Diperbaiki.",
        resolved_at=desk.now,
        closed_at=desk.now,
    )
    scope = as_role(desk, "lead")
    assert [(type(row), row.pk) for row in queries.most_urgent(scope, desk.now)][:2] == [
        (Case, late.pk),
        (Conversation, soon.pk),
    ]
    found = queries.owed(scope, desk.now)
    assert (found.late, found.today, found.open) == (1, 1, 3)
    assert len(queries.most_urgent(scope, desk.now)) == found.open


@pytest.mark.parametrize(("role", "seen"), [("lead", 2), ("unit", 1), ("coordinator", 0)])
def test_a_role_sees_what_it_may_read(desk, role, seen):
    case(desk, desk.now)
    talk(desk, desk.now)
    assert queries.owed(as_role(desk, role), desk.now).open == seen


def test_a_maker_is_not_the_checker(desk, member):
    lead = member("lead")
    for author in (desk.editor, lead):
        Message.objects.create(
            agency=desk.agency,
            title="Imunisasi",
            core="x",
            state="checked",
            openness="periodic",
            author=author,
            created_at=desk.now,
            edited_at=desk.now,
        )
    found = queries.decisions(as_role(desk, "lead", lead))
    assert [(one.kind, one.note) for one in found] == [("message", "periodic")]
    assert queries.decisions(as_role(desk, "editor")) == []
    assert queries.decisions(as_role(desk, "auditor")) == []


def test_voices_add_up(desk, django_assert_num_queries):
    written = ((1, "complaint"), (2, "complaint"), (3, "thanks"), (20, ""), (30, "thanks"))
    for hours, kind in written:
        desk.says("tini", at=desk.now - timedelta(hours=hours), kind=kind)
    desk.says("saksi", sealed=True)
    with django_assert_num_queries(1):
        found = queries.voices(desk.scope, desk.now)
    assert found.n == 4 == sum(found.kinds.values()) == sum(n for _at, n in found.hours)
    assert found.kinds == {"complaint": 2, "thanks": 1, "": 1}
    # 16.00 of yesterday to 08.00: three; the one of 12.00 was in office hours.
    assert found.overnight == 3


def test_received_is_shown_and_quarantined(desk):
    desk.says("tini")
    desk.says("saksi", sealed=True)
    Item.objects.create(
        agency=desk.agency,
        account=desk.account,
        remote_id="q",
        visibility="public",
        text="?",
        written_at=desk.now,
        received_at=desk.now,
        quarantined="unreadable",
    )
    found = queries.balance(desk.scope)
    assert found == {"received": 3, "shown": 2, "quarantined": 1, "sealed": 1}
    assert found["received"] == found["shown"] + found["quarantined"]


def test_perception_counts_every_message_once(desk):
    desk.says("tini")
    desk.says("budi", kind="thanks", at=desk.now - timedelta(days=2))
    found = perception.counts(desk.window())
    assert found.n == 2 == sum(found.kinds.values()) == sum(day.n for day in found.days)
    assert len(found.days) == 30
    assert found.n == returns.cell(desk.window(), "said_about").value


def test_the_printed_page_agrees_with_the_table(desk):
    desk.says("tini", post=desk.post(reblogs=3))
    found = report.report(desk.window())
    assert found.cells == returns.table(desk.window())
    assert found.voices.n == 1
    assert found.posts == 1
