"""`tanggap backup` and `restore`: what was there is there again, and nothing is overwritten."""

from __future__ import annotations

import secrets
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from tanggap.backup import BackupProblem, _unpack, back_up, restore
from tests.command.test_serve import start
from tests.conftest import Clone

NOW = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)


@pytest.fixture
def empty(database_clone):
    """A database without a table, on the same server."""
    name = f"{database_clone.name}_{secrets.token_hex(2)}"
    with psycopg.connect(database_clone.url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield Clone(name, database_clone.url.replace(database_clone.name, name))
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def files(tmp_path) -> dict[str, Path]:
    """One picture and an anchor file."""
    (tmp_path / "media" / "a").mkdir(parents=True)
    (tmp_path / "media" / "a" / "foto.jpg").write_bytes(b"picture")
    (tmp_path / "anchors.jsonl").write_text("{}\n")
    return {"media": tmp_path / "media", "anchors": tmp_path / "anchors.jsonl"}


@pytest.fixture
def saved(database_clone, files, tmp_path) -> Path:
    """A backup of them and of one agency, which stands behind the wall."""
    with psycopg.connect(database_clone.url) as connection:
        connection.execute(
            "INSERT INTO core_agency (kind, autonomous, name, short_name, slug, code, zone,"
            " region_code, contact, website, rules) VALUES ('regency', true, 'Lumbung', 'Lumbung',"
            " 'lumbung', 'LBG', 'Asia/Jakarta', '', '', '', '{}')"
        )
    return back_up(tmp_path / "to", url=database_clone.url, now=NOW, progress=silent, **files)


def silent(what: str, done: int, total: int) -> None:
    assert 0 <= done <= total, what


def elsewhere(tmp_path: Path) -> dict[str, Path]:
    return {"media": tmp_path / "new" / "media", "anchors": tmp_path / "new" / "anchors.jsonl"}


def ask(clone: Clone, question: str) -> object:
    with psycopg.connect(clone.url) as connection:
        row = connection.execute(question.encode()).fetchone()
    return row and row[0]


def test_what_was_there_is_there_again(saved, empty, tmp_path):
    assert saved.name == "tanggap-20261122T013000Z" and saved.stat().st_mode & 0o077 == 0
    new = elsewhere(tmp_path)
    restore(saved, url=empty.url, progress=silent, **new)
    assert ask(empty, "SELECT slug FROM core_agency") == "lumbung"
    assert ask(empty, "SELECT count(*) FROM pg_policies") > 50, "the wall stands again"
    assert (new["media"] / "a" / "foto.jpg").read_bytes() == b"picture"
    assert new["anchors"].read_text() == "{}\n"


def test_nothing_is_loaded_over_what_is_there(saved, database_clone, tmp_path):
    with pytest.raises(BackupProblem, match="not empty"):
        restore(saved, url=database_clone.url, progress=silent, **elsewhere(tmp_path))
    assert ask(database_clone, "SELECT count(*) FROM core_agency") == 1


def test_files_that_are_there_stay(saved, empty, files):
    files["anchors"].write_text("newer\n")
    (files["media"] / "a" / "foto.jpg").write_bytes(b"newer")
    restore(saved, url=empty.url, progress=silent, **files)
    assert files["anchors"].read_text() == "newer\n"
    assert (files["media"] / "a" / "foto.jpg").read_bytes() == b"newer"


def test_a_changed_backup_is_refused_before_anything_is_loaded(saved, empty, tmp_path):
    with (saved / "database.dump").open("ab") as file:
        file.write(b"x")
    with pytest.raises(BackupProblem, match="not what was backed up"):
        restore(saved, url=empty.url, progress=silent, **elsewhere(tmp_path))
    assert ask(empty, "SELECT count(*) FROM pg_policies") == 0


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.SYMTYPE])
def test_media_that_lead_out_of_their_folder_are_refused(tmp_path, kind):
    """Whoever makes a backup up can make its sums up too."""
    member = tarfile.TarInfo("../outside.jpg" if kind == tarfile.REGTYPE else "link.jpg")
    member.type, member.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "media.tar", "w") as archive:
        archive.addfile(member)
    with pytest.raises(BackupProblem, match="no media file of ours"):
        _unpack(tmp_path / "media.tar", tmp_path / "media", silent)
    assert list((tmp_path / "media").iterdir()) == [] and not (tmp_path / "outside.jpg").exists()


def test_a_folder_that_is_no_backup(empty, tmp_path):
    with pytest.raises(BackupProblem, match="not a whole backup"):
        restore(tmp_path, url=empty.url, progress=silent, **elsewhere(tmp_path))


def test_a_database_that_does_not_answer_leaves_nothing_half_made(files, tmp_path):
    with pytest.raises(psycopg.OperationalError):
        back_up(tmp_path / "to", url="host=/nowhere", now=NOW, progress=silent, **files)
    assert list((tmp_path / "to").iterdir()) == []


def test_the_command_keeps_the_keys_apart(database_clone, tmp_path):
    process = start(
        database_clone,
        tmp_path,
        "backup",
        str(tmp_path / "to"),
        "--keys",
        str(tmp_path / "keys"),
        TANGGAP_KEY_FILE=str(tmp_path / "keys.json"),
    )
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 0, said
    (place,), (keys,) = (tmp_path / "to").iterdir(), (tmp_path / "keys").iterdir()
    assert str(place) in said and not list(place.glob("*key*"))
    assert keys.read_bytes() == (tmp_path / "keys.json").read_bytes()
    assert keys.stat().st_mode & 0o077 == 0
