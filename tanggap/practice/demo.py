"""`tanggap demo`: the practice network, the invented regency, and who plays in it.

Three ways: open for trying (`serve` and the worker as children), `--story` (the same, but this
process plays the citizens and the worker, beat by beat) and `--headless` (nobody looks on).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from tanggap.core import database
from tanggap.practice import home as homes
from tanggap.practice import network as net
from tanggap.practice import world

COMMAND = [sys.executable, "-c", "import sys; from tanggap.cli import main; sys.exit(main())"]
OPENING = 2
END_SECONDS = 10.0
READY_SECONDS = 60.0


def main(arguments: argparse.Namespace) -> int:
    """Run the demo until told to end; headless: until the cycle is round. Gives the exit status."""
    kind = "demo-headless" if arguments.headless else "demo-story" if arguments.story else "demo"
    try:
        home = homes.claim(kind, arguments.port)
    except homes.Busy as busy:
        print(
            f"tanggap: A demo runs already in {busy}. End it with Ctrl-C where it runs, "
            "or set TANGGAP_HOME to another place.",
            file=sys.stderr,
        )
        return 1
    _django()
    with translation.override("id"):
        return _headless(home, arguments.json) if arguments.headless else _open(home, arguments)


# --- the world -----------------------------------------------------------------------------------


@contextmanager
def world_of(
    home: homes.Home, *, anew: bool, careless: bool = False, opening: int = 0
) -> Iterator[net.Network]:
    """Database and network of a seeded world, running; as it was left, or at its first minute.

    The first minute is the one after the first `opening` beats of the story.
    """
    say(_("Starting the database …"))
    database.ensure_running(careless=careless)
    first = homes.first_minute(home)
    going_on = (home.path / "begun").exists() and not anew and first is not None
    if first is not None and first < datetime.now(UTC) and not going_on:
        # Practice time does not run behind the real one: it is made anew for a later Monday.
        first = None
    if not going_on:
        (home.path / "story.json").unlink(missing_ok=True)
    if first is None:
        homes.clear(home)
        homes.migrated(home, _tables, _migrate)
    elif not going_on:
        homes.back_to_first(home)
    _as_worker()
    network = net.start(
        world.citizens(), world.agencies(), port=home.network_port, keep=home.network, progress=say
    )
    try:
        network.save(home.path / "network.json")
        seed = import_module("tanggap.practice.seed")
        if first is None:
            agency_zone = world.read("agency")["agency"]["zone"]
            first = seed.begins(datetime.now(UTC), agency_zone)
            seed.turn_clock(first, network)
            seed.seed(network, _seeding)
            if opening:
                first = import_module("tanggap.practice.headless").open_(network, opening, say)
            _close()
            homes.keep_first(home, first)
        elif not going_on:
            seed.turn_clock(first, network)
        else:
            practice_time = import_module("tanggap.practice.time")
            practice_time.set_ahead(practice_time.ahead(), network=network)
        (home.path / "begun").touch()
        yield network
    finally:
        net.stop(network)


def restart(home: homes.Home, network: net.Network) -> None:
    """The first minute again, while network and desk run."""
    first = homes.first_minute(home)
    if first is None or first < datetime.now(UTC):
        raise RuntimeError(
            "The kept first minute is too old. Start again: ./run demo --story --reset"
        )
    _close()
    homes.back_to_first(home)
    net.clear_faults(network)
    net.mend(network)
    import_module("tanggap.practice.seed").turn_clock(first, network)


def _tables(_what: str) -> None:
    say(_("Making the tables (only the first time) …"))


def _seeding(what: str) -> None:
    say(
        {"people": _("Appointing the team …"), "accounts": _("Connecting the official accounts …")}[
            what
        ]
    )


def _migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    _close()


def _django() -> None:
    import django

    from tanggap import messages

    messages.compile_if_stale()
    django.setup()


def _as_worker() -> None:
    """From here on work as the worker's role, which reads every agency and owns no table."""
    from django.db import connection

    from tanggap.core.database import config

    _close()
    os.environ["TANGGAP_DATABASE_ROLE"] = "tanggap_worker"
    connection.settings_dict["OPTIONS"]["options"] = config()["OPTIONS"]["options"]
    # Children take the role that is theirs.
    os.environ.pop("TANGGAP_DATABASE_ROLE")


