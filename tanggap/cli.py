"""The `tanggap` command: one table of subcommands, each a plain function.

Exit status: 0 done, 1 it could not be done (the reason is printed), 2 the command was misread.
"""

from __future__ import annotations

import argparse
import getpass
import os
import signal
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tanggap.core import database
from tanggap.core.errors import Refused

LOOPBACK = ("localhost", "127.0.0.1", "::1")
SECRET_LENGTH = 50


class CannotRun(Exception):
    """The command cannot do its work; the message says why and what to do."""


def main(argv: list[str] | None = None) -> int:
    """Run one command line. Returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tanggap.settings")
    # A polite end runs the exit handlers, which stop the database that we started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if words[:1] == ["django"]:
        # Django reads its own options; argparse must not.
        return django(argparse.Namespace(words=words[1:]))
    arguments = parser().parse_args(words)
    try:
        return arguments.do(arguments) or 0
    except (CannotRun, Refused, database.DatabaseProblem) as problem:
        print(f"tanggap: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


# --- the commands ------------------------------------------------------------------------------


def migrate(arguments: argparse.Namespace) -> None:
    """Bring the database's tables up to date."""
    _django()
    _migrate(verbosity=0 if arguments.quiet else 1)


def admin_create(arguments: argparse.Namespace) -> None:
    """Make the first agency and its person in charge."""
    _django()
    from django.conf import settings

    from tanggap.core import clock
    from tanggap.office import admin

    asked: dict[str, Any] = {
        name: getattr(arguments, name) or _ask(name)
        for name in ("email", "name", "agency_name", "decree_number")
    }
    chosen: dict[str, Any] = {
        name: getattr(arguments, name)
        for name in ("short_name", "code", "kind", "zone", "role")
        if getattr(arguments, name)
    }
    password = getpass.getpass("Password: ") if arguments.ask_password else None
    _agency, person, path = admin.create(**asked, **chosen, password=password, now=clock.now())
    print(f"{person.name} <{person.email}> can sign in at {settings.PUBLIC_URL}.")
    if path:
        print(f"Set a password there, once: {settings.PUBLIC_URL}{path}")


def serve(arguments: argparse.Namespace) -> None:
    """Serve the pages until told to end."""
    _django()
    _refuse_weak_secret()
    _up_to_date()
    _collect()
    # Only the processes that answer requests take the app's role, which row-level security binds.
    os.environ["TANGGAP_DATABASE_ROLE"] = "tanggap_app"
    from granian import Granian
    from granian.constants import Interfaces

    print(f"Tanggap serves http://{arguments.host}:{arguments.port} (Ctrl-C ends it).", flush=True)
    Granian(
        "tanggap.asgi:application",
        address=arguments.host,
        port=arguments.port,
        interface=Interfaces.ASGINL,
        workers=arguments.workers,
        websockets=False,
        log_access=False,
    ).serve()


def worker(arguments: argparse.Namespace) -> None:
    """Do the background work until told to end."""
    os.environ["TANGGAP_DATABASE_ROLE"] = "tanggap_worker"
    _django()
    _refuse_weak_secret()
    _migrated("Run `tanggap migrate`, then start the worker again.")
    from tanggap import worker as background
    from tanggap.core import clock

    if arguments.once:
        background.run_once(clock.now())
        return
    print(f"The worker wakes {len(background.TICKS)} functions (Ctrl-C ends it).", flush=True)
    background.run()


def doctor(arguments: argparse.Namespace) -> int:
    """Say what is well, what is not, and what to do about it."""
    _django()
    from tanggap import doctor as examination

    found = examination.examine()
    for line in found:
        print(line)
    return int(any(not line.well for line in found))


def messages(arguments: argparse.Namespace) -> int:
    """Merge the Indonesian words, or with --check name those that are missing."""
    from tanggap import messages as words

    if not arguments.check:
        print(f"{words.compile()} messages.")
        return 0
    problems = words.check()
    for problem in problems:
        print(problem)
    return int(bool(problems))


