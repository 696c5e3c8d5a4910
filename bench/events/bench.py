"""Two hundred pages that listen to one process: how late is an event, who hears what they must not,
and what do pages cost meanwhile. See bench/README.md.

    ./run bench events --streams 200 --json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "inbox"), str(HERE.parents[1])]
import place  # noqa: E402

LATEST_S = 5.0
"""Waited after the last event before what did not come is called missed."""


@dataclass
class Page:
    """One browser's page: whose it is, and what it heard when."""

    session: str
    tenant: int
    hears_sealed: bool
    looking: int = 0
    heard: dict[int, float] = field(default_factory=dict)
    open: bool = False
    ended: bool = False


@dataclass(frozen=True)
class Told:
    """One event that was caused."""

    conversation: int
    tenant: int
    sealed: bool
    at: float


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./run bench events", description=__doc__)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--events", type=int, default=300)
    parser.add_argument("--rate", type=float, default=10, help="events a second")
    parser.add_argument("--conversations", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--database", default="", help="an empty, migrated database (tests)")
    arguments = parser.parse_args(argv)
    with place.place(arguments.database) as url:
        found = run(url, arguments)
    print(json.dumps(found) if arguments.json else json.dumps(found, indent=1))
    return 0 if not (found["missed"] or found["overheard"] or found["broken"]) else 1


def run(url: str, arguments: argparse.Namespace) -> dict[str, Any]:
    import seed

    now = datetime.now(UTC)
    office = seed.seed(url, arguments.conversations, now, lambda text: None)
    pages = sign_in_all(office, arguments.streams, now)
    todo = conversations(url, office, arguments.events)
    with place.server(plain=bool(arguments.database)) as address:
        client = place.sign_in(address, seed.EMAIL, seed.PASSWORD)
        quiet = [visit(client) for _ in range(40)][10:]
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, daemon=True).start()
        tasks = [asyncio.run_coroutine_threadsafe(listen(address, page), loop) for page in pages]
        wait(lambda: all(page.open for page in pages), "every stream opens")
        time.sleep(1.5)
        busy: list[float] = []
        stop = threading.Event()
        reader = threading.Thread(target=visits, args=(client, busy, stop))
        reader.start()
        told = cause(todo, arguments.rate)
        stop.set()
        reader.join()
        wait(lambda: not missed(pages, told), "", LATEST_S)
        connections = held(url)
        threads = threads_of(address)
        broken = sum(page.ended for page in pages)
        ends = ending(pages, told)
        for task in tasks:
            task.cancel()
        time.sleep(0.2)
        loop.call_soon_threadsafe(loop.stop)
    late = [
        page.heard[one.conversation] - one.at
        for page in pages
        for one in told
        if one.conversation in page.heard and hears(page, one)
    ]
    return {
        "streams": len(pages),
        "events": len(told),
        "heard": len(late),
        "p50_ms": place.quantile(late, 0.5),
        "p95_ms": place.quantile(late, 0.95),
        "max_ms": round(1000 * max(late), 1),
        "missed": missed(pages, told),
        "overheard": sum(
            one.conversation in page.heard and not hears(page, one)
            for page in pages
            for one in told
        ),
        "broken": broken,
        "session_end_s": ends,
        "page_p50_ms": place.quantile(busy, 0.5),
        "page_p95_ms": place.quantile(busy, 0.95),
        "page_p95_ms_without": place.quantile(quiet, 0.95),
        "database_connections": connections,
        "server_threads": threads,
        "machine": place.machine(),
    }


def hears(page: Page, one: Told) -> bool:
    return (
        page.tenant == one.tenant
        and (page.hears_sealed or not one.sealed)
        and not (page.hears_sealed and not one.sealed)
    )


def missed(pages: list[Page], told: Iterable[Told]) -> int:
    return sum(
        one.conversation not in page.heard for page in pages for one in told if hears(page, one)
    )


# --- who listens ---------------------------------------------------------------------------------


