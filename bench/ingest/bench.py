"""Bodies through the real door of the real server, while workers are killed. See bench/README.md.

    ./run bench ingest --events 50000 --duplicates 0.2 --reorder --kill --json

`events` different bodies are sent, and a share of them once more, as networks do: signed, on kept
connections, each at its own instant, whether the one before was answered or not.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path[:0] = [str(Path(__file__).parents[1] / "inbox"), str(Path(__file__).parents[2])]
import place  # noqa: E402

SECRET, TOPIC = "rahasia-bangku-uji", "https://situs.example/umpan"
PASSWORD = "bangku-uji-saja"  # noqa: S105 (of nobody real)
WORDS = (
    "Jalan Melati berlubang sejak bulan lalu, kapan diperbaiki?",
    "Lampu jalan di depan pasar mati sudah tiga malam.",
    "Terima kasih, antrean loket sekarang lebih cepat.",
    "Apakah puskesmas buka hari Sabtu?",
    "Sampah di dekat sekolah belum diangkut dua minggu.",
    "Air PDAM keruh di perumahan kami.",
    "Bagaimana cara mengurus akta kelahiran?",
    "Banjir lagi di gang sebelah, tolong dicek salurannya.",
)
BAD = 0.01
"""Share of bodies that are genuine and cannot be read: they go to quarantine."""
DRAIN_S = 900.0
CONNECTIONS = 32


@dataclass
class Sender:
    """What was sent, and how long each answer took from the instant at which it was due."""

    took: list[float] = field(default_factory=list)
    answers: dict[int, int] = field(default_factory=dict)
    again: int = 0
    late: float = 0.0


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./run bench ingest", description=__doc__)
    parser.add_argument("--events", type=int, default=50_000, help="different bodies")
    parser.add_argument("--duplicates", type=float, default=0.2, help="share that comes twice")
    parser.add_argument("--reorder", action="store_true", help="out of the order of their dates")
    parser.add_argument("--kill", action="store_true", help="SIGKILL the worker again and again")
    parser.add_argument(
        "--life", type=float, default=8.0, help="seconds that a worker lives at least, with --kill"
    )
    parser.add_argument("--rate", type=float, default=200.0, help="bodies a second")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--database", default="", help="an empty, migrated database (tests)")
    arguments = parser.parse_args(argv)
    with place.place(arguments.database) as url:
        found = run(url, arguments)
    print(json.dumps(found) if arguments.json else json.dumps(found, indent=1))
    right = found["stored"] == found["sent"] == found["shown"] + found["quarantined"]
    return 0 if right and not found["duplicates_stored"] else 1


def run(url: str, arguments: argparse.Namespace) -> dict[str, Any]:
    rng = random.Random(arguments.seed)
    token = office()
    bodies = [body(n, rng) for n in range(arguments.events)]
    order = plan(arguments, rng)
    kills: list[float] = []
    with place.server(plain=bool(arguments.database), pages=False) as address, Bare(url) as bare:
        place_of = urlsplit(address)
        path = f"/pintu/website/{token}"
        with worker(arguments, rng, kills) as alive:
            begun = time.monotonic()
            sent = asyncio.run(send(place_of.port or 80, path, bodies, order, arguments.rate))
            sending = time.monotonic() - begun
            bare.end()
            alive.stop_killing()
            drained = drain(url)
    return figures(url, arguments, sent, bare, order, kills, sending, drained)


# --- the office ----------------------------------------------------------------------------------


def office() -> str:
    """An agency with a website that is connected and whose hub was answered: the door's token."""
    from tanggap.accounts import connect, registry
    from tanggap.archive.move import move
    from tanggap.core.models import Person
    from tanggap.execution.inbox import door
    from tanggap.execution.inbox.models import Door
    from tanggap.office import admin

    now = datetime.now(UTC)
    agency, lead, _path = admin.create(
        email="bangku@uji.test",
        name="Bangku Uji",
        agency_name="Pemerintah Kabupaten Uji",
        decree_number="SK/1/2026",
        password=PASSWORD,
        now=now,
    )
    other = Person.objects.create_user(email="dua@uji.test", name="Dua", password=PASSWORD)
    account = registry.register(
        agency,
        channel="website",
        server="https://situs.example",
        kind="institution",
        handle="situs.example",
        display_name="Situs",
        owner_unit=agency,
        custodians=[lead, other],
        decree_number="SK/2/2026",
        recovery_contact="pos@uji.test",
        by=lead,
        now=now,
    )
    connect.keep(account, {"feed": TOPIC}, by=lead, now=now)
    move(account, "connected", by=lead, now=now)
    row, kept = door.open_door(account, {"secret": SECRET, "topic": TOPIC}, by=lead, now=now)
    Door.objects.filter(pk=row.pk).update(lease_until=now + timedelta(days=10))
    return kept["token"]