def archive_verify(arguments: argparse.Namespace) -> int:
    """Hash the whole archive again and name the first break."""
    _django()
    from tanggap.archive.verify import verify
    from tanggap.core.membership import agency_by_slug

    agencies = None
    if arguments.agency:
        agency = agency_by_slug(arguments.agency)
        if agency is None:
            raise CannotRun(f"There is no agency “{arguments.agency}”. Leave --agency out for all.")
        agencies = [agency]
    report = verify(agencies, progress=_counter("records"))
    print(
        f"{report.records} records of {report.agencies} agencies, {report.contents} contents and "
        f"{report.payloads} sealed payloads were hashed again and compared with {report.heads} "
        f"signed heads and {report.anchors} anchors; {report.erased} erased, "
        f"{report.waiting} not sealed yet."
    )
    for line in (*report.notes, *report.breaks):
        print(line)
    print("Intact." if report.intact else "BROKEN: see docs/how-to/verify-the-archive.md.")
    return int(not report.intact)


def demo(arguments: argparse.Namespace) -> int:
    """Run the practice network and the fictional regency."""
    from tanggap.practice import demo as practice

    return practice.main(arguments)


def django(arguments: argparse.Namespace) -> int:
    """Pass the rest on to Django's own commands."""
    from django.core.management import execute_from_command_line

    try:
        database.ensure_running()
        execute_from_command_line(["tanggap django", *arguments.words])
    except database.DatabaseProblem as problem:
        print(f"tanggap: {problem}", file=sys.stderr)
        return 1
    return 0


def database_start(arguments: argparse.Namespace) -> None:
    """Start the bundled database and leave it running."""
    database.ensure_running(keep=True, stay=True)
    print(os.environ.get("DATABASE_URL") or database.local_url())


def database_stop(arguments: argparse.Namespace) -> None:
    """Stop the bundled database."""
    if os.environ.get("DATABASE_URL"):
        raise CannotRun("DATABASE_URL is set; that database is not ours to stop. Unset it first.")
    print("Stopped." if database.stop() else "It was not running.")


def database_url(arguments: argparse.Namespace) -> None:
    """Print how to connect to the database, for psql and pg_dump."""
    print(os.environ.get("DATABASE_URL") or database.local_url())


# --- the table ---------------------------------------------------------------------------------

Option = tuple[tuple[str, ...], dict[str, Any]]

COMMANDS: tuple[tuple[str, Callable[[argparse.Namespace], int | None], tuple[Option, ...]], ...] = (
    ("migrate", migrate, ((("--quiet",), {"action": "store_true", "help": "say less"}),)),
    (
        "admin create",
        admin_create,
        (
            (("--email",), {"help": "address to sign in with; asked for when absent"}),
            (("--name",), {"help": "the person's name; asked for when absent"}),
            (("--agency-name",), {"help": "the agency's official name; asked for when absent"}),
            (("--decree-number",), {"help": "number of the decree (SK); asked for when absent"}),
            (("--short-name",), {"help": "the agency's short name"}),
            (("--code",), {"help": "letters that begin its case numbers"}),
            (("--kind",), {"help": "national, province, regency, city, unit, subunit or village"}),
            (("--zone",), {"help": "Asia/Jakarta, Asia/Makassar or Asia/Jayapura"}),
            (("--role",), {"help": "role of the person; lead when absent"}),
            (
                ("--ask-password",),
                {"action": "store_true", "help": "ask for a password instead of printing a link"},
            ),
        ),
    ),
    (
        "serve",
        serve,
        (
            (("--host",), {"default": "127.0.0.1", "help": "address to listen on (127.0.0.1)"}),
            (("--port",), {"type": int, "default": 8000, "help": "port to listen on (8000)"}),
            (("--workers",), {"type": int, "default": 1, "help": "number of processes (1)"}),
        ),
    ),
    (
        "worker",
        worker,
        ((("--once",), {"action": "store_true", "help": "run every function once, then end"}),),
    ),
    ("doctor", doctor, ()),
    (
        "messages",
        messages,
        ((("--check",), {"action": "store_true", "help": "name words that lack Indonesian"}),),
    ),
    (
        "archive verify",
        archive_verify,
        ((("--agency",), {"default": "", "help": "slug of one agency; all when absent"}),),
    ),
    (
        "demo",
        demo,
        (
            (("--story",), {"action": "store_true", "help": "walk through it beat by beat"}),
            (("--headless",), {"action": "store_true", "help": "play it without a person"}),
            (
                ("--json",),
                {"action": "store_true", "help": "print one JSON object as the last line"},
            ),
            (("--reset",), {"action": "store_true", "help": "begin anew"}),
            (("--port",), {"type": int, "default": 8000, "help": "port of the desk (8000)"}),
        ),
    ),
    (
        "django",
        django,
        (
            (
                ("words",),
                {"nargs": argparse.REMAINDER, "help": "a command of Django and its options"},
            ),
        ),
    ),
    ("database start", database_start, ()),
    ("database stop", database_stop, ()),
    ("database url", database_url, ()),
)


