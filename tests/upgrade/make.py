"""Make the fixture of a release: its database after a whole practice cycle, its keys, its anchors.

    git worktree add ../release COMMIT
    python tests/upgrade/make.py ../release 0.1.0

Run it once, when a release is made, with the release's own code; never with later code. Release
0.1.0 is commit c3c2312. All of it is invented: the keys opened a practice world that is gone.

The dump is plain SQL with INSERTs, so that any PostgreSQL from 15 on loads it without `psql`.
"""

from __future__ import annotations

import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tanggap.core import database

HERE = Path(__file__).resolve().parent
# What newer servers write and older ones do not know.
STRANGE = re.compile(r"^(?:\\(?:un)?restrict .*|SET transaction_timeout = 0;)\n", re.M)
MOST_BYTES = 400_000


def main(release: Path, version: str) -> None:
    """Play the release's headless cycle and keep what it left."""
    with tempfile.TemporaryDirectory(prefix="tanggap-release-") as place:
        home = Path(place) / "demo-headless"
        tanggap(release, Path(place), "demo", "--headless", "--json")
        tanggap(release, home, "database", "start")
        try:
            url = tanggap(release, home, "database", "url").strip()
            text = subprocess.run(
                [
                    pg_dump(),
                    "--enable-row-security",
                    "--no-owner",
                    "--no-comments",
                    "--inserts",
                    "--rows-per-insert=200",
                    f"--dbname={url}",
                ],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        finally:
            tanggap(release, home, "database", "stop")
        packed = lzma.compress(STRANGE.sub("", text).encode(), preset=9 | lzma.PRESET_EXTREME)
        assert len(packed) < MOST_BYTES, f"{len(packed)} bytes: play a smaller world"
        (HERE / f"{version}.sql.xz").write_bytes(packed)
        shutil.copyfile(home / "keys.json", HERE / f"{version}.keys.json")
        shutil.copyfile(home / "anchors.jsonl", HERE / f"{version}.anchors.jsonl")
        print(f"{version}: {len(packed)} bytes of SQL, its keys and its anchors, in {HERE}")


def tanggap(release: Path, home: Path, *words: str) -> str:
    """One command of the release, with its own code, in a home of its own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TANGGAP_") and name != "DATABASE_URL"
    }
    return subprocess.run(
        [sys.executable, "-m", "tanggap", *words],
        cwd=release,
        env={**kept, "PYTHONPATH": str(release.resolve()), "TANGGAP_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def pg_dump() -> str:
    """Of the PostgreSQL that Tanggap itself would start."""
    found = [folder / "pg_dump" for folder in database.candidates()]
    return str(next(path for path in found if path.exists()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
