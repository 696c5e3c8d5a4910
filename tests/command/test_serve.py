"""`tanggap serve` and `tanggap worker` as real processes on a database of their own."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest
from django.test import override_settings

from tanggap import cli
from tests import gathered

pytestmark = pytest.mark.long(4)

TANGGAP = [sys.executable, "-c", "import sys; from tanggap.cli import main; sys.exit(main())"]


PATIENCE = 240
"""Seconds; only a process that hangs takes them, however busy the machine is."""


def start(clone, tmp_path, *words: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*TANGGAP, *words],
        env=clone.environment(
            DJANGO_SETTINGS_MODULE="tanggap.settings",
            TANGGAP_HOME=str(tmp_path / "home"),
            **environment,
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def get(port: int, path: str) -> httpx.Response:
    # Loopback has no certificates; reading the machine's takes longer than asking.
    return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=60, verify=False)


def first_answer(process: subprocess.Popen[str], port: int) -> httpx.Response:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[0]
        try:
            return get(port, "/")
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("nothing answered")


def wait(until: Callable[[], object], what: str = "it did not happen") -> None:
    deadline = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def children(pid: int) -> list[int]:
    found = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in tasks.read_text().split()]
    return found


def family(pid: int) -> dict[str, int]:
    """Children of a process by the verb of their command."""
    named = {}
    for child in children(pid):
        words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
        named["worker" if "worker" in words else words[-2]] = child
    return named


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ticked(clone) -> bool:
    with psycopg.connect(clone.url) as connection:
        found = connection.execute("SELECT count(*) FROM procrastinate_periodic_defers").fetchone()
    return bool(found and found[0])


def end(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGTERM)
    return process.communicate(timeout=PATIENCE)[0]


def test_serve_answers_as_the_apps_role_and_ends_politely(database_clone, tmp_path):
    port = free_port()
    gathered.lend(tmp_path / "home")
    process = start(database_clone, tmp_path, "serve", "--port", str(port), "--without-worker")
    try:
        answer = first_answer(process, port)
        assert answer.status_code in (200, 302)
        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
        assert "worker" not in family(process.pid), "it was asked to be without"
    finally:
        said = end(process)
    assert process.returncode == 0, said
    assert "Nobody can sign in yet" in said and "admin create" in said


def test_serve_alone_brings_up_a_worker_and_hashed_pages(database_clone, tmp_path):
    port = free_port()
    process = start(database_clone, tmp_path, "serve", "--port", str(port), TANGGAP_PRACTICE="")
    worker = 0
    try:
        first_answer(process, port)
        page = get(port, "/masuk/login/")
        assert page.status_code == 200
        sheet = re.search(r'href="(/static/css/base\.[0-9a-f]{12}\.css)"', page.text)
        assert sheet, "the pages name files by their hash"
        style = get(port, sheet.group(1))
        assert style.status_code == 200 and "immutable" in style.headers["Cache-Control"]
        gathered.keep(tmp_path / "home")
        wait(lambda: ticked(database_clone))
        worker = family(process.pid)["worker"]
    finally:
        said = end(process)
    assert process.returncode == 0, said
    assert not alive(worker)


def test_the_worker_beside_ends_even_when_serve_is_killed(database_clone, tmp_path):
    port = free_port()
    gathered.lend(tmp_path / "home")
    process = start(database_clone, tmp_path, "serve", "--port", str(port))
    worker, others = 0, []
    try:
        first_answer(process, port)
        wait(lambda: "worker" in family(process.pid))
        worker = family(process.pid)["worker"]
        others = children(process.pid)
    finally:
        process.kill()
        process.wait(timeout=PATIENCE)
        # The process that answered is the server's own child; it is not ours to keep.
        for child in set(others) - {worker}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
    wait(lambda: not alive(worker), "the worker outlived serve")


def test_a_taken_port_is_said_before_anything_is_prepared(database_clone, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start(database_clone, tmp_path, "serve", "--port", str(port))
        said = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 1
    assert f"127.0.0.1:{port}" in said and "--port" in said


def test_the_worker_runs_every_function_once(database_clone, tmp_path):
    process = start(database_clone, tmp_path, "worker", "--once")
    said = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0, said


def test_two_workers_do_not_run_the_same_function_at_once(database_clone, tmp_path):
    from tests.command.holding import hold

    with psycopg.connect(database_clone.url) as other, hold(other, "tanggap.worker.tidy"):
        code = (
            "import os, django; django.setup()\n"
            "from tanggap.core import clock\nfrom tanggap.worker import tick\n"
            "print(tick('tanggap.worker.tidy', clock.now()))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=database_clone.environment(DJANGO_SETTINGS_MODULE="tanggap.settings"),
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout == "False\n"


PUBLIC = "https://desk.go.id"


def test_a_public_address_needs_a_secret(database_clone, tmp_path):
    words = ("serve", "--port", str(free_port()))
    process = start(
        database_clone, tmp_path, *words, TANGGAP_PUBLIC_URL=PUBLIC, TANGGAP_SECRET_KEY=""
    )
    said = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 1
    assert "TANGGAP_SECRET_KEY" in said and "Make one with" in said


@pytest.mark.parametrize("secret", ["", "short", "x" * 80])
def test_the_secret_of_a_public_address_cannot_be_guessed(secret, monkeypatch):
    monkeypatch.setenv("TANGGAP_SECRET_KEY", secret)
    with (
        override_settings(PUBLIC_URL=PUBLIC),
        pytest.raises(cli.CannotRun, match="Make one with"),
    ):
        cli._refuse_weak_secret()
    monkeypatch.setenv("TANGGAP_SECRET_KEY", secrets.token_urlsafe(64))
    with override_settings(PUBLIC_URL=PUBLIC):
        cli._refuse_weak_secret()


def test_serving_an_unmigrated_database_says_what_to_run(database_clone, tmp_path):
    with psycopg.connect(database_clone.url, autocommit=True) as connection:
        connection.execute("DELETE FROM django_migrations WHERE app = 'core'")
    process = start(database_clone, tmp_path, "worker")
    said = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 1 and "tanggap migrate" in said
    assert os.path.isdir(tmp_path)
