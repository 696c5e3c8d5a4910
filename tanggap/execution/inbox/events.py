"""What happened in conversations a moment ago: ids only, read from the Records, for live screens.

Records are numbered by a sequence, and a transaction that took a lower number may commit after one
that took a higher. So that none is missed, numbers that were jumped over are asked for again until
they come or have been missing for PATIENCE.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection

from tanggap.execution.inbox.models import Presence
from tanggap.execution.inbox.presence import FRESH

PATIENCE = timedelta(seconds=60)
"""A statement of the app ends after 15 s, one of the worker after 60: nothing commits later."""
BACK = 500
"""How far behind the newest number a reader starts, for what had not been committed by then."""
MOST = 2000
"""Numbers read at once; the migration's function has the same bound."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One Record that concerns a conversation, or a membership."""

    record: int
    agency: int
    conversation: int | None
    sealed: bool
    membership: int | None


@dataclass(slots=True)
class Place:
    """How far one reader has read: the newest number, and what is missing below it since when."""

    newest: int
    missing: dict[int, datetime] = field(default_factory=dict)

    def copy(self) -> Place:
        return Place(self.newest, dict(self.missing))


def begin(now: datetime) -> Place:
    """The place of a reader who wants what happens from now on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM archive_record_id_seq"
        )
        (newest,) = cursor.fetchone()
    place = Place(max(0, newest - BACK))
    while place.newest < newest and read(place, now):
        pass
    return place


def read(place: Place, now: datetime) -> list[Happened]:
    """What was committed since the last call, in the agencies that the transaction may read; moves
    the place forward. An empty list also says that nothing at all was."""
    for number in [n for n, since in place.missing.items() if now - since > PATIENCE]:
        del place.missing[number]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT record, agency, conversation, sealed, membership FROM inbox_events(%s, %s)",
            [place.newest, list(place.missing)],
        )
        rows = cursor.fetchall()
    for number, *_rest in rows:
        if number > place.newest:
            first = max(place.newest + 1, number - BACK)
            place.missing.update(dict.fromkeys(range(first, number), now))
            place.newest = number
        else:
            place.missing.pop(number, None)
    return [Happened(*row) for row in rows]


def looking(conversations: Iterable[int], now: datetime) -> dict[int, frozenset[tuple[int, bool]]]:
    """Of each of these conversations: who has it open, and whether they write."""
    found: dict[int, set[tuple[int, bool]]] = {}
    rows = Presence.objects.filter(conversation_id__in=list(conversations), seen_at__gt=now - FRESH)
    for conversation, person, writing in rows.values_list(
        "conversation_id", "person_id", "writing"
    ):
        found.setdefault(conversation, set()).add((person, writing))
    return {conversation: frozenset(people) for conversation, people in found.items()}
