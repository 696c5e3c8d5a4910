"""The whole background life of Tanggap: one table of (function, every so many seconds).

Rows are the truth and the queue only wakes: each function looks for what is due, so that a lost
wake-up loses nothing. Every function takes `now` alone. Before it runs it claims an advisory lock
by its name, so that two workers never run the same one at once.

Sending and listening are the exceptions to "a function does its work and returns": in a worker
process they only see that their threads are at work, so that a slow network never keeps the table
waiting. Run once, they do everything that is due in this thread and return when that is done.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import cast

from django.db import DatabaseError, close_old_connections, connection
from django.utils.module_loading import import_string
from procrastinate import App
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from tanggap.core import clock
from tanggap.execution.inbox import arrivals, listen
from tanggap.execution.publishing import confirm, deliver, senders
from tanggap.health import beat

log = logging.getLogger(__name__)

# Seconds divide a minute, minutes an hour, hours a day: see `cron`. Run once, they run in this
# order: what goes out, what became of it, what comes in, what is owed, and last what seals it.
TICKS: tuple[tuple[str, int], ...] = (
    ("tanggap.worker.send", 2),
    ("tanggap.worker.look_up", 5),
    ("tanggap.execution.publishing.remove.tick", 5),
    ("tanggap.execution.publishing.sweep.tick", 10),
    ("tanggap.execution.inbox.arrivals.tick", 2),
    ("tanggap.worker.hear", 10),
    ("tanggap.execution.inbox.reply.tick", 5),
    ("tanggap.execution.inbox.claims.tick", 30),
    ("tanggap.execution.followup.clocks.tick", 30),
    ("tanggap.execution.followup.announce.tick", 5),
    ("tanggap.execution.followup.guesses.forget", 600),
    ("tanggap.execution.followup.hubs.tick", 30),
    ("tanggap.execution.inbox.subscribe.tick", 60),
    ("tanggap.monitoring.collect.tick", 60),
    ("tanggap.execution.publishing.foresee.tick", 60),
    ("tanggap.accounts.verify.tick", 60),
    ("tanggap.archive.seal.seal", 2),
    ("tanggap.worker.tidy", 3600),
)

LOOKERS = 4
"""Networks that are read at once when posts are looked up."""
# The sending threads of this process; None until `run` starts them.
_senders: senders.Senders | None = None
# The listening threads, likewise.
_ears: listen.Ears | None = None


def tick(name: str, now: datetime) -> bool:
    """Run one function unless another worker is at it. True when it ran."""
    key = int.from_bytes(hashlib.sha256(f"tick:{name}".encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        if not cursor.fetchone()[0]:
            return False
    begun, every = time.monotonic(), dict(TICKS).get(name, 0)
    try:
        import_string(name)(now=now)
    except Exception as error:
        if not connection.in_atomic_block:
            with suppress(DatabaseError):
                beat.failed(name, every, error, now=now)
        raise
    else:
        beat.done(name, every, took_ms=int((time.monotonic() - begun) * 1000), now=now)
    finally:
        # A connection that broke has let go of its locks.
        if connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
    return True


def run_once(now: datetime) -> None:
    """Run every function once, in the order of the table; the first error is raised."""
    for name, _every in TICKS:
        tick(name, now)


def send(now: datetime) -> None:
    """Send what is due: by this process's threads when it has any, else here and now."""
    deliver.tick(now, senders=_senders)


def look_up(now: datetime) -> None:
    """Look up what may be out: several networks at once in a worker process, else one by one."""
    confirm.tick(now, lookers=LOOKERS if _senders is not None else 1)


def hear(now: datetime) -> None:
    """Listen to the accounts that are due: by this process's threads when it has any, else here."""
    listen.tick(now, ears=_ears)


def tidy(now: datetime) -> None:
    """Forget which wake-ups were given more than an hour ago, and which bodies came long ago."""
    arrivals.tidy(now)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM procrastinate_periodic_defers"
            " WHERE defer_timestamp < extract(epoch FROM now()) - 3600"
        )


def cron(seconds: int) -> str:
    """The period as cron writes it, with seconds in the sixth place.

    >>> cron(2), cron(60), cron(900), cron(3600), cron(86400)
    ('* * * * * */2', '* * * * *', '*/15 * * * *', '0 * * * *', '0 0 * * *')
    """
    if seconds < 60 and 60 % seconds == 0:
        return f"* * * * * */{seconds}"
    minutes, rest = divmod(seconds, 60)
    if minutes and not rest:
        if minutes < 60 and 60 % minutes == 0:
            return "* * * * *" if minutes == 1 else f"*/{minutes} * * * *"
        hours, rest = divmod(minutes, 60)
        if not rest and hours <= 24 and 24 % hours == 0:
            return {1: "0 * * * *", 24: "0 0 * * *"}.get(hours, f"0 */{hours} * * *")
    raise ValueError(f"{seconds} seconds do not divide a minute, an hour or a day.")


def run() -> None:
    """Wake the functions of the table until the process is told to end."""
    global _senders, _ears
    for name, every in TICKS:
        import_string(name)
        task = app.task(name=name, queue="ticks", queueing_lock=name)(_job(name))
        app.periodic(cron=cron(every))(task)
    connector = cast(DjangoConnector, app.connector).get_worker_connector()
    # The queue's own handlers end it politely and then give the signal back. Being asked twice, as
    # by a service manager and by `serve` at once, must not cut short what is on its way.
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, signal.SIG_IGN)
    beat.forget_others(name for name, _every in TICKS)
    _senders, _ears = senders.Senders(), listen.Ears()
    try:
        with app.replace_connector(connector) as running:
            asyncio.run(_work(running))
    finally:
        # What is on its way to the network is brought to its end: a deadline of seconds.
        _ears.close()
        _senders.close()
        _senders = _ears = None


async def _work(running: App) -> None:
    """One thread a function: five that wait for a network must not keep the sealer waiting."""
    threads = ThreadPoolExecutor(len(TICKS), thread_name_prefix="tick")
    asyncio.get_running_loop().set_default_executor(threads)
    async with running.open_async():
        await running.run_worker_async(
            queues=["ticks"], concurrency=len(TICKS), delete_jobs="always"
        )


def _job(name: str) -> Callable[[int], None]:
    def job(timestamp: int) -> None:
        close_old_connections()
        try:
            tick(name, clock.now())
        except Exception:
            # The next tick finds the same rows again.
            log.exception("The tick %s failed.", name)
        finally:
            close_old_connections()

    return job
