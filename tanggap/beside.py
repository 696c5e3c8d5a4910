"""A worker beside the pages: `tanggap serve` alone brings up the whole system on one machine.

The worker is a process of its own, so that a long tick never keeps a page waiting. It ends when its
standard input closes, which the kernel does even when the one that started it is killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PAUSE_S = 5.0
"""Between the unexpected end of the worker and its next start."""
PATIENCE_S = 60.0
"""For what is on its way to a network when everything ends."""
COMMAND = (sys.executable, "-m", "tanggap", "worker", "--beside")


@contextmanager
def worker(command: tuple[str, ...] = COMMAND) -> Iterator[None]:
    """Keep a worker running for the length of the block."""
    ending = threading.Event()
    holder: list[subprocess.Popen[bytes]] = []

    def keep() -> None:
        while not ending.is_set():
            process = subprocess.Popen(command, stdin=subprocess.PIPE)
            holder[:] = [process]
            status = process.wait()
            if not ending.is_set():
                print(
                    f"The worker ended (status {status}) and starts again in {PAUSE_S:.0f} s.",
                    file=sys.stderr,
                    flush=True,
                )
                ending.wait(PAUSE_S)

    keeper = threading.Thread(target=keep, name="worker", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ending.set()
        for process in holder:
            if process.stdin is not None:
                process.stdin.close()
        keeper.join(PATIENCE_S)
        for process in holder:
            if process.poll() is None:
                process.kill()


def end_with_starter() -> None:
    """Ask this process to end politely as soon as whoever started it lets go of our input."""
    threading.Thread(target=_wait_for_end, name="starter", daemon=True).start()


def _wait_for_end() -> None:
    while os.read(0, 4096):
        pass
    # The loop that handles the signal may not stand yet.
    while True:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(PAUSE_S)
