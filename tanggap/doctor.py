"""What an operator asks first: is this installation well, and what is to be done if not."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tanggap import messages
from tanggap.core import database


@dataclass(frozen=True)
class Finding:
    """One sentence about one thing; `well` is False when somebody must act."""

    well: bool
    text: str

    def __str__(self) -> str:
        return f"{'well' if self.well else 'ACT '}  {self.text}"


def examine() -> list[Finding]:
    """Every finding, in the order in which one would mend them."""
    return [*_database(), *_files(), *_network()]


def _database() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
        cursor.execute("SELECT proleakproof FROM pg_proc WHERE proname = 'ts_match_vq'")
        quick = cursor.fetchone()[0]
        cursor.execute(
            "SELECT count(*) FROM pg_roles WHERE rolname IN ('tanggap_app', 'tanggap_worker')"
        )
        roles = cursor.fetchone()[0]
    whose = f"our own, below {database.home()}" if database.is_local() else "from DATABASE_URL"
    old = int(version.split(".")[0]) < database.OLDEST
    yield Finding(
        not old,
        f"PostgreSQL {version}, {whose}."
        + (f" At least {database.OLDEST} is needed." if old else ""),
    )
    yield Finding(
        roles == 2,
        "The roles tanggap_app and tanggap_worker exist."
        if roles == 2
        else "Roles are missing: run `tanggap migrate`.",
    )
    executor = MigrationExecutor(connection)
    count = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    yield Finding(
        not count,
        f"{count} migrations wait: run `tanggap migrate`."
        if count
        else "The tables are up to date.",
    )
    yield Finding(
        quick,
        "Search may use its index under row-level security."
        if quick
        else "Search is slow under row-level security. Let a superuser run: ALTER FUNCTION "
        "pg_catalog.ts_match_vq(tsvector, tsquery) LEAKPROOF;",
    )


def _files() -> Iterator[Finding]:
    for path, what in (
        (settings.KEY_FILE, "keys of credentials"),
        (database.home() / "secret", "local secret"),
    ):
        if path.exists():
            private = not stat.S_IMODE(path.stat().st_mode) & 0o077
            yield Finding(
                private,
                f"The {what} in {path} are private."
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
    if settings.PRIVATE_HOSTS:
        hosts = ", ".join(settings.PRIVATE_HOSTS)
        yield Finding(True, f"Private hosts that may be reached (TANGGAP_PRIVATE_HOSTS): {hosts}.")
    if settings.PRACTICE:
        yield Finding(False, "Practice mode is on (TANGGAP_PRACTICE): not for real work.")
