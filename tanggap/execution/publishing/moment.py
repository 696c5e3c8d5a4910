"""What time it is while a worker works: the tick's `now`, with the time that has passed since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Moment:
    """`at` by the wall clock when the monotonic clock said `begun`; it stands still unless
    `runs`."""

    at: datetime
    begun: float
    monotonic: Callable[[], float]
    runs: bool = False

    def now(self) -> datetime:
        if not self.runs:
            return self.at
        return self.at + timedelta(seconds=self.monotonic() - self.begun)
