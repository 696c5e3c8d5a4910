"""The worker beside the pages, while the server makes processes of its own."""

from __future__ import annotations

import os
import signal
import time

from tanggap import beside


def sleeper() -> int:
    """A process as the web server makes them: by fork, and still there when everything ends."""
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    return pid


def test_a_fork_at_any_moment_keeps_no_worker_from_ending(monkeypatch):
    monkeypatch.setattr(beside, "PATIENCE_S", 20.0)
    forks = []
    try:
        for _ in range(20):
            began = time.monotonic()
            # It ends when its input does, as the worker.
            with beside.worker(("/bin/cat",)):
                forks.append(sleeper())
                time.sleep(0.02)
            assert time.monotonic() - began < 15, "a fork held the worker or its start"
    finally:
        for pid in forks:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
