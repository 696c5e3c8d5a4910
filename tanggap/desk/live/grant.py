"""What one stream may hear, handed from the door (a thread of Django's) to the one who streams."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from tanggap.execution.inbox.events import Happened


@dataclass(frozen=True, slots=True)
class Grant:
    """Made by the door for one request. `conversation` is what its reader has before them, or 0."""

    person: int
    membership: int
    session: str
    agencies: frozenset[int]
    hears: bool
    hears_sealed: bool
    conversation: int = 0

    def allows(self, one: Happened) -> bool:
        """Asked again for every event: no other agency's, and no sealed one but for those who
        handle them."""
        if one.agency not in self.agencies:
            return False
        return self.hears_sealed if one.sealed else self.hears


_offered: ContextVar[list[Grant] | None] = ContextVar("tanggap_live_grant", default=None)


@contextmanager
def taking() -> Iterator[list[Grant]]:
    """Inside the block a door may offer; the list then holds what it did."""
    found: list[Grant] = []
    token = _offered.set(found)
    try:
        yield found
    finally:
        _offered.reset(token)


def offer(granted: Grant) -> bool:
    """False where nobody takes it: the server that runs this cannot stream."""
    found = _offered.get()
    if found is None:
        return False
    found.append(granted)
    return True
