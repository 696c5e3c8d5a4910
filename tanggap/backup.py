"""Back up and restore a whole installation: database, media and anchors in one folder.

    FOLDER/tanggap-20261122T010000Z/
        database.dump    pg_dump's own format, compressed
        media.tar        uploaded files
        anchors.jsonl    signed heads of the archive, not newer than the database beside them
        about.json       version, instant, servers, and the SHA-256 of each file

Keys are left out on purpose: whoever has the database and the keys has every account. A copy of the
key file goes where the operator says, or nowhere. What names the installation that may send
(`installation.json`) stays too, so that a restored one starts with sending off.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import psycopg

from tanggap import __version__
from tanggap.core import database
from tanggap.core.ground import CREATE_ROLE, GRANT_ROLE, LEAKPROOF, ROLES

Progress = Callable[[str, int, int], None]
DUMP, MEDIA, ANCHORS, ABOUT = "database.dump", "media.tar", "anchors.jsonl", "about.json"


class BackupProblem(Exception):
    """The backup or the restore did not happen. The message says why and what to do."""


def back_up(
    folder: Path, *, url: str, media: Path, anchors: Path, now: datetime, progress: Progress
) -> Path:
    """Write one backup below `folder`; returns its place. Nothing half-made keeps that name."""
    place = folder / f"tanggap-{now:%Y%m%dT%H%M%SZ}"
    half = place.with_name(f".{place.name}.part")
    if place.exists():
        raise BackupProblem(f"{place} exists already; wait a second, or name another folder.")
    shutil.rmtree(half, ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        half.mkdir(mode=0o700)
        # Before the database, so that they never know heads that the dump lacks.
        if anchors.exists():
            shutil.copyfile(anchors, half / ANCHORS)
        server = _dump(url, half / DUMP, progress)
        _pack(media, half / MEDIA, progress)
        about = {
            "tanggap": __version__,
            "at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "postgresql": server,
            "sha256": {path.name: _digest(path) for path in sorted(half.iterdir())},
        }
        (half / ABOUT).write_text(json.dumps(about, indent=1) + "\n")
        half.rename(place)
    except OSError as error:
        raise BackupProblem(f"{error}. Nothing was kept of this backup.") from error
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return place


def restore(place: Path, *, url: str, media: Path, anchors: Path, progress: Progress) -> None:
    """Load a backup into an empty database. Files that are there already are left as they are:
    an anchor file that is newer than the backup shows what was lost."""
    try:
        about = json.loads((place / ABOUT).read_text())
        for number, (name, digest) in enumerate(about["sha256"].items(), 1):
            progress("files compared", number, len(about["sha256"]))
            if _digest(place / name) != digest:
                raise BackupProblem(f"{place / name} is not what was backed up: use another.")
    except (OSError, ValueError, KeyError) as error:
        raise BackupProblem(f"{place} is not a whole backup: {error}.") from error
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
        ).fetchone()
        if found and found[0]:
            raise BackupProblem(
                "The database is not empty, and nothing is ever loaded over what is there. "
                "Name an empty one in DATABASE_URL, or another place in TANGGAP_HOME."
            )
        try:
            for role in ROLES:
                connection.execute(CREATE_ROLE.format(role=role).encode())
                connection.execute(GRANT_ROLE.format(role=role).encode())
        except psycopg.errors.InsufficientPrivilege as error:
            raise BackupProblem(
                "The roles tanggap_app and tanggap_worker are missing, and this user may not make "
                "them: docs/how-to/run-for-real.md shows what a superuser runs once."
            ) from error
    _load(url, place / DUMP, progress)
    # Belongs to the server, not to the dump; `doctor` tells where only a superuser may.
    with (
        suppress(psycopg.errors.InsufficientPrivilege),
        psycopg.connect(url, autocommit=True) as connection,
    ):
        connection.execute(LEAKPROOF)
    _unpack(place / MEDIA, media, progress)
    if (place / ANCHORS).exists() and not anchors.exists():
        anchors.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(place / ANCHORS, anchors)
        anchors.chmod(0o600)


# --- the database ------------------------------------------------------------------------------


def _dump(url: str, target: Path, progress: Progress) -> str:
    with psycopg.connect(url) as connection:
        server = connection.info.server_version // 10000
        row = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
        ).fetchone()
    total = row[0] if row else 0
    # The owner's policies show all rows; without this pg_dump refuses because there are any.
    command = [_program("pg_dump", server), "--enable-row-security", "--no-owner", "--verbose"]
    command += ["--format=custom", f"--file={target}", f"--dbname={url}"]
    _run(command, re.compile(r"dumping contents of table"), total, "tables", progress)
    return str(server)


def _load(url: str, source: Path, progress: Progress) -> None:
    with psycopg.connect(url) as connection:
        server = connection.info.server_version // 10000
    program = _program("pg_restore", server)
    said = subprocess.run([program, "--list", source], capture_output=True, text=True, check=False)
    total = said.stdout.count(" TABLE DATA ")
    # All or nothing, and the comments of extensions belong to whoever made those.
    command = [program, "--single-transaction", "--no-owner", "--no-comments", "--verbose"]
    command += ["--enable-row-security", f"--dbname={url}", str(source)]
    _run(command, re.compile(r"processing data for table"), total, "tables", progress)


def _run(
    command: list[str], step: re.Pattern[str], total: int, what: str, progress: Progress
) -> None:
    done, words = 0, []
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert process.stderr is not None
    for line in process.stderr:
        words.append(line.strip())
        if step.search(line):
            done += 1
            progress(what, min(done, total), total)
    if process.wait():
        errors = [line for line in words if "error" in line.lower()] or words[-3:]
        raise BackupProblem(
            f"{command[0]} did not finish: {' / '.join(errors[:3])} "
            "It must be of the server's own version, and nothing was changed."
        )
    progress(what, total, total)


def _program(name: str, server: int) -> str:
    """The `name` of the server's version, else the next newer one: an older cannot read it, and a
    newer says things to it that it may not know."""
    found: dict[int, str] = {}
    for folder in _folders():
        program = folder / name
        if os.access(program, os.X_OK):
            said = subprocess.run(
                [program, "--version"], capture_output=True, text=True, check=False
            )
            match = re.search(r"(\d+)", said.stdout)
            if match and int(match.group(1)) >= server:
                found.setdefault(int(match.group(1)), str(program))
    if not found:
        raise BackupProblem(
            f"{name} of PostgreSQL {server} or newer is needed. "
            f"Install it with: apt install postgresql-client-{server}"
        )
    return found[min(found)]


def _folders() -> Iterator[Path]:
    named = os.environ.get("TANGGAP_POSTGRES_BIN")
    if named:
        yield Path(named)
    yield from database.candidates()
    yield from (Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part)


# --- files -------------------------------------------------------------------------------------


def _pack(folder: Path, target: Path, progress: Progress) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    with tarfile.open(target, "w") as archive:
        for number, path in enumerate(files, 1):
            archive.add(path, path.relative_to(folder).as_posix(), recursive=False)
            progress("media files", number, len(files))


def _unpack(source: Path, folder: Path, progress: Progress) -> None:
    """Files alone, each below the folder. (Python's own filter came with 3.11.4; Debian 12 has
    3.11.2.)"""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tarfile.open(source) as archive:
        members = archive.getmembers()
        for number, member in enumerate(members, 1):
            target = folder / member.name
            file = archive.extractfile(member) if member.isfile() else None
            if file is None or not target.resolve().is_relative_to(folder.resolve()):
                raise BackupProblem(
                    f"“{member.name}” in {source} is no media file of ours, or leads out of its "
                    "folder. Nobody's backup looks like this: use another one."
                )
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                part = target.with_name(f"{target.name}.part")
                with file, part.open("wb") as into:
                    shutil.copyfileobj(file, into)
                part.replace(target)
            progress("media files", number, len(members))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
