"""What an operator asks first: is this installation well, and what is to be done if not."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tanggap import messages
from tanggap.core import database
from tanggap.core.models import Person
from tanggap.execution.publishing import start

LOOPBACK = ("localhost", "127.0.0.1", "::1")
SILENCE_S = 120
"""The worker writes down every wake-up; the shortest is two seconds."""


@dataclass(frozen=True)
class Finding:
    """One sentence about one thing; `well` is False when somebody must act."""

    well: bool
    text: str

    def __str__(self) -> str:
        return f"{'well' if self.well else 'ACT '}  {self.text}"


def examine() -> list[Finding]:
    """Every finding, in the order in which one would mend them."""
    found = [*_server()]
    waiting = _waiting()
    if waiting and database.is_local():
        # A fresh installation: everything else follows from this one step.
        found.append(Finding(False, f"{waiting} migrations wait: `tanggap serve` does them first."))
    elif waiting:
        found.append(Finding(False, f"{waiting} migrations wait: run `tanggap migrate`."))
    else:
        found += [Finding(True, "The tables are up to date."), *_tables(), *_work()]
    return [*found, *_files(), *_network()]


def _server() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
    whose = f"our own, below {database.home()}" if database.is_local() else "from DATABASE_URL"
    old = int(version.split(".")[0]) < database.OLDEST
    yield Finding(
        not old,
        f"PostgreSQL {version}, {whose}."
        + (f" At least {database.OLDEST} is needed." if old else ""),
    )


def _waiting() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _tables() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT proleakproof FROM pg_proc WHERE proname = 'ts_match_vq'")
        quick = cursor.fetchone()[0]
    yield Finding(
        quick,
        "Search may use its index under row-level security."
        if quick
        else "Search is slow under row-level security. Let a superuser run: ALTER FUNCTION "
        "pg_catalog.ts_match_vq(tsvector, tsquery) LEAKPROOF;",
    )


def _work() -> Iterator[Finding]:
    """Whether somebody is there, and whether the background work goes on."""
    people = Person.objects.count()
    yield Finding(
        people > 0,
        f"{people} people can sign in."
        if people
        else "Nobody can sign in: run `tanggap admin create`.",
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(defer_timestamp) FROM procrastinate_periodic_defers")
        last = cursor.fetchone()[0]
    ago = int(datetime.now(UTC).timestamp() - last) if last else None
    quiet = ago is None or ago > SILENCE_S
    yield Finding(
        not quiet,
        "The worker is at work."
        if not quiet
        else ("No worker has run here" if ago is None else f"The worker last ran {ago} s ago")
        + ": start `tanggap serve`, or `tanggap worker` beside it.",
    )
    place = start.stopped()
    yield Finding(
        place is None,
        "Sending is on."
        if place is None
        else f"Sending is off ({place.stopped}). When this is the only installation that sends, and "
        "its clock is right: `tanggap sending on`, or the page Publishing.",
    )


def _files() -> Iterator[Finding]:
    for path, what in (
        (settings.KEY_FILE, "keys of credentials"),
        (database.home() / "secret", "secret of sessions"),
    ):
        if path.exists():
            private = not stat.S_IMODE(path.stat().st_mode) & 0o077
            yield Finding(
                private,
                f"Nobody else may read the {what} ({path})."
                if private
                else f"Others may read the {what}: chmod 600 {path}",
            )
    compiled = messages.TARGET.exists()
    yield Finding(
        compiled,
        "The Indonesian words are compiled."
        if compiled
        else "The Indonesian words are not compiled: run `tanggap messages`.",
    )


def _network() -> Iterator[Finding]:
    yield Finding(True, f"The desk is at {settings.PUBLIC_URL}.")
    printed = settings.EMAIL_BACKEND.endswith("console.EmailBackend")
    local = urlsplit(settings.PUBLIC_URL).hostname in LOOPBACK
    yield Finding(
        local or not printed,
        "E-mail is printed where Tanggap runs, not sent. Name a mail server in EMAIL_URL."
        if printed
        else f"E-mail leaves by {settings.EMAIL_HOST}.",
    )
    if settings.PRIVATE_HOSTS:
        hosts = ", ".join(settings.PRIVATE_HOSTS)
        yield Finding(True, f"Private hosts that may be reached (TANGGAP_PRIVATE_HOSTS): {hosts}.")
    if settings.PRACTICE:
        yield Finding(False, "Practice mode is on (TANGGAP_PRACTICE): not for real work.")
