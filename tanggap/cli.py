"""The `tanggap` command: one table of subcommands, each a plain function.

Exit status: 0 done, 1 it could not be done (the reason is printed), 2 the command was misread.
"""

from __future__ import annotations

import argparse
import gc
import getpass
import hashlib
import io
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tanggap import beside
from tanggap.backup import BackupProblem
from tanggap.core import database
from tanggap.core.errors import Refused
from tanggap.core.secrets import SecretsError

LOOPBACK = ("localhost", "127.0.0.1", "::1")
SECRET_LENGTH = 50
BY = "system:command"


class CannotRun(Exception):
    """The command cannot do its work; the message says why and what to do."""


PROBLEMS = (CannotRun, Refused, SecretsError, BackupProblem, database.DatabaseProblem)


def main(argv: list[str] | None = None) -> int:
    """Run one command line. Returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tanggap.settings")
    # Nearly all that a request makes is gone with it: to look for rings of objects after every 700
    # of them, as Python does, takes nearly a tenth of the time.
    gc.set_threshold(50_000, 20, 20)
    # A polite end runs the exit handlers, which stop the database that we started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if words[:1] == ["django"]:
        # Django reads its own options; argparse must not.
        return django(argparse.Namespace(words=words[1:]))
    arguments = parser().parse_args(words)
    try:
        return arguments.do(arguments) or 0
    except PROBLEMS as problem:
        print(f"tanggap: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


# --- the commands ------------------------------------------------------------------------------


def migrate(arguments: argparse.Namespace) -> None:
    """Bring the database's tables up to date."""
    _django()
    count = _waiting()
    _migrate(quiet=arguments.quiet)
    if not arguments.quiet:
        print(f"{count} migrations were applied." if count else "The tables are up to date.")


def admin_create(arguments: argparse.Namespace) -> None:
    """Make the first agency and its person in charge."""
    _django()
    _up_to_date()
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
    """Serve the pages, with a worker beside them, until told to end."""
    _free(arguments.host, arguments.port)
    if not os.environ.get("TANGGAP_PUBLIC_URL"):
        # The worker beside and `admin create` name the same address.
        os.environ["TANGGAP_PUBLIC_URL"] = database.keep_address(arguments.port)
    _django()
    _refuse_weak_secret()
    _up_to_date()
    _collect()
    _first_person()
    from django.conf import settings
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    from tanggap.desk.live import ending
    from tanggap.health import logs

    # Only the processes that answer requests take the app's role, which row-level security binds.
    os.environ["TANGGAP_DATABASE_ROLE"] = "tanggap_app"
    server = Granian(
        "tanggap.asgi:application",
        address=arguments.host,
        port=arguments.port,
        interface=Interfaces.ASGINL,
        workers=arguments.processes,
        websockets=False,
        log_access=False,
        log_level=LogLevels.warning,
        log_dictconfig=logs.of_server(settings.LOG_FORMAT),
    )
    server.on_startup(ending.tell_first)
    print(f"Tanggap serves {settings.PUBLIC_URL} (Ctrl-C ends it).", flush=True)
    with nullcontext() if arguments.without_worker else beside.worker():
        server.serve()


def worker(arguments: argparse.Namespace) -> None:
    """Do the background work until told to end."""
    if arguments.beside:
        beside.end_with_starter()
    os.environ["TANGGAP_DATABASE_ROLE"] = "tanggap_worker"
    _django()
    _refuse_weak_secret()
    _migrated("Run `tanggap migrate`, then start the worker again.")
    from tanggap import worker as background
    from tanggap.core import clock

    if arguments.once:
        background.run_once(clock.now())
        return
    if not arguments.beside:
        print(f"The worker wakes {len(background.TICKS)} functions (Ctrl-C ends it).", flush=True)
    background.run()


def doctor(arguments: argparse.Namespace) -> int:
    """Say what is well, what is not, and what to do about it."""
    _django()
    from django.utils import translation

    from tanggap import doctor as examination

    with translation.override(arguments.language):
        found = examination.examine()
        for line in found:
            print(line)
    return int(any(not line.well for line in found))


def messages(arguments: argparse.Namespace) -> int:
    """Merge the Indonesian words, or with --check name what is missing or wrong."""
    from tanggap import messages as words

    if not arguments.check:
        print(f"{words.compile()} messages.")
        return 0
    problems = words.check()
    for problem in problems:
        print(problem)
    return int(bool(problems))


