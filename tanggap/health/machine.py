"""The ground: database, clocks, disks, files and secrets. Each check yields findings.

What can be seen from here only; a certificate is looked at by `tanggap doctor`, over the network.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext, ngettext

from tanggap.accounts.models import Credential
from tanggap.core import database, secrets
from tanggap.execution.publishing import steady
from tanggap.health.findings import Finding

LOOPBACK = ("localhost", "127.0.0.1", "::1")
CLOCKS_APART_S = 5.0
LEAST_FREE_BYTES, LEAST_FREE_PART = 2_000_000_000, 0.05
FULL_PART = 0.8
TOKEN_LENGTH = 24
# Settings of PostgreSQL under which its log quotes nobody, and their values that are right.
QUIET = {
    "log_min_error_statement": ("panic", "fatal"),
    "log_error_verbosity": ("terse",),
    "log_statement": ("none", "ddl"),
    "log_min_duration_statement": ("-1",),
}


def server() -> Iterator[Finding]:
    """PostgreSQL itself: version, connections."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('max_connections')::int,"
            " (SELECT count(*) FROM pg_stat_activity)"
        )
        version, most, used = cursor.fetchone()
    whose = (
        gettext("our own, below %(home)s") % {"home": database.home()}
        if database.is_local()
        else gettext("from DATABASE_URL")
    )
    old = int(version.split(".")[0]) < database.OLDEST
    yield Finding(
        "database",
        not old,
        gettext("PostgreSQL %(version)s, %(whose)s.") % {"version": version, "whose": whose},
        gettext("Upgrade it: at least %(version)s is needed.") % {"version": database.OLDEST}
        if old
        else "",
    )
    full = used > most * FULL_PART
    yield Finding(
        "connections",
        not full,
        gettext("%(used)d of %(most)d connections to the database are in use.")
        % {"used": used, "most": most},
        gettext(
            "Raise max_connections in postgresql.conf, or end what else uses this server; when "
            "they run out, pages fail."
        )
        if full
        else "",
    )


def server_log() -> Iterator[Finding]:
    """PostgreSQL's own log must not quote statements that failed, nor rows: they hold words of
    citizens."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(QUIET)])
        found = dict(cursor.fetchall())
    quiet = all(found.get(name) in values for name, values in QUIET.items())
    yield Finding(
        "server_log",
        quiet,
        gettext("PostgreSQL's log quotes no statements.")
        if quiet
        else gettext("PostgreSQL's log may quote statements with words of citizens."),
        ""
        if quiet
        else gettext("Let a superuser of the database run: %(sql)s")
        % {
            "sql": "ALTER SYSTEM SET log_min_error_statement = panic; "
            "ALTER SYSTEM SET log_error_verbosity = terse; "
            "ALTER SYSTEM SET log_statement = none; "
            "ALTER SYSTEM SET log_min_duration_statement = -1; SELECT pg_reload_conf();"
        },
    )


def waiting_migrations() -> int:
    """How many the database has not had yet. Reads every migration file: not for each request."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def tables() -> Iterator[Finding]:
    """Whether search may use its index."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT proleakproof FROM pg_proc WHERE proname = 'ts_match_vq'")
        quick = bool(cursor.fetchone()[0])
    if quick:
        yield Finding("search", True, gettext("Search may use its index."))
    else:
        yield Finding(
            "search",
            False,
            gettext("Search is slow: it may not use its index."),
            gettext("Let a superuser of the database run: %(sql)s")
            % {"sql": "ALTER FUNCTION pg_catalog.ts_match_vq(tsvector, tsquery) LEAKPROOF;"},
        )


def clocks() -> Iterator[Finding]:
    """This machine's clock against the database's, and against its own steady counter."""
    with connection.cursor() as cursor:
        before = datetime.now(UTC)
        cursor.execute("SELECT clock_timestamp()")
        theirs = cursor.fetchone()[0]
        after = datetime.now(UTC)
    apart = max((before - theirs).total_seconds(), (theirs - after).total_seconds(), 0.0)
    jumped = steady.OURS.parted()
    well = apart <= CLOCKS_APART_S and abs(jumped) <= steady.MOST_S
    if well:
        text = gettext("The clock agrees with the database's and with its own counter.")
    elif apart > CLOCKS_APART_S:
        text = gettext("This machine's clock and the database's are %(n)d seconds apart.") % {
            "n": apart
        }
    else:
        text = gettext("This machine's clock has jumped by %(n)d seconds.") % {"n": jumped}
    yield Finding(
        "clock",
        well,
        text,
        ""
        if well
        else gettext("Let time servers set the clocks of all machines: timedatectl set-ntp true"),
    )


def disks() -> Iterator[Finding]:
    """Room on every disk on which we write."""
    seen: dict[int, tuple[Path, list[str]]] = {}
    for path, what in (
        (Path(settings.HOME), gettext("the home")),
        (Path(settings.MEDIA_ROOT), gettext("the media")),
        (Path(settings.ANCHOR_FILE).parent, gettext("the anchors")),
    ):
        while not path.exists():
            path = path.parent
        seen.setdefault(os.stat(path).st_dev, (path, []))[1].append(what)
    for path, held in seen.values():
        found = shutil.disk_usage(path)
        tight = found.free < min(LEAST_FREE_BYTES, found.total * LEAST_FREE_PART)
        yield Finding(
            "disk",
            not tight,
            gettext("%(free)s GB are free on the disk of %(what)s (%(path)s).")
            % {"free": f"{found.free / 1e9:.1f}", "what": ", ".join(held), "path": path},
            gettext(
                "Make room: remove old backups and logs, or enlarge the disk. On a full disk "
                "nothing can be received or recorded."
            )
            if tight
            else "",
        )


def files() -> Iterator[Finding]:
    """Secrets that others may read, keys that are not the database's, a lost anchor file."""
    for path, what in (
        (Path(settings.KEY_FILE), gettext("keys of credentials")),
        (database.home() / "secret", gettext("secret of sessions")),
    ):
        if not path.exists():
            continue
        private = not stat.S_IMODE(path.stat().st_mode) & 0o077
        about = {"what": what, "path": path}
        yield Finding(
            "secrets",
            private,
            gettext("Nobody else may read the %(what)s (%(path)s).") % about
            if private
            else gettext("Others may read the %(what)s.") % about,
            "" if private else f"chmod 600 {path}",
        )
    yield from _keys()
    compiled = (Path(settings.LOCALE_PATHS[0]) / "id" / "LC_MESSAGES" / "django.mo").exists()
    yield Finding(
        "words",
        compiled,
        gettext("The Indonesian words are compiled.")
        if compiled
        else gettext("The Indonesian words are not compiled."),
        "" if compiled else gettext("Run: tanggap messages"),
    )


