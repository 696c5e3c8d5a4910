"""The database that starts by itself: started once, shared, stopped by its last user."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tanggap.core import database

USE = """
import sys
from tanggap.core import database
database.ensure_running(careless=True)
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A home of its own with no cluster in it yet."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("TANGGAP_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    database.stop()


def user() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def ends(process: subprocess.Popen[str]) -> int:
    process.communicate("\n", timeout=60)
    return process.returncode


def test_two_at_once_share_one_cluster_and_the_last_stops_it(place):
    first, second = user(), user()
    assert first.stdout.readline() == second.stdout.readline() == "ready\n"
    assert ends(first) == 0
    with psycopg.connect(database.local_url()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    assert ends(second) == 0
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database.local_url())


def test_a_killed_user_leaves_a_cluster_that_the_next_one_takes_over(place):
    killed = user()
    assert killed.stdout.readline() == "ready\n"
    killed.kill()
    killed.communicate()
    following = user()
    assert following.stdout.readline() == "ready\n"
    assert ends(following) == 0
    assert not database.stop()


def test_nobody_else_may_enter(place):
    process = user()
    assert process.stdout.readline() == "ready\n"
    socket = Path(database.config()["HOST"])
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert len(str(socket / ".s.PGSQL.5432.lock")) <= database.SOCKET_PATH_BYTES
    ends(process)


def test_a_deep_home_gets_a_short_socket(tmp_path, monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("TANGGAP_HOME", str(tmp_path / ("deep" * 30)))
    socket = database.config()["HOST"]
    assert len(f"{socket}/.s.PGSQL.5432.lock") <= database.SOCKET_PATH_BYTES
    Path(socket).mkdir(mode=0o755)
    with pytest.raises(database.DatabaseProblem, match="shorter path"):
        database.config()
    Path(socket).rmdir()


def test_missing_binaries_say_the_way_out(place, monkeypatch, tmp_path):
    monkeypatch.setenv("TANGGAP_POSTGRES_BIN", str(tmp_path))
    with pytest.raises(database.DatabaseProblem, match="lacks initdb"):
        database.ensure_running()


def test_another_database_is_used_as_given(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p%40@db.test:6432/t?sslmode=require")
    monkeypatch.setenv("TANGGAP_DATABASE_ROLE", "tanggap_app")
    found = database.config()
    assert (found["NAME"], found["USER"], found["PASSWORD"]) == ("t", "u", "p@")
    assert (found["HOST"], found["PORT"]) == ("db.test", "6432")
    assert found["OPTIONS"]["sslmode"] == "require"
    assert "-c role=tanggap_app -c statement_timeout=15000" in found["OPTIONS"]["options"]


def test_the_local_secret_is_made_once_and_private(tmp_path, monkeypatch):
    monkeypatch.setenv("TANGGAP_HOME", str(tmp_path / "home"))
    secret = database.local_secret()
    assert len(secret) > 60 and database.local_secret() == secret
    assert stat.S_IMODE((tmp_path / "home" / "secret").stat().st_mode) == 0o600
    assert os.listdir(tmp_path / "home") == ["secret"]