# --- what is sent --------------------------------------------------------------------------------


def body(number: int, rng: random.Random) -> bytes:
    """One signed body with one entry, of a kind that a hub sends; some cannot be read."""
    at = datetime(2026, 11, 20, tzinfo=UTC) + timedelta(seconds=number)
    page = rng.randrange(400)
    entry: dict[str, Any] = {
        "id": f"https://situs.example/halaman-{page}#k{number}",
        "url": f"https://situs.example/halaman-{page}#k{number}",
        "content_text": f"{rng.choice(WORDS)} ({number})",
        "date_published": at.isoformat(),
        "authors": [{"name": f"Warga {rng.randrange(5000)}"}],
    }
    if rng.random() < BAD:
        del entry["id"]
    made = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Komentar",
        "feed_url": TOPIC,
        "items": [entry],
    }
    return json.dumps(made).encode()


def plan(arguments: argparse.Namespace, rng: random.Random) -> list[int]:
    """Which body goes when: each once, a share twice, the second time up to a minute later."""
    first = [float(n) for n in range(arguments.events)]
    if arguments.reorder:
        first = [n + rng.uniform(0, 400) for n in first]
    twice = rng.sample(range(arguments.events), int(arguments.events * arguments.duplicates))
    slots = list(enumerate(first)) + [(n, first[n] + rng.uniform(0, 12_000)) for n in twice]
    return [n for n, _when in sorted(slots, key=lambda slot: slot[1])]


async def send(port: int, path: str, bodies: list[bytes], order: list[int], rate: float) -> Sender:
    """Each at its instant. A body that was not answered with 202 is sent again, as a hub does."""
    sent = Sender()
    free: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
    for _ in range(CONNECTIONS):
        free.put_nowait(None)

    async def one(number: int, due: float) -> None:
        raw = bodies[number]
        digest = hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/feed+json\r\n"
            f"X-Hub-Signature: sha256={digest}\r\nContent-Length: {len(raw)}\r\n\r\n"
        ).encode()
        while True:
            wire = await free.get()
            try:
                wire = wire or await asyncio.open_connection("127.0.0.1", port)
                status = await exchange(wire, head + raw)
            except (OSError, asyncio.IncompleteReadError, ValueError):
                wire, status = None, 0
            free.put_nowait(wire)
            sent.answers[status] = sent.answers.get(status, 0) + 1
            if status == 202:
                sent.took.append(time.perf_counter() - due)
                return
            sent.again += 1
            await asyncio.sleep(0.2)

    begun = time.perf_counter() + 0.2
    under_way: set[asyncio.Task[None]] = set()
    for place_in_line, number in enumerate(order):
        due = begun + place_in_line / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        sent.late = max(sent.late, time.perf_counter() - due)
        task = asyncio.create_task(one(number, due))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    if under_way:
        await asyncio.wait(under_way)
    return sent


async def exchange(wire: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes) -> int:
    """One request on a kept connection: the answer's status."""
    reader, writer = wire
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    size = next((int(x[15:]) for x in lines if x.lower().startswith("content-length:")), 0)
    if size:
        await reader.readexactly(size)
    return int(lines[0].split()[1])


# --- who works and who kills ---------------------------------------------------------------------


class Killing:
    def __init__(self) -> None:
        self.end = threading.Event()

    def stop_killing(self) -> None:
        """From now on the worker that runs may live; one that never saw a kill sees one first."""
        self.end.set()


