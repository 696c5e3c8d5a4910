"""A desk: a thread with one database connection, and wires that hold none.

The desk settles together what its wires bring back, then looks for what they can do next. A wire is
a thread that waits for one network. So the number of slow networks that can be waited for does not
depend on the number of database connections, and an answer costs the database a part of a
statement.

What a desk cannot write down because the database is away it keeps and writes down later; when the
process dies with it, the row is found again by its lease. A desk goes home when there is nothing
left to do; whoever has something for it wakes it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any

from django.db import InterfaceError, OperationalError, connection, connections

AGAIN = 0.05
"""Seconds until the next look for what is due, after a look that found something."""
LINGER = 0.5
"""Seconds that a desk waits for more before it goes home and its connection is closed."""
LOST = (OperationalError, InterfaceError)
LOOK, MORE = "look", "more"
"""Words to a desk: look at once; stay, there is more to come."""
Look = Callable[[set[str]], bool]
Settled = Callable[[list[Any]], None]
log = logging.getLogger(__name__)


class Desk:
    """`hands`: the kinds of wires, and how many of each. `settled` writes down what came back;
    `look` starts what is due and says whether there was something. It is told the words and the
    wires that have come since the last look. `gather`: seconds that one answer may wait for others,
    to be settled with them."""

    def __init__(
        self, name: str, hands: Mapping[str, int], settled: Settled, look: Look, *, gather: float
    ) -> None:
        self.name = name
        self._settled, self._look, self._patience = settled, look, gather
        self._pools = {
            wire: ThreadPoolExecutor(most, thread_name_prefix=wire) for wire, most in hands.items()
        }
        self._under_way = dict.fromkeys(hands, 0)
        # What a wire brings; its name when it is free again; or a word.
        self._back: SimpleQueue[Any] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self, word: str = LOOK) -> None:
        """Have it at work, with this word."""
        with self._lock:
            self._back.put(word)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self.name, daemon=True)
                self._thread.start()

    def wait(self) -> bool:
        """Until it has gone home. False when it was not there."""
        thread = self._thread
        if thread is not None:
            thread.join()
        return thread is not None

    def close(self) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=True)

    def under_way(self, wire: str) -> int:
        """How many of these wires are at work."""
        return self._under_way[wire]

    def start(self, wire: str, work: Callable[..., Any], *args: Any) -> None:
        """Give `work` to a wire. What it returns is settled here."""
        self._under_way[wire] += 1
        self._pools[wire].submit(self._on_wire, wire, work, *args)

    # --- the thread ------------------------------------------------------------------------------

    def _work(self) -> None:
        kept: list[Any] = []
        busy = True
        try:
            while True:
                found, news = self._gather(AGAIN if busy else LINGER)
                kept += found
                if busy or kept or news or any(self._under_way.values()):
                    busy = self._round(kept, news)
                    continue
                with self._lock:
                    if self._back.empty():
                        self._thread = None
                        return
        except Exception:
            log.exception("The desk stopped; its rows are found again when their leases run out.")
            with self._lock:
                self._thread = None
        finally:
            connection.close()

    def _round(self, kept: list[Any], news: set[str]) -> bool:
        """Settle, then look. True when there was something."""
        try:
            # First what lets the next post of an account go.
            self._settle(kept)
            return self._look(news)
        except LOST as error:
            log.warning("The database is away (%s); answers are kept.", error)
            connection.close()
            time.sleep(AGAIN)
            return False

    def _gather(self, patience: float) -> tuple[list[Any], set[str]]:
        """What has come back: the first within `patience`, others that come right after it; and
        the words and wires that came with them."""
        found: list[Any] = []
        news: set[str] = set()
        until = time.monotonic() + patience
        while True:
            try:
                one = self._back.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                return found, news
            if not isinstance(one, str):
                if not found:
                    until = min(until, time.monotonic() + self._patience)
                found.append(one)
                continue
            news.add(one)
            if one in self._under_way:
                self._under_way[one] -= 1
            if one == LOOK or not any(self._under_way.values()):
                until = time.monotonic()

    def _settle(self, kept: list[Any]) -> None:
        """Empties `kept`. Raises when the database is away."""
        if not kept:
            return
        try:
            self._settled(kept)
        except LOST:
            raise
        except Exception:
            log.exception("Answers could not be settled together.")
            self._one_by_one(kept)
        kept.clear()

    def _one_by_one(self, group: list[Any]) -> None:
        for one in group:
            try:
                self._settled([one])
            except LOST:
                raise
            except Exception:
                log.exception("Delivery %s: its row is found again by its lease.", one.row.pk)

    # --- the wires -------------------------------------------------------------------------------

    def _on_wire(self, wire: str, work: Callable[..., Any], *args: Any) -> None:
        try:
            self._back.put(work(*args))
        except Exception:
            log.exception("A wire broke; its row is found again when its lease has run out.")
        finally:
            for one in connections.all(initialized_only=True):
                one.close()
            self._back.put(wire)
