"""Static files that one `tanggap serve` gathered, lent to the next one's home.

Hashing and compressing them takes a core five seconds, and a served home begins empty in many
tests. `serve` looks by itself whether what it finds there is still right.
"""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

from tanggap.core import database

STAMP = "collected"


def _kept() -> Path:
    return database.home() / "gathered"


def lend(home: Path) -> None:
    """Give a home that is not served yet what an earlier one gathered, if there was one."""
    if (_kept() / STAMP).exists():
        try:
            shutil.copytree(_kept(), home / "static")
        except OSError:
            # Another process of the same run put newer files there just now: gather anew.
            shutil.rmtree(home / "static", ignore_errors=True)


def keep(home: Path) -> None:
    """Keep what a served home gathered, unless it is what is kept already."""
    mine, known = home / "static" / STAMP, _kept() / STAMP
    if not mine.exists() or (known.exists() and known.read_text() == mine.read_text()):
        return
    fresh = _kept().with_name(f"gathered-{uuid.uuid4().hex}")
    shutil.copytree(home / "static", fresh)
    old = fresh.with_suffix(".old")
    try:
        if _kept().exists():
            os.rename(_kept(), old)
        os.rename(fresh, _kept())
    except OSError:
        # Another process of the same run was quicker.
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
