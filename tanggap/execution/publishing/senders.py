"""Many accounts at once: two desks (desk.py) and the wires that wait for their networks.

The first desk claims for all accounts together, hands each row to a wire, and settles what comes
back together: what an account waits for between two posts. The second has words made ready and
films uploaded, ahead of that, and never keeps the first waiting.

What may not happen twice is as in deliver.py: the claim is committed before a wire gets the row, a
wire makes one request, and an answer is on record before it is settled. What cannot be written down
because the database is away is looked up when the process dies with it.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from tanggap.execution.publishing import claim, deliver, prepare
from tanggap.execution.publishing.deliver import Outcome
from tanggap.execution.publishing.desk import LOOK, MORE, Desk
from tanggap.execution.publishing.moment import Moment
from tanggap.execution.publishing.prepare import Prepared

WIRES = 64
WORDS = 8
UPLOADS = 4
BORROWED = 3
"""Connections that all wires together may have open, for the few that must read something."""
PERMIT = 10.0
"""Seconds for which a tick lets the desks claim: it looks at the place and at both clocks."""
GATHER = 0.03
"""Seconds that an answer may wait for others, to be settled with them."""
ALONG = 0.1
"""The same for words that were made ready."""
AHEAD = 0.8
"""Seconds between two looks for words to make ready; each account always has some in hand."""
TOGETHER = 150
"""Posts whose words are made ready at once."""
TURN = 0.0001
"""Seconds that a thread of this process keeps the others waiting. A desk asks the database dozens
of times in a round, and after each answer it would wait for the wires for Python's own 5 ms."""


class Senders:
    """The worker's senders. Words are made ready and films are uploaded by wires of their own, and
    one more uploads nothing but the emergency lane's, so that what takes minutes never keeps a
    warning waiting."""

    def __init__(self, wires: int = WIRES, uploads: int = UPLOADS) -> None:
        sys.setswitchinterval(TURN)
        self.sending = Desk("desk", {"wire": wires}, self._sent, self._send, gather=GATHER)
        hands = {"words": WORDS, "upload": uploads, "urgent": 1}
        self.readying = Desk("ready", hands, self._readied, self._ready, gather=ALONG)
        self.wires, self.uploads = wires, uploads
        self._borrowed = threading.BoundedSemaphore(BORROWED)
        self._moment: Moment | None = None
        self._claims = False
        self._prepared = 0.0

    # --- what a tick and a worker say ------------------------------------------------------------

    def go(self, moment: Moment) -> None:
        """Send what is due, from now until the next word."""
        self._moment, self._claims = moment, True
        self.sending.wake(LOOK)
        self.readying.wake(LOOK)

    def rest(self) -> None:
        """Claim nothing more. What is under way is brought to its end."""
        self._claims = False

    def wait(self) -> None:
        """Until nothing is due and nothing is under way."""
        # Each may have woken the other before it went.
        while self.sending.wait() or self.readying.wait():
            pass

    def close(self) -> None:
        """The worker ends: what is on its way is brought to its end, a deadline of seconds."""
        self.rest()
        self.wait()
        self.sending.close()
        self.readying.close()

    def _at_work(self) -> Moment | None:
        """The moment, while a tick's word to claim stands."""
        moment = self._moment
        if moment is None or not self._claims:
            return None
        return moment if moment.monotonic() - moment.begun <= PERMIT else None

    # --- the first desk --------------------------------------------------------------------------

    def _send(self, news: set[str]) -> bool:
        """Claim for every free wire. True when something was claimed."""
        moment = self._at_work()
        if moment is None:
            return False
        # Before the claim: what follows is measured from here.
        begun = moment.monotonic()
        free = self.wires - self.sending.under_way("wire")
        rows = claim.to_send(moment.now(), most=free) if free else []
        for shot in deliver.aim(rows, begun, moment) if rows else ():
            self.sending.start("wire", deliver.fire, shot, moment, self._desk_for_wires)
        if not rows and "wire" in news:
            # Whose turn it is has nothing in hand, or there is nothing more.
            self.readying.wake(LOOK)
        return bool(rows)

    def _sent(self, outcomes: list[Outcome]) -> None:
        deliver.settled(outcomes)
        # Their accounts have one less in hand.
        self.readying.wake(MORE)

    # --- the second ------------------------------------------------------------------------------

    def _ready(self, news: set[str]) -> bool:
        """Claim what can be made ready meanwhile. True when something was claimed."""
        moment = self._at_work()
        if moment is None:
            return False
        claimed = False
        if LOOK in news or time.monotonic() - self._prepared > AHEAD:
            self._prepared = time.monotonic()
            claimed |= self._prepare("words", TOGETHER, moment)
        if news & {LOOK, "upload", "urgent"}:
            claimed |= self._prepare("upload", self.uploads, moment, media=True)
            claimed |= self._prepare("urgent", 1, moment, media=True, urgent=True)
        return claimed

    def _prepare(self, wire: str, hands: int, moment: Moment, **kind: bool) -> bool:
        begun = moment.monotonic()
        free = hands - self.readying.under_way(wire)
        rows = claim.to_prepare(moment.now(), most=free, **kind) if free > 0 else []
        given = prepare.reach(rows) if rows else {}
        for row in rows:
            secret = given.get(row.account_id)
            self.readying.start(
                wire, prepare.load, row, secret, begun, moment, self._desk_for_wires
            )
        return bool(rows)

    def _readied(self, found: list[Prepared]) -> None:
        prepare.settled(found)
        self.sending.wake(LOOK)

    @contextmanager
    def _desk_for_wires(self) -> Iterator[None]:
        """A connection for a moment. Never kept while a wire waits for its own request."""
        with self._borrowed:
            try:
                yield
            finally:
                connection.close()