def _plain_files() -> None:
    """Pages are opened without a server, so that static files need no hashes and no copies."""
    from django.conf import settings

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


def _close() -> None:
    from django.db import connection

    connection.close()


# --- without a person ----------------------------------------------------------------------------


def _headless(home: homes.Home, as_json: bool) -> int:
    begun = time.monotonic()
    _plain_files()
    with world_of(home, anew=True, careless=True) as network:
        played = import_module("tanggap.practice.headless").play(network, say)
    say(_("Played in %(seconds)d seconds.") % {"seconds": time.monotonic() - begun})
    for line in played.problems:
        say(line)
    print(
        json.dumps(played.counts)
        if as_json
        else "\n".join(f"{name}: {value}" for name, value in played.counts.items()),
        flush=True,
    )
    return int(bool(played.problems))


# --- with people ---------------------------------------------------------------------------------


def _open(home: homes.Home, arguments: argparse.Namespace) -> int:
    children: list[subprocess.Popen[bytes]] = []
    # Who tries by themselves finds a plan, an agenda and sixty people who have written.
    opening = 0 if arguments.story else OPENING
    with world_of(home, anew=arguments.reset, opening=opening) as network:
        try:
            children.append(_child("serve", "--without-worker", "--port", str(arguments.port)))
            if not arguments.story:
                children.append(_child("worker"))
            _wait_for_desk(arguments.port, children[0])
            _welcome(arguments.port, story=arguments.story)
            if arguments.story:
                import_module("tanggap.practice.director").direct(home, network, children, say)
            else:
                _until_one_ends(children)
        except KeyboardInterrupt:
            say(_("Ending …"))
        finally:
            _end(children)
    return 0


def _child(*words: str) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches this process alone, which ends the children in order.
    return subprocess.Popen([*COMMAND, *words], stdin=subprocess.DEVNULL, start_new_session=True)


def _wait_for_desk(port: int, server: subprocess.Popen[bytes]) -> None:
    import httpx

    deadline, asked = time.monotonic() + READY_SECONDS, f"http://127.0.0.1:{port}/masuk/login/"
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"The desk did not start; is port {port} in use? Try --port.")
        try:
            # Reading the machine's certificates for each try would slow the start down.
            httpx.get(asked, timeout=5, trust_env=False, verify=False)
            return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise RuntimeError("The desk does not answer.")


def _welcome(port: int, *, story: bool) -> None:
    seed = import_module("tanggap.practice.seed")
    here = f"http://localhost:{port}"
    print()
    print(_("The invented regency is open at %(url)s") % {"url": here})
    if story:
        print(_("The guided story: %(url)s") % {"url": f"{here}/cerita/"})
    print(
        _("Everybody's password is “%(password)s”; no second factor is asked in practice.")
        % {"password": seed.PASSWORD}
    )
    for one in world.read("agency")["team"]:
        print(f"  {one['email']:34} {one['name']:24} {one['note']}")
    print(
        _("Ctrl-C ends everything. Start again to go on, with --reset to begin anew."), flush=True
    )


def _until_one_ends(children: list[subprocess.Popen[bytes]]) -> None:
    while all(child.poll() is None for child in children):
        time.sleep(0.5)
    raise RuntimeError("A part of the demo has ended by itself; its last words are above.")


def _end(children: list[subprocess.Popen[Any]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    for child in children:
        try:
            child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def say(text: str) -> None:
    """Progress, on the error stream: the last line of the other one is for programs."""
    print(text, file=sys.stderr, flush=True)
