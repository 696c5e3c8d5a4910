"""A worker beside the pages: `tanggap serve` alone brings up the whole system on one machine.

The worker is a process of its own, so that a long tick never keeps a page waiting. It ends when its
standard input closes, which the kernel does even when the one that started it is killed.

The server makes its own processes by fork. One made just while the worker is being started would
hold the pipe on which we wait to hear that it has, and one made later the worker's input: so forks
wait for a start that is under way, and what they make lets go of that input.
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

_starting = threading.Lock()
_started: list[subprocess.Popen[bytes]] = []


@contextmanager
def worker(command: tuple[str, ...] = COMMAND) -> Iterator[None]:
    """Keep a worker running for the length of the block."""
    ending = threading.Event()

    def keep() -> None:
        while True:
            with _starting:
                if ending.is_set():
                    return
                process = subprocess.Popen(command, stdin=subprocess.PIPE)
                _started[:] = [process]
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
        with _starting:
            ending.set()
            _let_go()
        keeper.join(PATIENCE_S)
        for process in _started:
            if process.poll() is None:
                process.kill()
        _started.clear()


def _let_go() -> None:
    for process in _started:
        if process.stdin is not None:
            process.stdin.close()


def _forked() -> None:
    _starting.release()
    _let_go()


os.register_at_fork(
    before=_starting.acquire, after_in_parent=_starting.release, after_in_child=_forked
)


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
