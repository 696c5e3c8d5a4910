"""Many accounts at once: one desk with one database connection, and wires that hold none.

The desk is a thread that claims for all accounts together, hands each row to a wire, and settles
what comes back together. A wire is a thread that waits for one network. So the number of slow
networks that can be waited for does not depend on the number of database connections, and a claim
or an answer costs the database a fraction of a statement.

What may not happen twice is as in deliver.py: the claim is committed before a wire gets the row, a
wire makes one request, and an answer is on record before it is settled. What the desk cannot write
down because the database is away it keeps and writes down later; when the process dies with it, the
row is looked up.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

from django.db import InterfaceError, OperationalError, connection, connections

from tanggap.execution.publishing import claim, deliver, prepare
from tanggap.execution.publishing.deliver import Outcome
from tanggap.execution.publishing.moment import Moment
from tanggap.execution.publishing.prepare import Prepared

WIRES = 64
WORDS = 8
UPLOADS = 4
BORROWED = 3
"""Connections that all wires together may have open, for the few that must read something."""
PERMIT = 10.0
"""Seconds for which a tick lets the desk claim: it looks at the place and at both clocks."""
GATHER = 0.02
"""Seconds that an answer may wait for others, to be settled with them."""
AGAIN = 0.05
"""Seconds until the next look for what is due, after a look that found something."""
AHEAD = 0.2
"""Seconds between two looks for words to make ready; each account always has some in hand."""
TOGETHER = 32
"""Posts whose words are made ready at once: what is sent meanwhile waits for the desk."""
TURN = 0.0005
"""Seconds that a thread of this process keeps the others waiting. The desk asks the database dozens
of times in a round, and after each answer it would wait for the wires for Python's own 5 ms."""
LOST = (OperationalError, InterfaceError)
log = logging.getLogger(__name__)