def sign_in_all(office: Any, count: int, now: datetime) -> list[Page]:
    """Sessions of as many browsers: three quarters in the largest agency (one in ten of them of who
    handles sealed reports), a quarter in the next. Made in the database: signing in is slow on
    purpose."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from tanggap.core.models import Membership, Person

    first, second = list(office.tenants)[:2]
    people = {}
    for tenant, role in ((first, "responder"), (first, "integrity"), (second, "responder")):
        person = Person.objects.create(email=f"{role}{tenant}@bench.test", name=f"{role} {tenant}")
        Membership.objects.create(
            agency_id=tenant,
            person=person,
            role=role,
            decree_number="SK/9/2026",
            valid_from=now.date() - timedelta(days=9),
        )
        people[tenant, role] = person
    pages = []
    for n in range(count):
        tenant = second if n % 4 == 3 else first
        role = "integrity" if tenant == first and n % 10 == 0 else "responder"
        person = people[tenant, role]
        session = SessionStore()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[1]
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        session.create()
        pages.append(Page(session.session_key or "", tenant, role == "integrity"))
    return pages


async def listen(address: str, page: Page) -> None:
    """As a browser's EventSource reads it."""
    from django.conf import settings

    host, port = re.fullmatch(r"http://([^:]+):(\d+)", address).groups()  # type: ignore[union-attr]
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(
            f"GET /peristiwa/ HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: text/event-stream\r\n"
            f"Cookie: {settings.SESSION_COOKIE_NAME}={page.session}\r\n\r\n".encode()
        )
        kind = ""
        while line := await reader.readline():
            text = line.decode().strip()
            if text == "0":
                # The last chunk: the server has ended the stream and keeps the connection.
                break
            if text.startswith("retry:"):
                page.open = True
            elif text.startswith("event: "):
                kind = text[7:]
            elif text.startswith("data: ") and kind == "conversation":
                page.heard.setdefault(json.loads(text[6:])["id"], time.monotonic())
        page.ended = True
    finally:
        writer.close()


# --- what happens --------------------------------------------------------------------------------


def conversations(url: str, office: Any, count: int) -> list[tuple[int, int, bool]]:
    """(conversation, tenant, sealed): each once. Most in the first agency, some in the second and
    in a third where nobody listens; one in ten sealed."""
    rng, chosen = random.Random(5), []
    with place.owner(url) as connection:
        for tenant, share in zip(list(office.tenants)[:3], (0.6, 0.3, 0.1), strict=True):
            rows = connection.execute(
                "SELECT id FROM inbox_conversation WHERE agency_id = ANY (%s) AND NOT sealed"
                " ORDER BY id LIMIT %s",
                [office.tenants[tenant], max(1, int(count * share))],
            ).fetchall()
            for number, (pk,) in enumerate(rows):
                sealed = number % 10 == 9
                if sealed:
                    connection.execute(
                        "UPDATE inbox_conversation SET sealed = true WHERE id = %s", [pk]
                    )
                chosen.append((pk, tenant, sealed))
    rng.shuffle(chosen)
    return chosen


def cause(todo: list[tuple[int, int, bool]], rate: float) -> list[Told]:
    """Somebody does something in each of these conversations, on record, as any verb does."""
    from tanggap.archive.record import record
    from tanggap.execution.inbox.models import Conversation

    told, began = [], time.monotonic()
    for number, (pk, tenant, sealed) in enumerate(todo):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        row = Conversation.objects.select_related("agency").get(pk=pk)
        record(row.agency, "conversation.assigned", row, by="system:bench", now=datetime.now(UTC))
        told.append(Told(pk, tenant, sealed, time.monotonic()))
    return told


def ending(pages: list[Page], told: list[Told]) -> float:
    """Seconds until a stream ends after its session did."""
    from django.contrib.sessions.models import Session

    page = pages[0]
    Session.objects.filter(session_key=page.session).delete()
    began = time.monotonic()
    wait(lambda: page.ended, "a stream ends with its session")
    return round(time.monotonic() - began, 1)


def visit(client: Any) -> float:
    began = time.perf_counter()
    assert client.get("/pesan/").status_code == 200
    return time.perf_counter() - began


def visits(client: Any, found: list[float], stop: threading.Event) -> None:
    while not stop.is_set():
        found.append(visit(client))


def held(url: str) -> int:
    """Connections of the server: those that took the app's role, or are not this bench's."""
    with place.owner(url) as connection:
        row: Any = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ).fetchone()
    # One is this process's own, with which it caused the events.
    return int(row[0]) - 1


def threads_of(address: str) -> int:
    """Threads of the process that answers."""
    port = f":{int(address.rpartition(':')[2]):04X}"
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
            if b"spawn_main" in words or b"multiprocessing" in words:
                tcp = (process / "net/tcp").read_text()
                if port in tcp:
                    parent = re.search(r"PPid:\s+(\d+)", (process / "status").read_text())
                    above = Path(f"/proc/{parent.group(1)}/cmdline").read_bytes() if parent else b""
                    if address.rpartition(":")[2].encode() in above:
                        found.append(len(list((process / "task").iterdir())))
        except OSError:
            continue
    return max(found, default=0)


def wait(until: Any, what: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            if what:
                raise SystemExit(f"Within {seconds:.0f} s it did not happen that {what}.")
            return
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
