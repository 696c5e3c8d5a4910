"""The bench of the inbox in its bounded form: a real server, three thousand conversations."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


def run(name: str, clone, *options: str) -> dict:
    done = subprocess.run(
        [
            sys.executable,
            str(BENCH / name / "bench.py"),
            "--json",
            f"--database={clone.url}",
            *options,
        ],
        env=clone.environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.long(15)
def test_pages_are_walked_to_the_last_and_none_asks_more_than_twelve_queries(database_clone):
    found = run("inbox", database_clone, "--conversations=3000", "--requests=8", "--pages=30")
    for kind in ("list", "next_page", "search", "open"):
        assert 0 < found[kind]["queries"] <= 12, (kind, found[kind])
        assert found[kind]["sql_p50_ms"] > 0 and 0 < found[kind]["p50_ms"] <= found[kind]["p95_ms"]
    walk = found["walk"]
    assert walk["gaps"] == walk["repeats"] == 0
    assert walk["sql_rows"] > 2900 and walk["http_pages"] > found["of_the_agency"] // 25
    assert found["largest_page_kb"] < 100


@pytest.mark.long(10)
def test_every_page_hears_its_own_events_and_no_others(database_clone):
    found = run(
        "events",
        database_clone,
        "--streams=40",
        "--events=60",
        "--rate=20",
        "--conversations=600",
    )
    assert found["streams"] == 40 and found["heard"] > 500
    assert found["missed"] == found["overheard"] == found["broken"] == 0
    # A page takes a thread and a connection, a stream neither.
    assert found["database_connections"] <= 18