def backup(arguments: argparse.Namespace) -> None:
    """Back up database, media and anchors into one folder; never the keys beside them."""
    _django()
    _migrated("Run `tanggap migrate`, then this again.")
    from django.conf import settings

    from tanggap.backup import back_up
    from tanggap.core import clock, secrets

    place = back_up(
        Path(arguments.folder).expanduser().absolute(),
        url=os.environ.get("DATABASE_URL") or database.local_url(),
        media=settings.MEDIA_ROOT,
        anchors=settings.ANCHOR_FILE,
        now=clock.now(),
        progress=_steps(),
    )
    _on_record(place)
    print(f"The backup is {place}.")
    if arguments.keys:
        kept = Path(arguments.keys).expanduser().absolute() / f"{place.name}.keys.json"
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        secrets.keyring()
        with open(kept, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(Path(settings.KEY_FILE).read_bytes())
        print(f"The keys that open it are {kept}. Keep the two apart.")
    else:
        print(f"Nobody can open it without {settings.KEY_FILE}: keep that elsewhere (--keys).")


def restore(arguments: argparse.Namespace) -> None:
    """Load a backup into an empty database, and the files that are not there."""
    _django()
    from django.conf import settings

    from tanggap.backup import restore as load

    load(
        Path(arguments.backup).expanduser().absolute(),
        url=os.environ.get("DATABASE_URL") or database.local_url(),
        media=settings.MEDIA_ROOT,
        anchors=settings.ANCHOR_FILE,
        progress=_steps(),
    )
    if not Path(settings.KEY_FILE).exists():
        print(f"Put the key file of this backup at {settings.KEY_FILE} (chmod 600).")
    print("Next: tanggap migrate, tanggap archive verify, tanggap doctor. Sending stays off until")
    print("you say that this is the only installation that sends: tanggap sending on")


def sending_on(arguments: argparse.Namespace) -> None:
    """Say that this is the only installation that sends, and that its clock is right."""
    _django()
    _migrated("Run `tanggap migrate`, then this again.")
    from tanggap.core import clock
    from tanggap.execution.publishing import start
    from tanggap.execution.publishing.models import WAITING, Delivery

    now = clock.now()
    place = start.here(now)
    if not place.stopped:
        print(f"Sending is on already for {database.home()}.")
        return
    start.allow(place, by=BY, agency=None, now=now)
    print(f"Sending is on for {database.home()}. On record for every agency.")
    waiting = Delivery.objects.filter(state__in=WAITING).count()
    if waiting and place.stopped != "clock":
        print(f"{waiting} posts wait; each is looked up on its network before it is sent.")


def sending_off(arguments: argparse.Namespace) -> None:
    """Send nothing from here until somebody switches it on again."""
    _django()
    _migrated("Run `tanggap migrate`, then this again.")
    from tanggap.core import clock
    from tanggap.execution.publishing import start

    start.stop(clock.now(), by=BY)
    print(f"Sending is off for {database.home()}. What is on its way now is brought to its end.")
    print("On again: tanggap sending on, or the page Publishing.")


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


def archive_continue(arguments: argparse.Namespace) -> None:
    """Go on after an older backup was restored: set the anchors of what was lost aside."""
    _django()
    _migrated("Run `tanggap migrate`, then this again.")
    from tanggap.archive import aside
    from tanggap.core import clock

    kept = aside.set_aside(by=BY, now=clock.now())
    if kept is None:
        raise CannotRun(
            "Every anchor is a head of this database: nothing was lost, so nothing is set aside."
        )
    print(f"The old anchors are in {kept}. Keep them: they prove what the log held before.")
    print("The worker begins a new file. Then run: tanggap archive verify")


def keys_rotate(arguments: argparse.Namespace) -> None:
    """Make new keys and seal everything anew with them; old keys stay until `keys forget`."""
    _django()
    _migrated("Run `tanggap migrate`, then this again.")
    from django.conf import settings

    from tanggap.accounts import connect
    from tanggap.core import clock, secrets
    from tanggap.execution.inbox import door
    from tanggap.office import keys

    now = clock.now()
    print("Sealing everything anew ...", file=sys.stderr, flush=True)
    count = keys.rotate_keys(
        by=BY, now=now, others=[lambda: connect.reseal(now), lambda: door.reseal(now)]
    )
    ring = secrets.keyring()
    print(f"{count} values are sealed with key {ring.sealing[0].id} now.")
    print(
        f"Back up {settings.KEY_FILE}: backups of the database made from now on need the new key."
    )
    old = ", ".join(key.id for key in ring.sealing[1:])
    print(f"Older backups still need: {old}.")


def keys_forget(arguments: argparse.Namespace) -> None:
    """Remove old master keys for good; backups from before their rotation become unreadable."""
    _django()
    from tanggap.core import clock
    from tanggap.office import keys

    gone = keys.forget_keys(arguments.ids, by=BY, now=clock.now())
    if not gone:
        raise CannotRun("None of these is an old key. `tanggap keys list` shows them.")
    print(f"Forgotten: {', '.join(gone)}. Remove them from the copies of the key file too.")


def keys_list(arguments: argparse.Namespace) -> None:
    """Name the keys, newest first; never what they hold."""
    _django()
    from tanggap.core import secrets

    ring = secrets.keyring()
    master = [("master ", key.id, key.created) for key in ring.sealing]
    signing = [("signing", key.id, key.created) for key in ring.signing]
    for keys in (master, signing):
        for number, (what, key_id, created) in enumerate(keys):
            print(f"{what}  {key_id}  made {created}  {'old' if number else 'in force'}")


def classify(arguments: argparse.Namespace) -> None:
    """Label a file of messages: one {"id", "text"} a line in, one line of labels out."""
    from tanggap.language.classify import NoSuchTier
    from tanggap.language.lines import classify_lines

    def complain(number: int, why: str) -> None:
        print(f"tanggap: line {number} was skipped: {why}.", file=sys.stderr)

    source, target = Path(arguments.input), Path(arguments.output)
    # Written beside it, so that a file of this name is always a whole one.
    half = target.with_name(target.name + ".part")
    try:
        with source.open("rb") as lines, half.open("w", encoding="utf-8") as out:
            written, skipped = classify_lines(
                lines, out, tier=arguments.tier, region=arguments.region, complain=complain
            )
        half.replace(target)
    except NoSuchTier as problem:
        half.unlink(missing_ok=True)
        raise CannotRun(str(problem)) from problem
    except OSError as problem:
        said = f"{problem.strerror or problem}: {problem.filename or target}."
        raise CannotRun(said) from problem
    print(f"{written} lines were labelled, {skipped} skipped.", file=sys.stderr)


def language_learn(arguments: argparse.Namespace) -> None:
    """Learn from an agency's corrected suggestions, and show before and after."""
    _django()
    _up_to_date()
    from tanggap.core import clock
    from tanggap.core.membership import agency_by_slug
    from tanggap.core.models import Person
    from tanggap.execution.inbox import learning

    agency = agency_by_slug(arguments.agency)
    if agency is None:
        raise CannotRun(f"There is no agency “{arguments.agency}”.")
    person = Person.objects.filter(email__iexact=arguments.by).first() if arguments.by else None
    if arguments.by and person is None:
        raise CannotRun(f"There is nobody with the address “{arguments.by}”.")
    made = learning.propose(agency, by=person or BY, now=clock.now())
    print(
        f"Learnt from {made.learnt_from} judged suggestions and tried on {made.held_back} others: "
        f"{made.before:.0%} were right before, {made.after:.0%} are right after."
    )
    if person is None:
        print("Nothing is used yet. To put it in use: the same with --by ADDRESS.")
        return
    if not arguments.accept:
        if not sys.stdin.isatty():
            print("Nothing is used yet. To put it in use: the same with --accept.")
            return
        if input("Put it in use? [y/N] ").strip().lower() not in {"y", "yes", "ya"}:
            print("Not put in use.")
            return
    learning.accept(made, by=person, now=clock.now())
    print(f"In use from now on, accepted by {person.name}.")


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
            (
                ("--processes",),
                {"type": int, "default": 1, "help": "number of processes that answer (1)"},
            ),
            (
                ("--without-worker",),
                {"action": "store_true", "help": "pages only; `tanggap worker` runs elsewhere"},
            ),
        ),
    ),
    (
        "worker",
        worker,
        (
            (("--once",), {"action": "store_true", "help": "run every function once, then end"}),
            (
                ("--beside",),
                {"action": "store_true", "help": "end when standard input closes, as serve asks"},
            ),
        ),
    ),
    (
        "doctor",
        doctor,
        (
            (
                ("--language",),
                {
                    "choices": ("en", "id"),
                    "default": "id" if os.environ.get("LANG", "").startswith("id") else "en",
                    "help": "en or id; that of the machine (LANG) when absent",
                },
            ),
        ),
    ),
    (
        "messages",
        messages,
        (
            (
                ("--check",),
                {"action": "store_true", "help": "name what lacks Indonesian or is wrong"},
            ),
        ),
    ),
    (
        "archive verify",
        archive_verify,
        ((("--agency",), {"default": "", "help": "slug of one agency; all when absent"}),),
    ),
    (
        "backup",
        backup,
        (
            (("folder",), {"metavar": "FOLDER", "help": "where to put it, in a folder of its own"}),
            (("--keys",), {"metavar": "FOLDER", "help": "another place, for a copy of the keys"}),
        ),
    ),
    ("restore", restore, ((("backup",), {"metavar": "BACKUP", "help": "a folder of `backup`"}),)),
    ("sending on", sending_on, ()),
    ("sending off", sending_off, ()),
    ("archive continue", archive_continue, ()),
    ("keys list", keys_list, ()),
    ("keys rotate", keys_rotate, ()),
    (
        "keys forget",
        keys_forget,
        ((("ids",), {"nargs": "+", "metavar": "KEY", "help": "ids of old master keys"}),),
    ),
    (
        "classify",
        classify,
        (
            (("--input",), {"required": True, "help": "file of JSON lines with id and text"}),
            (("--output",), {"required": True, "help": "file to write"}),
            (("--tier",), {"default": "fast", "help": "fast, or careful where it is installed"}),
            (("--region",), {"default": "", "help": "code of the own region, such as 32.01"}),
        ),
    ),
    (
        "language learn",
        language_learn,
        (
            (("--agency",), {"required": True, "help": "slug of the agency"}),
            (("--by",), {"help": "address of the officer who decides"}),
            (("--accept",), {"action": "store_true", "help": "put it in use without asking"}),
        ),
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
    """Start the database when it is ours, and Django with its words."""
    database.ensure_running()
    from tanggap import messages as words

    try:
        # Before setup: it reads the words once, and this process would keep what there was.
        words.compile_if_stale()
    except OSError:
        # Where the service may not write its own program, `tanggap messages` has done it before.
        pass
    import django

    django.setup()
    from tanggap.health import logs

    logs.catch_the_rest()


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


def _free(host: str, port: int) -> None:
    """Say at once that the port is taken, before anything is prepared."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        raise CannotRun(
            f"Nothing can be served on {host}:{port}: {error.strerror or error}. "
            "Choose another with --host and --port, or end what serves there."
        ) from error


def _up_to_date() -> None:
    """Our own local database is migrated by itself; another one only by its owner's command."""
    if not database.is_local():
        _migrated("Run `tanggap migrate`, then this again.")
    elif _waiting():
        _migrate()


def _first_person() -> None:
    """Say how somebody gets in, as long as nobody can."""
    from tanggap.core.models import Person

    if not Person.objects.exists():
        print(
            "Nobody can sign in yet. Make your agency and its person in charge, now or while this "
            "runs:\n  tanggap admin create      (in a clone: ./run tanggap admin create)",
            file=sys.stderr,
            flush=True,
        )


def _migrate(quiet: bool = False) -> None:
    """Migrate, counting the steps."""
    from django.core.management import call_command
    from django.db import NotSupportedError

    steps = _Steps(0 if quiet else _waiting())
    try:
        call_command("migrate", verbosity=1, interactive=False, stdout=steps)
    except NotSupportedError as error:
        raise CannotRun(str(error)) from error
    steps.end()


class _Steps(io.TextIOBase):
    """Takes what migrate prints and counts its steps: on one line of a terminal, else twice."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.tty = total, 0, sys.stderr.isatty()
        if total and not self.tty:
            print(f"Preparing the tables ({total} steps) ...", file=sys.stderr, flush=True)

    def write(self, text: str) -> int:
        self.done += text.count("  Applying ")
        if self.total and self.tty:
            print(
                f"\rPreparing the tables: {min(self.done, self.total)} of {self.total}",
                end="",
                file=sys.stderr,
                flush=True,
            )
        return len(text)

    def end(self) -> None:
        if self.total and self.tty:
            print(file=sys.stderr, flush=True)


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


def _on_record(backup: Path) -> None:
    """Every agency's log says when its data were saved last; the page of health reads it there."""
    from tanggap.archive.record import Entry, record_many
    from tanggap.core import clock
    from tanggap.core.models import Agency

    facts = {"bytes": sum(path.stat().st_size for path in backup.iterdir())}
    agencies = Agency.objects.filter(autonomous=True)
    entries = [Entry(agency.pk, "backup.made", agency, facts, None) for agency in agencies]
    record_many(entries, by=BY, now=clock.now())


def _steps() -> Callable[[str, int, int], None]:
    """The same for work of several kinds; each kind ends its line."""
    shows: dict[str, Callable[[int, int], None] | None] = {}

    def show(what: str, done: int, total: int) -> None:
        line = shows.setdefault(what, _counter(what))
        if line and total:
            line(done, total)

    return show


def _counter(what: str) -> Callable[[int, int], None] | None:
    """Shows how far long work is, on a terminal only."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        end = "\n" if done >= total else ""
        print(f"\r{done:,} of {total:,} {what}", end=end, file=sys.stderr, flush=True)

    return show


def _collect() -> None:
    """Compile the words, and gather static files with their hashes when one has changed."""
    from django.conf import settings
    from django.contrib.staticfiles.finders import get_finders
    from django.core.management import call_command

    found = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            path = Path(storage.path(name))
            found.update(f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}\n".encode())
    stamp = Path(settings.STATIC_ROOT) / "collected"
    if stamp.exists() and stamp.read_text() == found.hexdigest():
        return
    print("Preparing the pages ...", file=sys.stderr, flush=True)
    call_command("collectstatic", verbosity=0, interactive=False)
    stamp.write_text(found.hexdigest())
