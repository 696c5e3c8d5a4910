"""How fast is a queue worked off that is due all at once?

    ./run bench burst --posts 10000 --accounts 50 --latency-ms 300 --json

A worker of the product, or several, each a process, against a server that answers each post after
the latency. No account may have two posts in flight, so nothing can be faster than the largest over
accounts of max(posts × latency, what the network's limits allow).
"""

from __future__ import annotations

import argparse
import cProfile
import json
import math
import os
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

import sending  # noqa: E402

from tests.fakes.mastodon_faults import WINDOW, Clock, FaultServer  # noqa: E402

LIMIT = 300
"""Posts that an account may make in five minutes: the network's own documented limit."""
PEER = "a Django peer on the same protocol: 40 posts a minute"


def main(asked: list[str] | None = None) -> int:
    arguments = argparse.ArgumentParser(prog="./run bench burst")
    arguments.add_argument("--posts", type=int, default=10_000)
    arguments.add_argument("--accounts", type=int, default=50)
    arguments.add_argument("--latency-ms", type=int, default=300)
    arguments.add_argument("--limit", type=int, default=LIMIT, help="posts in five minutes")
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--workers", type=int, default=1, help="processes that send")
    arguments.add_argument("--profile", default="", help="write a profile of each desk here")
    given = arguments.parse_args(asked)
    with sending.installation() as home:
        found = measure(given, home)
    if given.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:22} {value}")
    return 0 if not found["duplicates"] and not found["lost"] else 1


def measure(given: argparse.Namespace, home: Path) -> dict[str, Any]:
    from django.db import connection

    from tanggap.execution.publishing.models import Delivery

    clock = Clock(sending.start_of_time())
    latency = given.latency_ms / 1000
    server = FaultServer(
        accounts=given.accounts,
        clock=clock,
        log=home / "server.jsonl",
        latency=latency,
        limit=given.limit,
    )
    server.start()
    try:
        office = sending.Office(server.url, server.port, given.accounts, clock.now())
        wanted = [
            (number % given.accounts, [f"Kabar nomor {number} untuk warga Lumbung."])
            for number in range(given.posts)
        ]
        office.queue(office.messages(wanted))
        due = clock.now()
        Delivery.objects.update(due_at=due)
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE NONE")
            cursor.execute("VACUUM ANALYZE")
        connection.close()
        load = sending.machine()
        watch = _Connections(office)
        workers = [_worker(clock, given.profile) for _ in range(given.workers)]
        watch.start()
        begun = time.monotonic()
        while Delivery.objects.exclude(state__in=["published", "late", "failed"]).exists():
            connection.close()
            if time.monotonic() - begun > 60 + 20 * bound(given, latency):
                break
            time.sleep(2 if given.posts > 2000 else 0.2)
        cpu = _ended(workers)
        most = watch.end()
        states = Counter(Delivery.objects.values_list("state", flat=True))
        connection.close()
    finally:
        server.stop()
    posted = [one for one in server.events() if one["kind"] == "post"]
    late = sorted((clock.at + timedelta(seconds=one["at"]) - due).total_seconds() for one in posted)
    copies = Counter(one["text"] for one in posted)
    lower = bound(given, latency)
    return {
        "posts": len(copies),
        "posts_per_second": round(len(posted) / late[-1], 1),
        "lateness_p50_s": round(_part(late, 0.5), 2),
        "lateness_p95_s": round(_part(late, 0.95), 2),
        "lateness_max_s": round(late[-1], 2),
        "lower_bound_s": round(lower, 2),
        "times_the_bound": round(late[-1] / lower, 3),
        "duplicates": sum(copies.values()) - len(copies),
        "lost": given.posts - len(copies),
        "states": dict(states),
        "database_connections": most,
        "workers_cpu_s": cpu,
        "peer": PEER,
        "machine": load,
    }


def _worker(clock: Clock, profile: str) -> int:
    """A process that sends, until it is told to end. Its id."""
    from django.db import connection

    from tanggap.execution.publishing import deliver
    from tanggap.execution.publishing.senders import Senders

    connection.close()
    pid = os.fork()
    if pid:
        return pid
    try:
        over = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: over.set())
        senders = Senders()
        if profile:
            _profiled(senders, f"{profile}.{os.getpid()}")
        while not over.is_set():
            deliver.tick(clock.now(), senders=senders)
            connection.close()
            over.wait(2)
        senders.close()
    except Exception:
        traceback.print_exc()
    finally:
        # Never on into the parent's work.
        os._exit(0)


def _ended(workers: list[int]) -> list[float]:
    """Seconds of processor time that each worker needed."""
    found = []
    for pid in workers:
        os.kill(pid, signal.SIGTERM)
        _pid, _status, used = os.wait4(pid, 0)
        found.append(round(used.ru_utime + used.ru_stime, 1))
    return found


def _profiled(senders: Any, path: str) -> None:
    work = senders.sending._work

    def profiled() -> None:
        profile = cProfile.Profile(time.thread_time)
        profile.runcall(work)
        profile.dump_stats(path)

    senders.sending._work = profiled


def bound(given: argparse.Namespace, latency: float) -> float:
    """Seconds before which nobody can be done. Account 0 has the most posts."""
    posts = math.ceil(given.posts / given.accounts)
    windows = (posts - 1) // given.limit if given.limit else 0
    rest = posts - windows * given.limit
    return max(posts * latency, windows * WINDOW + rest * latency)


def _part(rows: list[float], share: float) -> float:
    return rows[min(len(rows) - 1, int(len(rows) * share))]


class _Connections(threading.Thread):
    """Counts the database's connections while the worker works, less its own."""

    def __init__(self, office: Any) -> None:
        super().__init__(daemon=True)
        self.most, self.over = 0, threading.Event()

    def run(self) -> None:
        from django.db import connection

        while not self.over.wait(0.5):
            with connection.cursor() as cursor:
                # The worker's role does not see what other sessions are.
                cursor.execute("SET ROLE NONE")
                cursor.execute(
                    "SELECT count(*) - 1 FROM pg_stat_activity"
                    " WHERE datname = current_database() AND backend_type = 'client backend'"
                )
                self.most = max(self.most, cursor.fetchone()[0])
        connection.close()

    def end(self) -> int:
        self.over.set()
        self.join()
        return self.most


if __name__ == "__main__":
    raise SystemExit(main())
