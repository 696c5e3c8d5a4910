"""What is owed first."""

from __future__ import annotations

from datetime import timedelta

from tanggap.execution.inbox import queries, triage
from tanggap.execution.inbox.models import Conversation


def test_danger_keeps_no_office_hours_and_stands_first(desk):
    ordinary = desk.heard("budi", "Kapan KTP saya bisa diambil?")
    danger = desk.heard("sri", "Tolong, rumah kami terendam sejak tadi")
    triage.label(danger, "urgency", "danger", by=desk.sari, now=desk.now)
    danger.refresh_from_db()
    assert danger.due_at == desk.last(danger).written_at + timedelta(minutes=15)
    rows = queries.conversations(desk.scope(), now=desk.now).order_by("due_at", "pk")
    listed = [row.pk for row in rows[:2]]
    assert listed == [danger.pk, ordinary.pk]


def test_what_the_machine_takes_for_danger_counts_at_once(desk):
    """A false alarm costs a look; a missed one may cost a life."""
    danger = desk.heard("sri", "Tolong, rumah kami terendam dan ibu saya sesak napas")
    assert danger.urgency == Conversation.Urgency.DANGER
    assert danger.due_at == desk.last(danger).written_at + timedelta(minutes=15)
