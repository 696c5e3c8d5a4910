"""Open the invented regency: a database clone, a network, `tanggap serve`, and a browser."""

from __future__ import annotations

import os
import secrets as random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
from django.conf import settings
from django.db import connection
from django.test import override_settings
from playwright.sync_api import Browser

from tanggap.core import http, secrets
from tanggap.practice import network as net
from tanggap.practice import seed, world
from tests import gathered
from tests.conftest import Clone, _copy, _drop
from tests.stories import hush
from tests.stories.regency import Regency, working_in

TANGGAP = [sys.executable, "-c", "import sys; from tanggap.cli import main; sys.exit(main())"]
READY_SECONDS = 240


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def serve(environment: dict[str, str], home: Path, port: int) -> subprocess.Popen[str]:
    """`tanggap serve`, answering; the background work is the story's own."""
    log, asked = home / "serve.log", f"http://localhost:{port}/masuk/login/"
    gathered.lend(home)
    with log.open("w") as out:
        process = subprocess.Popen(
            [*TANGGAP, "serve", "--without-worker", "--port", str(port)],
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )
    answer, deadline = None, time.monotonic() + READY_SECONDS
    while answer is None and time.monotonic() < deadline and process.poll() is None:
        try:
            # Loopback has no certificates; reading the machine's anew each time keeps a core busy.
            answer = httpx.get(asked, timeout=10, trust_env=False, verify=False)
        except httpx.TransportError:
            time.sleep(0.1)
    if answer is None or answer.status_code != 200:
        process.terminate()
        raise AssertionError(f"The desk does not open:\n{log.read_text()[-4000:]}")
    gathered.keep(home)
    return process


@contextmanager
def opened(browser: Browser, migrated: str, folder: Path) -> Iterator[Regency]:
    """The first minute of the regency, open. `migrated` is an empty database with our tables.

    At the end nobody's browser may have complained: no script error, nothing that the
    Content-Security-Policy refused, no page that failed.
    """
    port, name = free_port(), f"{migrated[:30]}_{random.token_hex(4)}"
    _copy(migrated, name)
    before, server = http.rules(), None
    network = net.start(world.citizens(), world.agencies())
    place = network.url.removeprefix("http://")
    http.configure(private_hosts=[place])
    secrets.use(settings.KEY_FILE)
    here = override_settings(
        PUBLIC_URL=f"http://localhost:{port}",
        HOME=folder,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.PBKDF2PasswordHasher"],
        EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
    )
    try:
        with here, working_in(name), hush.listening() as said:
            url = Clone(name, _url(name)).environment(
                DJANGO_SETTINGS_MODULE="tanggap.settings",
                TANGGAP_HOME=str(folder),
                TANGGAP_PRACTICE="1",
                TANGGAP_PUBLIC_URL=f"http://localhost:{port}",
                TANGGAP_PRIVATE_HOSTS=place,
                TANGGAP_SECRET_KEY=settings.SECRET_KEY,
            )
            begins = seed.begins(datetime.now(UTC), world.read("agency")["agency"]["zone"])
            seed.turn_clock(begins, network)
            seed.seed(network, lambda _what: None)
            server = serve(url, folder, port)
            regency = Regency(
                settings.PUBLIC_URL,
                network,
                browser,
                os.environ.get("TANGGAP_SHOTS", ""),
                folder / "serve.log",
                hush.personal() + hush.tokens(),
            )
            yield regency
            faults = regency.close()
            # Accounts may have been connected anew meanwhile.
            words = sorted({*regency.hush, *hush.tokens()})
            assert len(words) > 3, "nothing was planted, nothing can be found"
            faults += hush.in_exports(seed.person("ratna"), words)
            faults += hush.in_files(folder, words)
            faults += [f"the worker's log says {w}" for w in hush.leaks(said.getvalue(), words)]
            assert not faults, "\n".join(dict.fromkeys(faults))
    finally:
        if server is not None:
            server.terminate()
            server.wait(20)
        net.stop(network)
        http.configure(private_hosts=before.private_hosts, proxy=before.proxy)
        _drop(name)


def _url(name: str) -> str:
    from psycopg.conninfo import make_conninfo

    about = connection.settings_dict
    parts = {
        "user": about["USER"],
        "password": about["PASSWORD"],
        "host": about["HOST"],
        "port": about["PORT"],
    }
    return make_conninfo(dbname=name, **{key: value for key, value in parts.items() if value})
