"""The regency for a story: a database clone, a network, `tanggap serve`, and a browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tanggap.core import http, secrets
from tanggap.practice import network as net
from tanggap.practice import seed, world
from tests.browser.conftest import browser
from tests.conftest import Clone
from tests.stories.regency import Regency, working_in

__all__ = ["browser"]

TANGGAP = [sys.executable, "-c", "import sys; from tanggap.cli import main; sys.exit(main())"]
READY_SECONDS = 90


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def serve(clone: Clone, home: str, port: int, **more: str) -> subprocess.Popen[str]:
    """`tanggap serve` on the clone, answering; the background work is the story's own."""
    log = open(f"{home}/serve.log", "w+")  # noqa: SIM115
    process = subprocess.Popen(
        [*TANGGAP, "serve", "--without-worker", "--port", str(port)],
        env=clone.environment(
            DJANGO_SETTINGS_MODULE="tanggap.settings", TANGGAP_HOME=home, TANGGAP_PRACTICE="1",
            TANGGAP_PUBLIC_URL=f"http://localhost:{port}", **more),
        stdout=log, stderr=subprocess.STDOUT, text=True,
    )
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, open(f"{home}/serve.log").read()
        try:
            httpx.get(f"http://localhost:{port}/masuk/login/", timeout=10, trust_env=False)
            return process
        except httpx.TransportError:
            time.sleep(0.1)
    process.terminate()
    raise AssertionError("The desk does not answer: " + open(f"{home}/serve.log").read())


@pytest.fixture
def regency(
    browser: Any, database_clone: Clone, django_db_blocker: Any, settings: Any, tmp_path: Any
) -> Iterator[Regency]:
    """The first minute of the regency, open."""
    port = free_port()
    settings.PUBLIC_URL = f"http://localhost:{port}"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    settings.HOME = tmp_path
    before = http.rules()
    network = net.start(world.citizens(), world.agencies())
    place = network.url.removeprefix("http://")
    http.configure(private_hosts=[place])
    secrets.use(settings.KEY_FILE)
    server = None
    with django_db_blocker.unblock(), working_in(database_clone.name):
        try:
            begins = seed.begins(datetime.now(UTC), world.read("agency")["agency"]["zone"])
            seed.turn_clock(begins, network)
            seed.seed(network, lambda _what: None)
            server = serve(database_clone, str(tmp_path), port, TANGGAP_PRIVATE_HOSTS=place)
            opened = Regency(settings.PUBLIC_URL, network, browser,
                             os.environ.get("TANGGAP_SHOTS", ""))
            yield opened
            faults = opened.close()
            assert not faults, "\n".join(dict.fromkeys(faults))
        finally:
            if server is not None:
                server.terminate()
                server.wait(20)
            net.stop(network)
            http.configure(private_hosts=before.private_hosts, proxy=before.proxy)


@pytest.fixture
def photo(tmp_path: Any) -> Callable[[str], Any]:
    """photo("jembatan"): a picture from a phone, with the place where it was taken in it."""
    from PIL import Image

    def make(name: str) -> Any:
        path = tmp_path / f"{name}.jpg"
        exif = Image.Exif()
        exif[0x010F] = "KameraWayan"
        exif[0x8825] = {1: "S", 2: (7.0, 1.0, 2.0), 3: "E", 4: (108.0, 3.0, 4.0)}
        Image.new("RGB", (640, 480), "sienna").save(path, exif=exif)
        return path

    return make