class Senders:
    """The worker's senders. Words are made ready and films are uploaded by wires of their own, and
    one more uploads nothing but the emergency lane's, so that what takes minutes never keeps a
    warning waiting."""

    def __init__(self, wires: int = WIRES, uploads: int = UPLOADS) -> None:
        sys.setswitchinterval(TURN)
        self.wires, self.uploads = wires, uploads
        hands = {"wire": wires, "words": WORDS, "upload": uploads, "urgent": 1}
        self._pools = {
            name: ThreadPoolExecutor(most, thread_name_prefix=name) for name, most in hands.items()
        }
        self._borrowed = threading.BoundedSemaphore(BORROWED)
        self._back: SimpleQueue[Outcome | Prepared | str | None] = SimpleQueue()
        self._under_way = dict.fromkeys(hands, 0)
        self._lock = threading.Lock()
        self._desk: threading.Thread | None = None
        self._moment: Moment | None = None
        self._claims = False
        self._media = True
        self._prepared = 0.0

    # --- what a tick and a worker say ------------------------------------------------------------

    def go(self, moment: Moment) -> None:
        """Send what is due, from now until the next word."""
        with self._lock:
            self._moment, self._claims = moment, True
            if self._desk is None:
                self._desk = threading.Thread(target=self._work, name="desk", daemon=True)
                self._desk.start()
        self._back.put(None)

    def rest(self) -> None:
        """Claim nothing more. What is under way is brought to its end."""
        self._claims = False

    def wait(self) -> None:
        """Until nothing is due and nothing is under way."""
        desk = self._desk
        if desk is not None:
            desk.join()

    def close(self) -> None:
        """The worker ends: what is on its way is brought to its end, a deadline of seconds."""
        self.rest()
        self._back.put(None)
        self.wait()
        for pool in self._pools.values():
            pool.shutdown(wait=True)

    # --- the desk --------------------------------------------------------------------------------

    def _work(self) -> None:
        kept: list[Outcome | Prepared] = []
        busy = False
        try:
            while True:
                kept += self._gather(AGAIN if busy else 0.5)
                try:
                    # First what lets the next post of an account go.
                    self._settle(kept, Outcome, deliver.settled)
                    busy = self._claim()
                    self._settle(kept, Prepared, prepare.settled)
                    busy |= self._make_ready()
                except LOST as error:
                    log.warning("The database is away (%s); answers are kept.", error)
                    connection.close()
                    busy = False
                    time.sleep(GATHER)
                if not busy and not kept and not any(self._under_way.values()):
                    with self._lock:
                        if self._back.empty():
                            self._desk = None
                            return
        except Exception:
            log.exception("The desk stopped; its rows are found again when their leases run out.")
            with self._lock:
                self._desk = None
        finally:
            connection.close()

    def _gather(self, patience: float) -> list[Outcome | Prepared]:
        """What has come back: the first within `patience`, others that come right after it."""
        found: list[Outcome | Prepared] = []
        until = time.monotonic() + patience
        while True:
            try:
                one = self._back.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                return found
            if one is None:
                # A word from outside: look at once, for what must be uploaded too.
                until, self._media = time.monotonic(), True
                continue
            if isinstance(one, str):
                self._under_way[one] -= 1
                self._media |= one in ("upload", "urgent")
                if not any(self._under_way.values()):
                    until, self._prepared = time.monotonic(), 0.0
                continue
            if not found:
                until = time.monotonic() + GATHER
            found.append(one)

    def _settle(self, kept: list[Any], kind: type, settled: Callable[[list[Any]], None]) -> None:
        """Takes those of a kind out of `kept` when they are settled. Raises when the database is
        away."""
        group = [one for one in kept if isinstance(one, kind)]
        if not group:
            return
        try:
            settled(group)
        except LOST:
            raise
        except Exception:
            log.exception("Answers could not be settled together.")
            self._one_by_one(group, settled)
        kept[:] = [one for one in kept if not isinstance(one, kind)]

    def _one_by_one(self, group: list[Any], settled: Callable[[list[Any]], None]) -> None:
        for one in group:
            try:
                settled([one])
            except LOST:
                raise
            except Exception:
                log.exception("Delivery %s: its row is found again by its lease.", one.row.pk)

    def _at_work(self) -> Moment | None:
        """The moment, while a tick's word to claim stands."""
        moment = self._moment
        if moment is None or not self._claims:
            return None
        return moment if moment.monotonic() - moment.begun <= PERMIT else None

    def _claim(self) -> bool:
        """Claim for every free wire. True when something was claimed."""
        moment = self._at_work()
        if moment is None:
            return False
        # Before the claim: what follows is measured from here.
        begun = moment.monotonic()
        free = self.wires - self._under_way["wire"]
        rows = claim.to_send(moment.now(), most=free) if free else []
        for shot in deliver.aim(rows, begun, moment) if rows else ():
            self._start("wire", deliver.fire, shot, moment, self._desk_for_wires)
        return bool(rows)

    def _make_ready(self) -> bool:
        """Claim what can be made ready meanwhile. True when something was claimed."""
        moment = self._at_work()
        if moment is None:
            return False
        claimed = False
        if self._media or time.monotonic() - self._prepared > AHEAD:
            self._prepared = time.monotonic()
            claimed |= self._prepare("words", TOGETHER, moment)
        if self._media:
            self._media = False
            claimed |= self._prepare("upload", self.uploads, moment, media=True)
            claimed |= self._prepare("urgent", 1, moment, media=True, urgent=True)
        return claimed

    def _prepare(self, wire: str, hands: int, moment: Moment, **kind: bool) -> bool:
        begun = moment.monotonic()
        free = hands - self._under_way[wire]
        rows = claim.to_prepare(moment.now(), most=free, **kind) if free else []
        given = prepare.reach(rows) if rows else {}
        for row in rows:
            secret = given.get(row.account_id)
            self._start(wire, prepare.load, row, secret, begun, moment, self._desk_for_wires)
        return bool(rows)

    # --- the wires -------------------------------------------------------------------------------

    def _start(self, wire: str, work: Callable[..., Any], *args: Any) -> None:
        self._under_way[wire] += 1
        self._pools[wire].submit(self._on_wire, wire, work, *args)

    def _on_wire(self, wire: str, work: Callable[..., Any], *args: Any) -> None:
        try:
            self._back.put(work(*args))
        except Exception:
            log.exception("A wire broke; its row is found again when its lease has run out.")
        finally:
            for one in connections.all(initialized_only=True):
                one.close()
            self._back.put(wire)

    @contextmanager
    def _desk_for_wires(self) -> Iterator[None]:
        """A connection for a moment. Never kept while a wire waits for its own request."""
        with self._borrowed:
            try:
                yield
            finally:
                connection.close()