def _keys() -> Iterator[Finding]:
    """Whether the key file opens what is sealed in this database."""
    wanted = set(
        Credential.objects.filter(superseded_at=None).values_list("key_id", flat=True).distinct()
    )
    if not wanted or not Path(settings.KEY_FILE).exists():
        missing = len(wanted)
    else:
        try:
            missing = len(wanted - {key.id for key in secrets.keyring().sealing})
        except secrets.SecretsError:
            # Said above: others may read it, or it cannot be read at all.
            return
    if wanted:
        yield Finding(
            "keys",
            not missing,
            gettext("The keys open the accounts' credentials.")
            if not missing
            else gettext("The keys that open the accounts' credentials are missing."),
            ""
            if not missing
            else gettext("Put back the key file that was kept with this database: %(path)s")
            % {"path": settings.KEY_FILE},
        )


def secret() -> Iterator[Finding]:
    """What the environment gives: the address, its secret, the door for figures."""
    local = urlsplit(settings.PUBLIC_URL).hostname in LOOPBACK
    yield Finding(
        "address", True, gettext("The desk is at %(url)s.") % {"url": settings.PUBLIC_URL}
    )
    if not local:
        safe = settings.PUBLIC_URL.startswith("https://")
        yield Finding(
            "https",
            safe,
            gettext("The address is encrypted.")
            if safe
            else gettext("The address is not encrypted: passwords travel in the open."),
            ""
            if safe
            else gettext("Set up a certificate and begin TANGGAP_PUBLIC_URL with https."),
        )
    token = settings.METRICS_TOKEN
    if token:
        long = len(token) >= TOKEN_LENGTH
        yield Finding(
            "metrics",
            long,
            gettext("Figures are open to whoever holds TANGGAP_METRICS_TOKEN.")
            if long
            else gettext("TANGGAP_METRICS_TOKEN is short and could be guessed."),
            "" if long else gettext("Choose one of 24 letters or more."),
        )


def mail() -> Iterator[Finding]:
    """How e-mail leaves."""
    printed = settings.EMAIL_BACKEND.endswith("console.EmailBackend")
    local = urlsplit(settings.PUBLIC_URL).hostname in LOOPBACK
    yield Finding(
        "mail",
        local or not printed,
        gettext("E-mail is printed where Tanggap runs, not sent.")
        if printed
        else gettext("E-mail leaves by %(host)s.") % {"host": settings.EMAIL_HOST},
        gettext("Name a mail server in EMAIL_URL.") if printed and not local else "",
    )


def practice() -> Iterator[Finding]:
    """What is for trying only."""
    if settings.PRIVATE_HOSTS:
        yield Finding(
            "private",
            True,
            gettext("Private hosts that may be reached (TANGGAP_PRIVATE_HOSTS): %(hosts)s.")
            % {"hosts": ", ".join(settings.PRIVATE_HOSTS)},
        )
    if settings.PRACTICE:
        yield Finding(
            "practice",
            False,
            gettext("Practice mode is on: not for real work."),
            gettext("Remove TANGGAP_PRACTICE from the environment."),
        )


def migrations(count: int) -> Finding:
    """What `waiting_migrations` counted, in words."""
    if not count:
        return Finding("tables", True, gettext("The tables are up to date."))
    return Finding(
        "tables",
        False,
        ngettext("%(n)d step of the tables waits.", "%(n)d steps of the tables wait.", count)
        % {"n": count},
        gettext("Start it once: tanggap serve")
        if database.is_local()
        else gettext("Run: tanggap migrate"),
    )
