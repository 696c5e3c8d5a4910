"""`tanggap backup` and `restore`: what was there is there again, and nothing is overwritten."""

from __future__ import annotations

import secrets
import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.command.test_serve import start
from tests.conftest import Clone

PERSON = (
    "--email",
    "rina@lumbung.test",
    "--name",
    "Rina",
    "--agency-name",
    "Kabupaten Lumbung",
    "--decree-number",
    "SK/1/2026",
)


@pytest.fixture
def empty(database_clone):
    """A database without a table, on the same server."""
    name = f"{database_clone.name}_{secrets.token_hex(2)}"
    with psycopg.connect(database_clone.url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield Clone(name, database_clone.url.replace(database_clone.name, name))
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def saved(database_clone, tmp_path) -> Path:
    """A backup of an installation with one person, one picture and an anchor file."""
    home = Path(tmp_path / "home")
    said(start(database_clone, tmp_path, "admin", "create", *PERSON, **files(home)), 0)
    (home / "media" / "a").mkdir(parents=True)
    (home / "media" / "a" / "foto.jpg").write_bytes(b"picture")
    (home / "anchors.jsonl").write_text("{}\n")
    said(
        start(
            database_clone,
            tmp_path,
            "backup",
            str(tmp_path / "to"),
            "--keys",
            str(tmp_path / "keys"),
            **files(home),
        ),
        0,
    )
    (place,) = (tmp_path / "to").iterdir()
    return place


def files(home: Path) -> dict[str, str]:
    return {
        "TANGGAP_MEDIA": str(home / "media"),
        "TANGGAP_ANCHOR_FILE": str(home / "anchors.jsonl"),
        "TANGGAP_KEY_FILE": str(home / "keys.json"),
    }


def said(process: subprocess.Popen[str], status: int) -> str:
    words = process.communicate(timeout=120)[0]
    assert process.returncode == status, words
    return words


def people(clone: Clone) -> list[str]:
    with psycopg.connect(clone.url) as connection:
        return [row[0] for row in connection.execute("SELECT email FROM core_person")]


def test_what_was_there_is_there_again(saved, empty, tmp_path):
    home = tmp_path / "elsewhere"
    words = said(start(empty, tmp_path, "restore", str(saved), **files(home)), 0)
    assert people(empty) == ["rina@lumbung.test"]
    assert (home / "media" / "a" / "foto.jpg").read_bytes() == b"picture"
    assert (home / "anchors.jsonl").read_text() == "{}\n"
    assert "Put the key file" in words
    with psycopg.connect(empty.url) as connection:
        walls = connection.execute("SELECT count(*) FROM pg_policies").fetchone()
    assert walls and walls[0] > 50
    (keys,) = (tmp_path / "keys").iterdir()
    assert keys.stat().st_mode & 0o077 == 0 and not list(saved.glob("*key*"))
    said(start(empty, tmp_path, "migrate", **files(home)), 0)


def test_nothing_is_loaded_over_what_is_there(saved, database_clone, tmp_path):
    words = said(start(database_clone, tmp_path, "restore", str(saved)), 1)
    assert "not empty" in words and people(database_clone) == ["rina@lumbung.test"]


def test_a_newer_anchor_file_stays(saved, empty, tmp_path):
    home = tmp_path / "elsewhere"
    home.mkdir()
    (home / "anchors.jsonl").write_text("newer\n")
    said(start(empty, tmp_path, "restore", str(saved), **files(home)), 0)
    assert (home / "anchors.jsonl").read_text() == "newer\n"


def test_a_changed_backup_is_refused_before_anything_is_loaded(saved, empty, tmp_path):
    with (saved / "database.dump").open("ab") as file:
        file.write(b"x")
    assert "not what was backed up" in said(start(empty, tmp_path, "restore", str(saved)), 1)
    with psycopg.connect(empty.url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_policies").fetchone() == (0,)


def test_a_folder_that_is_no_backup(empty, tmp_path):
    assert "not a whole backup" in said(start(empty, tmp_path, "restore", str(tmp_path)), 1)
