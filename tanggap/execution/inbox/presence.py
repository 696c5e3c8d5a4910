"""Who has a conversation open: two officers do not answer the same citizen.

A page that is looked at holds a stream open (desk/live), which keeps its reader's row fresh and
takes it away when it ends. Where no stream can be had, the page beats by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from tanggap.core.models import Person
from tanggap.execution.inbox.models import Conversation, Presence

FRESH = timedelta(seconds=60)
"""Without a word for so long somebody has gone: a process that was killed says no good-bye."""


def beat(
    conversation: Conversation, person: Person, *, now: datetime, writing: bool | None = None
) -> None:
    """Somebody is here; `writing` None leaves as it is whether they write."""
    said = {"seen_at": now} if writing is None else {"seen_at": now, "writing": writing}
    Presence.objects.update_or_create(
        conversation=conversation,
        person=person,
        defaults={"agency_id": conversation.agency_id, **said},
    )


def keep(pairs: Iterable[tuple[int, int]], now: datetime) -> None:
    """All of these (conversation, person) are still here."""
    by_conversation: dict[int, set[int]] = {}
    for conversation, person in pairs:
        by_conversation.setdefault(conversation, set()).add(person)
    for conversation, people in by_conversation.items():
        Presence.objects.filter(conversation=conversation, person__in=people).update(seen_at=now)


def leave(conversation: int, person: int) -> None:
    """Somebody has gone."""
    Presence.objects.filter(conversation=conversation, person=person).delete()


def others(conversation: Conversation, person: Person, now: datetime) -> list[Presence]:
    """Everybody else who has it open, who writes first."""
    rows = Presence.objects.filter(conversation=conversation, seen_at__gt=now - FRESH)
    return list(rows.exclude(person=person).select_related("person").order_by("-writing", "pk"))
