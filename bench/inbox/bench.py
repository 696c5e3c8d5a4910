"""The inbox with a million conversations: whole requests through the real server, beside the bare
SQL of the same requests. See bench/README.md for what the figures mean.

    ./run bench inbox --conversations 1000000 --json
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import psycopg

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
import place  # noqa: E402

# Not counted as queries: they touch no table.
NOT_COUNTED = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT", "SET ", "SELECT SET_CONFIG")
LISTS = (
    "",
    "?group=mine",
    "?group=unassigned",
    "?group=answered",
    "?group=quiet",
    "?group=all",
    "?group=open&kind=complaint",
    "?group=all&kind=rumour",
)
# Common, middling and rare words, two words, a place, a handle, a name.
SEARCHES = (
    "jalan",
    "perbaikan jalan",
    "antrean loket",
    "Margasari",
    "lampu padam",
    "kebakaran gudang pupuk",
    "warga123",
    "Budi Santoso",
)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./run bench inbox", description=__doc__)
    parser.add_argument("--conversations", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=160, help="of each kind")
    parser.add_argument("--pages", type=int, default=400, help="walked through the server")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--keep", default="", help="folder of a cluster that is used again")
    parser.add_argument("--database", default="", help="an empty, migrated database (tests)")
    arguments = parser.parse_args(argv)
    with place.place(arguments.database, arguments.keep) as url:
        found = run(url, arguments)
    print(json.dumps(found) if arguments.json else json.dumps(found, indent=1))
    return 0 if found["walk"]["gaps"] == found["walk"]["repeats"] == 0 else 1


def run(url: str, arguments: argparse.Namespace) -> dict[str, Any]:
    import seed

    began, now = time.monotonic(), datetime.now(UTC)

    def say(text: str) -> None:
        if not arguments.json or sys.stderr.isatty():
            print(f"{time.monotonic() - began:6.1f} s  {text}", file=sys.stderr, flush=True)

    office = seed.found() or seed.seed(url, arguments.conversations, now, say)
    seeded = time.monotonic() - began
    rng = random.Random(7)
    with place.server(plain=bool(arguments.database)) as address:
        say("signing in ...")
        client = place.sign_in(address, seed.EMAIL, seed.PASSWORD)
        say("measuring ...")
        deep = keys(url, office.tenants[office.agency], rng, arguments.requests)
        ids = opened(url, office.tenants[office.agency], rng, arguments.requests)
        kinds: dict[str, Callable[[int], str]] = {
            "list": lambda n: f"/pesan/{LISTS[n % len(LISTS)]}",
            "next_page": lambda n: f"/pesan/?group=all&after={quote(deep[n % len(deep)])}",
            "search": lambda n: (
                "/pesan/?"
                + urlencode(
                    {"group": ("open", "all")[n % 2], "q": SEARCHES[n // 2 % len(SEARCHES)]}
                )
            ),
            "open": lambda n: f"/pesan/{ids[n % len(ids)]}/",
        }
        timed: dict[str, list[float]] = {name: [] for name in kinds}
        sizes = 0
        for n in range(-len(LISTS), arguments.requests):
            # In turn, so that whatever else the machine does meets all kinds alike.
            for name, path in kinds.items():
                took, size = get(client, path(max(n, 0)))
                sizes = max(sizes, size)
                if n >= 0:
                    timed[name].append(took)
        say("walking through the server ...")
        through = walk_http(client, url, office.tenants[office.agency], arguments.pages)
    say("bare SQL ...")
    bare = bare_sql(url, kinds, min(40, arguments.requests))
    say("walking by SQL ...")
    walked = walk_sql(url, office, now)
    return {
        **{
            name: {
                "p50_ms": place.quantile(timed[name], 0.5),
                "p95_ms": place.quantile(timed[name], 0.95),
                **bare[name],
            }
            for name in kinds
        },
        "walk": {key: walked[key] + through[key] for key in ("gaps", "repeats")}
        | {
            "sql_pages": walked["pages"],
            "sql_rows": walked["rows"],
            "http_pages": through["pages"],
        },
        "conversations": sum(office.conversations.values()),
        "of_the_agency": office.conversations[office.agency],
        "largest_page_kb": round(sizes / 1000, 1),
        "seed_s": round(seeded, 1),
        "total_s": round(time.monotonic() - began, 1),
        "machine": place.machine(),
    }


def get(client: httpx.Client, path: str) -> tuple[float, int]:
    began = time.perf_counter()
    answer = client.get(path)
    took = time.perf_counter() - began
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    return took, len(answer.content)


def keys(url: str, agencies: list[int], rng: random.Random, count: int) -> list[str]:
    """Keys of pages from the first to the last of the list of everything."""
    with place.owner(url) as connection:
        rows = connection.execute(
            "SELECT due_at, id FROM inbox_conversation WHERE agency_id = ANY (%s) AND NOT sealed"
            " ORDER BY due_at, id",
            [agencies],
        ).fetchall()
    return [f"{at.isoformat()},{pk}" for at, pk in rng.choices(rows, k=count)]


def opened(url: str, agencies: list[int], rng: random.Random, count: int) -> list[int]:
    with place.owner(url) as connection:
        rows = connection.execute(
            "SELECT id FROM inbox_conversation WHERE agency_id = ANY (%s) AND NOT sealed",
            [agencies],
        ).fetchall()
    return [pk for (pk,) in rng.choices(rows, k=count)]


# --- the same requests as bare SQL ---------------------------------------------------------------


def bare_sql(url: str, kinds: dict[str, Callable[[int], str]], count: int) -> dict[str, Any]:
    """What each request asks the database, asked again by psycopg alone as the app's role: how many
    statements touch a table (the most of any request), and the median time of them all."""
    import seed
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    from tanggap.core import database
    from tanggap.core.models import Person

    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(
        Person.objects.get(email=seed.EMAIL),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    client.get("/pesan/")
    found: dict[str, Any] = {}
    options = database.role_options("tanggap_app")
    with psycopg.connect(
        url, autocommit=True, options=options, cursor_factory=psycopg.ClientCursor
    ) as raw:
        for name, path in kinds.items():
            queries, times = 0, []
            for n in range(count):
                said: list[tuple[str, Any]] = []

                def keep(
                    execute: Any, sql: str, params: Any, many: bool, context: Any, said: Any = said
                ) -> Any:
                    said.append((sql, params))
                    return execute(sql, params, many, context)

                with connection.execute_wrapper(keep):
                    assert client.get(path(n)).status_code == 200
                queries = max(
                    queries,
                    sum(not sql.upper().startswith(NOT_COUNTED) for sql, _params in said),
                )
                began = time.perf_counter()
                with raw.transaction():
                    for sql, params in said:
                        if not sql.startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")):
                            raw.execute(sql, params).fetchall()
                times.append(time.perf_counter() - began)
            found[name] = {"queries": queries, "sql_p50_ms": place.quantile(times, 0.5)}
    return found


# --- to the last page ----------------------------------------------------------------------------


def order(url: str, agencies: list[int]) -> list[int]:
    """Every row of the list of everything, as PostgreSQL itself sorts them."""
    with place.owner(url) as connection:
        rows = connection.execute(
            "SELECT id FROM inbox_conversation WHERE agency_id = ANY (%s) AND NOT sealed"
            " ORDER BY due_at, id",
            [agencies],
        )
        return [pk for (pk,) in rows.fetchall()]


def compare(seen: list[int], expected: list[int]) -> dict[str, int]:
    return {
        # Rows in another order than the list's count as one gap too.
        "gaps": len(set(expected) - set(seen)) or int(seen != expected),
        "repeats": len(seen) - len(set(seen)),
    }


def walk_sql(url: str, office: Any, now: datetime) -> dict[str, int]:
    """The list of everything, of every agency, from the first page to the last, by the function
    that the screens use and under row-level security: in pages of the screen's size in the largest
    agency, of 500 in the others."""
    from tanggap.core.models import Agency
    from tanggap.core.scope import Scope, enter
    from tanggap.execution.inbox import queries

    total = {"gaps": 0, "repeats": 0, "pages": 0, "rows": 0}
    for tenant, agencies in office.tenants.items():
        ids = frozenset(agencies)
        scope = Scope(agency=Agency.objects.get(pk=tenant), readable=ids, writable=ids)
        size = queries.PAGE if tenant == office.agency else 500
        seen: list[int] = []
        after = None
        with enter(scope):
            while True:
                page = queries.page(
                    scope, queries.wanted(scope, now=now, group=""), after=after, size=size
                )
                seen += [row.pk for row in page.rows]
                total["pages"] += 1
                after = page.after
                if after is None:
                    break
        expected = order(url, agencies)
        for name, count in compare(seen, expected).items():
            total[name] += count
        total["rows"] += len(seen)
    return total


def walk_http(client: httpx.Client, url: str, agencies: list[int], pages: int) -> dict[str, int]:
    """Through the server by the link "more": the first half of `pages` from the top, the other half
    up to the last page of all."""
    import re

    expected = order(url, agencies)
    size, total = 25, {"gaps": 0, "repeats": 0, "pages": 0}
    half = max(1, pages // 2)
    starts = [0] if len(expected) <= size * pages else [0, len(expected) - size * half]
    for start in starts:
        path: str = "/pesan/?group=all"
        if start:
            path += "&after=" + quote(_key(url, expected[start - 1]))
        seen: list[int] = []
        last = start > 0 or len(starts) == 1
        while path and (last or len(seen) < size * half):
            text = client.get(path).text
            rows = text[text.index('class="list"') :]
            seen += [int(pk) for pk in re.findall(r'class="over" href="/pesan/(\d+)/', rows)]
            total["pages"] += 1
            more = re.search(r'rel="next" href="(\?[^"]+)"', rows)
            path = "/pesan/" + more.group(1).replace("&amp;", "&") if more else ""
        part = expected[start:] if last else expected[: len(seen)]
        for name, count in compare(seen, part).items():
            total[name] += count
    return total


def _key(url: str, pk: int) -> str:
    with place.owner(url) as connection:
        row = connection.execute(
            "SELECT due_at FROM inbox_conversation WHERE id = %s", [pk]
        ).fetchone()
    assert row
    at: Any = row[0]
    return f"{at.isoformat()},{pk}"


if __name__ == "__main__":
    sys.exit(main())
