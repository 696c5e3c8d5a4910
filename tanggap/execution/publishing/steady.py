"""Do the machine's two clocks agree? When wall time jumps against monotonic time by more than a
minute (a wrong clock set right, a machine that was asleep), nobody can say what is due: sending
holds and says so, until the clocks are back in step or a person says that the time is right.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from tanggap.archive.record import record
from tanggap.core.models import Agency
from tanggap.execution.publishing import start
from tanggap.execution.publishing.models import Place

MOST_S = 60.0


class Pair:
    """What both clocks said when this process began, or when a person last set things right."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.wall, self.monotonic = wall, monotonic
        self.accept()
        self.accepted_at: datetime | None = None

    def accept(self) -> None:
        self._wall, self._monotonic = self.wall(), self.monotonic()

    def parted(self) -> float:
        """Seconds that wall time has gained on monotonic time."""
        return (self.wall() - self._wall) - (self.monotonic() - self._monotonic)


OURS = Pair()


def in_step(now: datetime, pair: Pair | None = None) -> bool:
    """True when sending may go on. Keeps the place's row, which the screens read, up to date."""
    pair = pair or OURS
    place = start.here(now)
    if place.allowed_at is not None and place.allowed_at != pair.accepted_at:
        # A person said in the meantime that the time is right (or this is the first look).
        if pair.accepted_at is not None:
            pair.accept()
        pair.accepted_at = place.allowed_at
    parted = pair.parted()
    if abs(parted) <= MOST_S:
        if place.stopped == "clock":
            _say(place, "", 0, now)
        return True
    if place.stopped != "clock":
        _say(place, "clock", int(parted), now)
    return False


def _say(place: Place, stopped: str, parted_s: int, now: datetime) -> None:
    Place.objects.filter(pk=place.pk).update(
        stopped=stopped, stopped_at=now if stopped else None, parted_s=parted_s
    )
    verb = "sending.clock_parted" if stopped else "sending.clock_in_step"
    for agency in Agency.objects.filter(autonomous=True):
        record(
            agency,
            verb,
            ("publishing.place", place.pk),
            by="system:deliver",
            now=now,
            facts={"seconds": parted_s},
        )
