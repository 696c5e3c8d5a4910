"""A home, a database and a server of the bench's own; all gone afterwards."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg


@contextmanager
def place(url: str = "", keep: str = "") -> Iterator[str]:
    """Make the tables and give the connection string. With `url` an empty, migrated database that
    the caller made is used; else a cluster starts, as it does for an office that sets nothing. With
    `keep` it lives in that folder and stays there for the next time."""
    home = Path(keep).absolute() if keep else Path(tempfile.mkdtemp(prefix="tanggap-bench-"))
    os.environ["TANGGAP_HOME"] = str(home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings" if url else "tanggap.settings"
    for name in ("TANGGAP_PRACTICE", "TANGGAP_DATABASE_ROLE", "TANGGAP_PUBLIC_URL"):
        os.environ.pop(name, None)
    os.environ.pop("DATABASE_URL", None)
    if url:
        os.environ["DATABASE_URL"] = url
    from tanggap.core import database

    # Asked to end, the bench still clears away what it made.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if not url:
            database.ensure_running(keep=True, stay=True)
        import django

        django.setup()
        from django.core.management import call_command

        from tanggap.core.models import Agency

        if not url:
            call_command("migrate", verbosity=0)
        elif Agency.objects.exists():
            raise SystemExit("The database is not empty; the bench would spoil it.")
        yield url or database.local_url()
    finally:
        if not url:
            folder = database._place()
            database.stop()
            if not keep:
                shutil.rmtree(folder, ignore_errors=True)
        if not keep:
            shutil.rmtree(home, ignore_errors=True)


def real() -> dict[str, str]:
    """The environment of processes that work on this one's database with this one's keys, as an
    office's do. By the tests' settings each process would have keys of its own."""
    kept = {name: value for name, value in os.environ.items() if name != "TANGGAP_PRACTICE"}
    return {**kept, "DJANGO_SETTINGS_MODULE": "tanggap.settings"}


@contextmanager
def server(*, plain: bool = False, pages: bool = True) -> Iterator[str]:
    """`tanggap serve` with nothing but pages: its address. `plain` (tests) is the same server and
    application without the gathering of static files, which takes longer than such a run; without
    `pages` only what needs no static files is asked of it."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [sys.executable, "-m", "tanggap", "serve", "--port", str(port), "--without-worker"]
    environment = dict(os.environ)
    if plain:
        command = [sys.executable, "-m", "granian", "--interface", "asginl", "--port", str(port)]
        command += ["--no-ws", "tanggap.asgi:application"]
        environment = real()
        if pages:
            environment["DJANGO_SETTINGS_MODULE"] = "bench.plain"
        environment["TANGGAP_DATABASE_ROLE"] = "tanggap_app"
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=sys.stderr
    )
    address = f"http://localhost:{port}"
    try:
        until = time.monotonic() + 120
        while True:
            try:
                httpx.get(f"{address}/masuk/login/", timeout=30)
                break
            except httpx.TransportError:
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit("The server did not start.") from None
                time.sleep(0.1)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def sign_in(address: str, email: str, password: str) -> httpx.Client:
    """As a browser does it."""
    client = httpx.Client(base_url=address, timeout=60)
    page = client.get("/masuk/login/").text
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found, "the page of signing in has a form"
    answer = client.post(
        "/masuk/login/",
        data={"csrfmiddlewaretoken": found.group(1), "login": email, "password": password},
        headers={"Referer": address},
    )
    assert answer.status_code == 302, f"signing in was refused ({answer.status_code})"
    return client


def owner(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url, autocommit=True)


def quantile(values: list[float], share: float) -> float:
    """In milliseconds, of seconds."""
    ordered = sorted(values)
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)


def machine() -> str:
    """For the figures: cores, and how busy they were meanwhile."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"{os.cpu_count()} cores ({model.group(1) if model else '?'}), load {load}"