@contextmanager
def worker(
    arguments: argparse.Namespace, rng: random.Random, kills: list[float]
) -> Iterator[Killing]:
    """`tanggap worker`, started anew whenever it was killed."""
    killing, done = Killing(), threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "tanggap", "worker"],
                env=place.real(),
                stdout=subprocess.DEVNULL,
            )
        )

    def reap() -> None:
        while not done.is_set():
            life = rng.uniform(arguments.life, 3 * arguments.life)
            # Once at least, however short the sending was.
            if killing.end.wait(life) and kills:
                return
            running[-1].send_signal(signal.SIGKILL)
            running[-1].wait()
            kills.append(time.monotonic())
            start()

    start()
    reaper = threading.Thread(target=reap, daemon=True)
    if arguments.kill:
        reaper.start()
    try:
        yield killing
    finally:
        done.set()
        killing.end.set()
        if arguments.kill:
            reaper.join()
        running[-1].kill()
        running[-1].wait()


def drain(url: str) -> float:
    """Until nothing waits any more: seconds."""
    begun = time.monotonic()
    with place.owner(url) as opened:
        while time.monotonic() - begun < DRAIN_S:
            row = opened.execute("SELECT count(*) FROM inbox_arrival WHERE worked_at IS NULL")
            if (row.fetchone() or (0,))[0] == 0:
                break
            time.sleep(0.25)
    return time.monotonic() - begun


class Bare:
    """One row like a body, inserted and committed by itself, ten times a second meanwhile: what
    keeping anything at all costs on this disk while the machine is as busy as it is."""

    def __init__(self, url: str) -> None:
        self.url, self.took, self._end = url, list[float](), threading.Event()

    def __enter__(self) -> Bare:
        with place.owner(self.url) as opened:
            opened.execute("CREATE TABLE bench_bare (id bigserial, digest bytea, sealed bytea)")
            opened.execute("CREATE UNIQUE INDEX ON bench_bare (digest)")
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def _run(self) -> None:
        sealed = b"x" * 500
        with place.owner(self.url) as opened:
            number = 0
            while not self._end.wait(0.1):
                number += 1
                begun = time.perf_counter()
                opened.execute(
                    "INSERT INTO bench_bare (digest, sealed) VALUES (%s, %s)",
                    [hashlib.sha256(str(number).encode()).digest(), sealed],
                )
                self.took.append(time.perf_counter() - begun)

    def end(self) -> None:
        self._end.set()
        self.thread.join()

    def __exit__(self, *args: object) -> None:
        self.end()
        with place.owner(self.url) as opened:
            opened.execute("DROP TABLE bench_bare")


# --- what it came to -----------------------------------------------------------------------------


def figures(
    url: str,
    arguments: argparse.Namespace,
    sent: Sender,
    bare: Bare,
    order: list[int],
    kills: list[float],
    sending: float,
    drained: float,
) -> dict[str, Any]:
    with place.owner(url) as opened:

        def count(sql: str) -> int:
            row = opened.execute(sql).fetchone()  # type: ignore[arg-type]
            return int(str(row[0])) if row else 0

        arrivals = count("SELECT count(*) FROM inbox_arrival")
        items = count("SELECT count(*) FROM inbox_item")
        quarantined = count("SELECT count(*) FROM inbox_item WHERE quarantined <> ''")
        waiting = count("SELECT count(*) FROM inbox_arrival WHERE worked_at IS NULL")
        received = count("SELECT coalesce(sum(received), 0) FROM inbox_cursor")
        refused = count("SELECT coalesce(sum(refused), 0) FROM inbox_door")
    different = len(set(order))
    return {
        "sent": different,
        "stored": min(arrivals, received),
        "shown": items - quarantined,
        "quarantined": quarantined,
        "duplicates_stored": max(0, arrivals - different) + max(0, items - different),
        "ack_p50_ms": place.quantile(sent.took, 0.5),
        "ack_p95_ms": place.quantile(sent.took, 0.95),
        "ack_max_ms": place.quantile(sent.took, 1.0),
        "insert_p50_ms": place.quantile(bare.took, 0.5) if bare.took else None,
        "insert_p95_ms": place.quantile(bare.took, 0.95) if bare.took else None,
        "requests": len(order) + sent.again,
        "asked_again": sent.again,
        "rate": round(len(order) / sending, 1),
        "sender_late_max_ms": round(sent.late * 1000, 1),
        "waiting": waiting,
        "refused": refused,
        "kills": len(kills),
        "sending_s": round(sending, 1),
        "drained_s": round(drained, 1),
        "machine": place.machine(),
    }


if __name__ == "__main__":
    sys.exit(main())
