"""What Today and the return table cost: statements that read rows, with the frame around them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tanggap.desk.monitoring import cards
from tanggap.execution.followup.models import Case
from tanggap.execution.inbox.models import Conversation, Cursor
from tests.inbox.test_cost import NOT_COUNTED
from tests.inbox.test_screens import client_of
from tests.monitoring.test_returns import Desk

pytestmark = pytest.mark.django_db
# Besides: who we are to the database, and practice time, which a real installation does not have.
FREE = (*NOT_COUNTED, "SELECT CURRENT_USER", 'SELECT "CORE_PRACTICECLOCK"')


@pytest.fixture
def desk(agency, member, now) -> Desk:
    return Desk(agency, member("editor"), now)


def asked(client, address: str) -> list[str]:
    client.get(address)  # what a process asks once, not each page
    for remembered in (cards._owed, cards._decisions, cards._voices):
        # The clock stands still here, so that the second page would ask what the first one knows.
        remembered.cache_clear()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    said = [one["sql"] for one in captured.captured_queries]
    return [sql for sql in said if not sql.upper().startswith(FREE)]


@pytest.fixture
def many(desk) -> Desk:
    """A day with much of everything that is there on any day."""
    for n in range(30):
        item = desk.says(f"warga{n}", at=desk.now - timedelta(minutes=7 * n))
        Conversation.objects.filter(pk=item.conversation_id).update(due_at=desk.now, snippet="x")
        desk.post(**({"reblogs": n} if n % 3 else {}))
        Case.objects.create(
            agency=desk.agency,
            number=f"LBG-{n:04}",
            kind="complaint",
            title="Jembatan putus",
            opened_by=desk.editor,
            opened_at=desk.now,
            due_at=desk.now + timedelta(hours=n - 9),
        )
    return desk


@pytest.mark.parametrize("role", ["head", "lead", "responder"])
def test_today_takes_twelve_queries(many, member, role, monkeypatch):
    monkeypatch.setattr("tanggap.core.clock.now", lambda: many.now)
    said = asked(client_of(member(role)), "/")
    assert 8 < len(said) <= 12, "\n".join(sql[:200] for sql in said)


def test_a_day_of_trouble_takes_few_more(many, member, monkeypatch):
    monkeypatch.setattr("tanggap.core.clock.now", lambda: many.now)
    Cursor.objects.create(
        agency=many.agency,
        account=many.account,
        moved_at=many.now,
        polled_at=many.now - timedelta(hours=1),
        failed_at=many.now,
    )
    said = asked(client_of(member("lead")), "/")
    assert len(said) <= 14, "\n".join(sql[:200] for sql in said)


def test_the_return_table_takes_fifteen_queries(many, member, monkeypatch):
    monkeypatch.setattr("tanggap.core.clock.now", lambda: many.now)
    said = asked(client_of(member("lead")), "/pemantauan/")
    assert 10 < len(said) <= 15, "\n".join(sql[:200] for sql in said)
