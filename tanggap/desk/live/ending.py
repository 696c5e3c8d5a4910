"""Streams end before their process does.

A web server that is asked to end waits for what is under way, and a stream is always under way. So
the process that holds the servers tells them of it first, by a signal of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

from tanggap.desk.live import hub

ASK = signal.SIGUSR1


def listen() -> None:
    """In a process that answers requests: end its streams when told to."""
    if threading.current_thread() is threading.main_thread():
        # In a thread: the loop that is interrupted may hold the lock just now.
        signal.signal(ASK, lambda *_: threading.Thread(target=hub.close).start())


def tell_first() -> None:
    """In the process that started them, once the server's own handlers stand."""
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, _both(signal.getsignal(asked)))


def _both(then: Any) -> Any:
    def told(number: int, frame: FrameType | None) -> None:
        for child in multiprocessing.active_children():
            with suppress(ProcessLookupError):
                if child.pid:
                    os.kill(child.pid, ASK)
        then(number, frame)

    return told
