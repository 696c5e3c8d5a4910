"""Who has a conversation open, by heartbeat: two officers do not answer the same citizen."""

from __future__ import annotations

from datetime import datetime, timedelta

from tanggap.core.models import Person
from tanggap.execution.inbox.models import Conversation, Presence

FRESH = timedelta(seconds=60)
"""Without a heartbeat for so long somebody has gone. Pages beat every 20 seconds."""


def beat(
    conversation: Conversation, person: Person, *, now: datetime, writing: bool = False
) -> None:
    Presence.objects.update_or_create(
        conversation=conversation,
        person=person,
        defaults={"agency_id": conversation.agency_id, "seen_at": now, "writing": writing},
    )


def others(conversation: Conversation, person: Person, now: datetime) -> list[Presence]:
    """Everybody else who has it open, who writes first."""
    rows = Presence.objects.filter(conversation=conversation, seen_at__gt=now - FRESH)
    return list(rows.exclude(person=person).select_related("person").order_by("-writing", "pk"))
