"""A worker in a process of its own that kills itself at a named moment, as the machine would.

python -m tests.publishing.victim MOMENT PORT NOW
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from typing import Any

import django

django.setup()

from tanggap.channels.mastodon.channel import Mastodon  # noqa: E402
from tanggap.core import http  # noqa: E402
from tanggap.execution.publishing import deliver, settle  # noqa: E402


def die(*args: Any, **kwargs: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def after(function: Any) -> Any:
    def done(*args: Any, **kwargs: Any) -> None:
        function(*args, **kwargs)
        die()

    return done


def main(moment: str, port: str, now: str) -> None:
    http.configure(private_hosts=[f"127.0.0.1:{port}"])
    if moment == "prepare":
        Mastodon.prepare = die  # type: ignore[method-assign,assignment]
    elif moment == "claimed":
        deliver.stopped = die  # type: ignore[assignment]
    elif moment == "before_write":
        Mastodon.publish = die  # type: ignore[method-assign,assignment]
    elif moment == "after_write":
        Mastodon.publish = after(Mastodon.publish)  # type: ignore[method-assign]
    elif moment == "attempted":
        settle.published = die  # type: ignore[assignment]
    deliver.tick(datetime.fromisoformat(now))


if __name__ == "__main__":
    main(*sys.argv[1:])
