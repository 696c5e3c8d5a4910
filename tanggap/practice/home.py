"""The demo's own home, database and network: made once, back at the first minute in seconds.

Nothing here touches a real installation: the home is a folder below the usual one, and where
DATABASE_URL names a server, the demo makes databases of its own on it. No Django at import: the
settings are read after `claim` has said where everything is.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import socket
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from tanggap.core import database
from tanggap.practice.network import STORE

Progress = Callable[[str], None]
# What the first minute consists of, beside the database.
FILES = ("anchors.jsonl", "installation.json", "media")


class Busy(Exception):
    """Another demo runs in the same home."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where one demo lives. `base` connects to the server; `name` is its database there."""

    path: Path
    name: str
    base: str
    network_port: int

    @property
    def network(self) -> Path:
        return self.path / "network"

    @property
    def first(self) -> Path:
        """The first minute, kept."""
        return self.path / "first"

    @property
    def template(self) -> str:
        return f"{self.name}_first"


_locks: list[Any] = []


def claim(kind: str, port: int) -> Home:
    """Take the home of this kind of demo ("demo", "demo-story", "demo-headless") and tell the
    settings about it.

    Raises Busy while another process has it.
    """
    path = database.make_private(database.home() / kind)
    lock = open(path / "lock", "ab")  # noqa: SIM115
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Busy(str(path)) from error
    _locks.append(lock)
    # Empty until it is served; whoever asks for a page looks for it.
    (path / "static").mkdir(exist_ok=True)
    os.environ["TANGGAP_HOME"] = str(path)
    os.environ["TANGGAP_PRACTICE"] = "1"
    os.environ["TANGGAP_PUBLIC_URL"] = f"http://localhost:{port}"
    for name in (
        "TANGGAP_KEY_FILE",
        "TANGGAP_ANCHOR_FILE",
        "TANGGAP_MEDIA",
        "TANGGAP_DATABASE_ROLE",
        "TANGGAP_SECOND_FACTOR",
        "TANGGAP_EGRESS_PROXY",
    ):
        os.environ.pop(name, None)
    if database.is_local():
        name, base = database.NAME, ""
    else:
        name = f"tanggap_{kind.replace('-', '_')}"
        base = os.environ["DATABASE_URL"]
        os.environ["DATABASE_URL"] = make_conninfo(base, dbname=name)
    home = Home(path, name, base, _port(path))
    os.environ["TANGGAP_PRIVATE_HOSTS"] = f"127.0.0.1:{home.network_port}"
    return home


def _port(path: Path) -> int:
    """The network's port: the same every time, since the agency's account names it."""
    kept = path / "network-port"
    if kept.exists() and _free(int(kept.read_text())):
        return int(kept.read_text())
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    # With another port the kept first minute would speak to nobody.
    shutil.rmtree(path / "first", ignore_errors=True)
    (path / "begun").unlink(missing_ok=True)
    kept.write_text(str(port))
    return port


def _free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


# --- the database --------------------------------------------------------------------------------


def migrated(home: Home, progress: Progress, migrate: Callable[[], None]) -> None:
    """An empty database with today's tables. Copied from a kept one unless tables have changed."""
    kept = f"{home.name}_tables_{tables_version()[:12]}"
    if _exists(home, kept):
        _copy(home, kept, home.name)
        return
    with _server(home) as opened:
        rows = opened.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [f"{home.name}_"]
        )
        for (old,) in rows.fetchall():
            opened.execute(f'DROP DATABASE IF EXISTS "{old}" WITH (FORCE)')
        opened.execute(f'DROP DATABASE IF EXISTS "{home.name}" WITH (FORCE)')
        opened.execute(f'CREATE DATABASE "{home.name}"')
    shutil.rmtree(home.first, ignore_errors=True)
    progress("tables")
    migrate()
    _copy(home, home.name, kept)


def tables_version() -> str:
    """Changes when a migration, or a file that one imports, changes."""
    found, imported = hashlib.sha256(), set[str]()
    root = Path(__file__).resolve().parent.parent
    for path in sorted(root.glob("**/migrations/*.py")):
        text = path.read_text(encoding="utf-8")
        found.update(text.encode())
        imported |= set(re.findall(r"^(?:from|import) (tanggap[\w.]+)", text, re.M))
    for module in sorted(imported):
        spec = find_spec(module)
        if spec and spec.origin:
            found.update(Path(spec.origin).read_bytes())
    return found.hexdigest()


def _server(home: Home) -> psycopg.Connection[Any]:
    url = (
        database.local_url("postgres")
        if not home.base
        else make_conninfo(home.base, dbname="postgres")
    )
    return psycopg.connect(url, autocommit=True)


def _exists(home: Home, name: str) -> bool:
    with _server(home) as opened:
        return bool(
            opened.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        )


def _copy(home: Home, source: str, target: str) -> None:
    with _server(home) as opened:
        opened.execute(f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)')
        # Nobody may be at work in what is copied.
        opened.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [source]
        )
        opened.execute(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')


# --- the first minute ----------------------------------------------------------------------------


def keep_first(home: Home, begins: datetime) -> None:
    """Keep the seeded database, files and network, to come back to."""
    _copy(home, home.name, home.template)
    shutil.rmtree(home.first, ignore_errors=True)
    home.first.mkdir()
    for name in FILES:
        _put(home.path / name, home.first / name)
    _copy_network(home.network / STORE, home.first / STORE)
    (home.first / "about.json").write_text(
        json.dumps({"version": first_version(), "begins": begins.isoformat()})
    )


def first_minute(home: Home) -> datetime | None:
    """When the kept world begins; None when there is none that can still be played."""
    try:
        about = json.loads((home.first / "about.json").read_text())
    except (OSError, ValueError):
        return None
    if about["version"] != first_version() or not _exists(home, home.template):
        return None
    return datetime.fromisoformat(about["begins"])


def back_to_first(home: Home) -> None:
    """The first minute again. The network may run; nobody else may write meanwhile."""
    _copy(home, home.template, home.name)
    for name in FILES:
        target = home.path / name
        shutil.rmtree(target, ignore_errors=True) if target.is_dir() else target.unlink(True)
        _put(home.first / name, target)
    home.network.mkdir(exist_ok=True)
    _copy_network(home.first / STORE, home.network / STORE)


def clear(home: Home) -> None:
    """Forget files and network, as on the very first start."""
    for name in FILES:
        target = home.path / name
        shutil.rmtree(target, ignore_errors=True) if target.is_dir() else target.unlink(True)
    shutil.rmtree(home.network, ignore_errors=True)
    (home.path / "begun").unlink(missing_ok=True)


def first_version() -> str:
    """Changes with the tables, the world and the code that plays it."""
    found = hashlib.sha256(tables_version().encode())
    here = Path(__file__).resolve().parent
    code = (here / "seed.py", *sorted((here / "story").glob("*.py")))
    for path in (*code, *sorted((here / "world").glob("*.json"))):
        found.update(path.read_bytes())
    return found.hexdigest()


def _put(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copy2(source, target)


def _copy_network(source: Path, target: Path) -> None:
    """Into a file that the server may have open: SQLite itself knows how."""
    with sqlite3.connect(source, timeout=10) as one, sqlite3.connect(target, timeout=10) as other:
        one.backup(other)
    one.close()
    other.close()
