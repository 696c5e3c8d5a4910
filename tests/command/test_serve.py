"""`tanggap serve` and `tanggap worker` as real processes on a database of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import psycopg
import pytest

TANGGAP = [sys.executable, "-c", "import sys; from tanggap.cli import main; sys.exit(main())"]


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


def end(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGTERM)
    return process.communicate(timeout=30)[0]


def test_serve_answers_as_the_apps_role_and_ends_politely(database_clone, tmp_path):
    port = free_port()
    process = start(database_clone, tmp_path, "serve", "--port", str(port))
    try:
        answer = None
        deadline = time.monotonic() + 60
        while answer is None and time.monotonic() < deadline:
            assert process.poll() is None, process.communicate()[0]
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/", timeout=20)
            except httpx.TransportError:
                time.sleep(0.1)
        assert answer is not None and answer.status_code in (200, 302)
        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    finally:
        said = end(process)
    assert process.returncode == 0, said


def test_the_worker_runs_every_function_once(database_clone, tmp_path):
    process = start(database_clone, tmp_path, "worker", "--once")
    said = process.communicate(timeout=120)[0]
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


@pytest.mark.parametrize("secret", ["", "short", "x" * 80])
def test_a_public_address_needs_a_secret_that_cannot_be_guessed(database_clone, tmp_path, secret):
    process = start(
        database_clone,
        tmp_path,
        "serve",
        TANGGAP_PUBLIC_URL="https://desk.go.id",
        TANGGAP_SECRET_KEY=secret,
    )
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert "TANGGAP_SECRET_KEY" in said and "Make one with" in said


def test_serving_an_unmigrated_database_says_what_to_run(database_clone, tmp_path):
    with psycopg.connect(database_clone.url, autocommit=True) as connection:
        connection.execute("DELETE FROM django_migrations WHERE app = 'core'")
    process = start(database_clone, tmp_path, "worker")
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 1 and "tanggap migrate" in said
    assert os.path.isdir(tmp_path)