def parser() -> argparse.ArgumentParser:
    """The whole tree of commands; tests compare docs/reference/command.md with it."""
    root = argparse.ArgumentParser(
        prog="tanggap",
        description="Runs a government agency's official social media from plan to follow-up.",
    )
    branches = {"": root.add_subparsers(metavar="COMMAND", required=True)}
    for path, function, options in COMMANDS:
        group, _space, name = path.rpartition(" ")
        if group not in branches:
            above = branches[""].add_parser(group, help=f"{group}: several commands")
            branches[group] = above.add_subparsers(metavar="COMMAND", required=True)
        leaf = branches[group].add_parser(name, help=function.__doc__, description=function.__doc__)
        for flags, details in options:
            leaf.add_argument(*flags, **details)
        leaf.set_defaults(do=function)
    return root


# --- what several commands need ----------------------------------------------------------------


def _django() -> None:
    """Start the database when it is ours, and Django."""
    database.ensure_running()
    import django

    django.setup()


def _ask(name: str) -> str:
    if not sys.stdin.isatty():
        raise CannotRun(f"--{name.replace('_', '-')} is missing. Add it to the command.")
    return input(f"{name.replace('_', ' ').capitalize()}: ").strip()


def _refuse_weak_secret() -> None:
    """A public address with a secret that can be guessed would give every session away."""
    from django.conf import settings

    if urlsplit(settings.PUBLIC_URL).hostname in LOOPBACK:
        return
    given = os.environ.get("TANGGAP_SECRET_KEY", "")
    if len(given) < SECRET_LENGTH or len(set(given)) < 10:
        raise CannotRun(
            f"TANGGAP_PUBLIC_URL is {settings.PUBLIC_URL}, but TANGGAP_SECRET_KEY is "
            f"{'absent' if not given else 'short or too regular'}: sessions could be forged. "
            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(64))' "
            "and keep it in the environment file of the service (README.md)."
        )


def _up_to_date() -> None:
    """Our own local database is migrated by itself; another one only by its owner's command."""
    if not database.is_local():
        _migrated("Run `tanggap migrate`, then serve again.")
        return
    if _waiting():
        print("Preparing the tables ...", file=sys.stderr, flush=True)
        _migrate(verbosity=0)


def _migrate(verbosity: int) -> None:
    from django.core.management import call_command
    from django.db import NotSupportedError

    try:
        call_command("migrate", verbosity=verbosity, interactive=False)
    except NotSupportedError as error:
        raise CannotRun(str(error)) from error


def _migrated(way_out: str) -> None:
    count = _waiting()
    if count:
        raise CannotRun(f"The database lacks {count} migrations of this version. {way_out}")


def _waiting() -> int:
    """How many migrations the database has not had yet."""
    from django.db import OperationalError, connection
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
    except OperationalError as error:
        raise CannotRun(
            f"The database does not answer: {str(error).strip()} "
            "Start it, or correct DATABASE_URL; `tanggap database url` shows what is used."
        ) from error
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _counter(what: str) -> Callable[[int, int], None] | None:
    """Shows how far long work is, on a terminal only."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        end = "\n" if done >= total else ""
        print(f"\r{done:,} of {total:,} {what}", end=end, file=sys.stderr, flush=True)

    return show


def _collect() -> None:
    """Gather static files with their hashes and compile the words."""
    from django.conf import settings
    from django.core.management import call_command

    from tanggap import messages as words

    words.compile_if_stale()
    if not settings.WHITENOISE_USE_FINDERS or "Manifest" in str(settings.STORAGES["staticfiles"]):
        call_command("collectstatic", verbosity=0, interactive=False)
