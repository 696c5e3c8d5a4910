"""One thread and one database connection for all streams of a process.

It looks at the Records four times a second as long as anybody listens, tells every stream what it
may hear, keeps the presence of those who look, and ends the streams of those whose session or
membership is over. A stream costs no thread.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from tanggap.core import clock, membership
from tanggap.core.models import Membership, Person
from tanggap.core.scope import Scope, enter
from tanggap.desk.live.grant import Grant
from tanggap.execution.inbox import events, presence
from tanggap.execution.inbox.models import Conversation

log = logging.getLogger(__name__)

EVERY_S = 0.25
PRESENCE_EVERY_S = 0.5
CHECK_EVERY_S = 5.0
"""How soon a stream ends after its session. That a membership ended is on record: at once."""
KEEP_EVERY_S = 20.0
IDLE_S = 10.0
"""The thread ends when nobody has listened for so long."""
MOST = 200
"""More different things than that wait for one slow reader: then "all" is said instead."""

ALL = ("all", 0)
Event = tuple[str, int]


@dataclass(eq=False, slots=True)
class Stream:
    """One browser's page. Only its own event loop touches `waiting` and `ended`."""

    grant: Grant
    loop: asyncio.AbstractEventLoop
    waiting: dict[Event, int] = field(default_factory=dict)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    def put(self, told: list[tuple[Event, int]]) -> None:
        for event, version in told:
            self.waiting[event] = version
        if len(self.waiting) > MOST or ALL in self.waiting:
            self.waiting = {ALL: max(self.waiting.values())}
        self.ready.set()

    def end(self) -> None:
        self.ended = True
        self.ready.set()

    def take(self) -> list[tuple[Event, int]]:
        """What waited, each thing once with its newest version."""
        told = list(self.waiting.items())
        self.waiting.clear()
        self.ready.clear()
        return told


_lock = threading.Lock()
_streams: set[Stream] = set()
_gone: list[Grant] = []
_thread: threading.Thread | None = None
_closing = False


def join(stream: Stream) -> None:
    """Begin to tell it. Starts the thread when it is the first."""
    global _thread
    with _lock:
        if _closing:
            stream.end()
            return
        _streams.add(stream)
        if _thread is None:
            _thread = threading.Thread(target=_run, name="live", daemon=True)
            _thread.start()


def leave(stream: Stream) -> None:
    """Its reader has gone."""
    with _lock:
        _streams.discard(stream)
        if stream.grant.conversation:
            _gone.append(stream.grant)


def close() -> None:
    """End every stream and take no more: the process is asked to end."""
    global _closing
    with _lock:
        _closing = True
        streams = list(_streams)
    _end(streams)


def _run() -> None:
    global _thread
    reader, idle = _Reader(), time.monotonic()
    try:
        while True:
            began = time.monotonic()
            with _lock:
                streams, gone = list(_streams), list(_gone)
                _gone.clear()
                if streams or gone:
                    idle = began
                elif began - idle > IDLE_S:
                    _thread = None
                    return
            try:
                reader.look(streams, gone)
            except Exception:
                # The place is kept: what happened meanwhile is read when the database answers.
                log.exception("Live events could not be read; trying again.")
                with suppress(Exception):
                    connection.close()
                time.sleep(1)
            time.sleep(max(0.02, EVERY_S - (time.monotonic() - began)))
    finally:
        with suppress(Exception):
            connection.close()


@dataclass
class _Reader:
    """What the thread remembers from one look to the next."""

    place: events.Place | None = None
    looked: dict[int, frozenset[tuple[int, bool]]] = field(default_factory=dict)
    at: dict[str, float] = field(default_factory=dict)

    def due(self, what: str, every: float) -> bool:
        if time.monotonic() - self.at.get(what, float("-inf")) < every:
            return False
        self.at[what] = time.monotonic()
        return True

    def look(self, streams: list[Stream], gone: list[Grant]) -> None:
        scope = _scope([*(one.grant for one in streams), *gone])
        now = clock.now()
        changed: set[int] = set()
        with enter(scope):
            place = self.place.copy() if self.place else events.begin(now)
            happened = events.read(place, now)
            if self.due("presence", PRESENCE_EVERY_S) or gone:
                _depart(gone, streams)
                opened = {one.grant.conversation for one in streams} - {0}
                looking = events.looking(opened, now) if opened else {}
                changed = {
                    pk for pk in opened if looking.get(pk) != self.looked.get(pk, frozenset())
                }
                self.looked = looking
        # Only now: what could not be read to its end is read again.
        self.place = place
        for stream in streams:
            _tell(stream, happened, changed)
        over = {one.membership for one in happened if one.membership}
        _end(one for one in streams if one.grant.membership in over)
        if streams and self.due("check", CHECK_EVERY_S):
            with enter(scope):
                _end(_over(streams, now))
                if self.due("keep", KEEP_EVERY_S):
                    _keep(streams, now)


def _scope(grants: list[Grant]) -> Scope:
    """The agencies of those who listen: the second wall stands around them."""
    agencies = frozenset(pk for one in grants for pk in one.agencies)
    return Scope(readable=agencies, writable=agencies)


def _tell(stream: Stream, happened: Iterable[events.Happened], changed: set[int]) -> None:
    told: list[tuple[Event, int]] = [
        (("conversation", one.conversation), one.record)
        for one in happened
        if one.conversation and stream.grant.allows(one)
    ]
    if stream.grant.conversation in changed:
        told.append((("presence", stream.grant.conversation), 0))
    if told:
        _call(stream, stream.put, told)


def _end(streams: Iterable[Stream]) -> None:
    for stream in streams:
        _call(stream, stream.end)


def _call(stream: Stream, function: object, *told: object) -> None:
    # A loop that has ended has no readers left.
    with suppress(RuntimeError):
        stream.loop.call_soon_threadsafe(function, *told)  # type: ignore[arg-type]


def _depart(gone: list[Grant], streams: list[Stream]) -> None:
    """Those who left no other page open on the same conversation are not there any more."""
    still = {(one.grant.person, one.grant.conversation) for one in streams}
    for one in gone:
        if (one.person, one.conversation) not in still:
            presence.leave(one.conversation, one.person)


def _keep(streams: list[Stream], now: datetime) -> None:
    """Whoever has a stream open on a conversation is there, without any request of theirs."""
    presence.keep({(one.grant.conversation, one.grant.person) for one in streams} - {(0, 0)}, now)


def _over(streams: list[Stream], now: datetime) -> list[Stream]:
    """Streams whose session or membership is over, and of conversations that are sealed now."""
    # Sessions run by the wall clock, also where practice runs ahead of it.
    alive = _among(
        Session.objects.filter(expire_date__gt=timezone.now()),
        "session_key",
        {one.grant.session for one in streams},
    )
    active = _among(
        Person.objects.filter(is_active=True), "pk", {one.grant.person for one in streams}
    )
    rows = Membership.objects.filter(pk__in={one.grant.membership for one in streams})
    held = {row.pk for row in rows.select_related("agency") if membership.in_force(row, now)}
    sealed = _among(
        Conversation.objects.filter(sealed=True),
        "pk",
        {one.grant.conversation for one in streams} - {0},
    )
    return [
        one
        for one in streams
        if one.grant.session not in alive
        or one.grant.membership not in held
        or one.grant.person not in active
        or one.grant.conversation in sealed
    ]


def _among(rows: QuerySet[Any], name: str, wanted: set[Any]) -> set[Any]:
    if not wanted:
        return set()
    return set(rows.filter(**{f"{name}__in": wanted}).values_list(name, flat=True))
