"""The benches' bounded forms. They count; how long anything takes is for the benches themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


def bench(database_clone, name: str, *words: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, f"bench/{name}/bench.py", *words, "--json"],
        cwd=ROOT,
        env=database_clone.environment(BENCH_LOUD="1"),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.stdout.strip(), done.stderr[-4000:]
    return json.loads(done.stdout) | {"said": done.stderr[:3000]}


@pytest.mark.long(90)
def test_whatever_breaks_each_post_goes_out_once(database_clone):
    found = bench(database_clone, "deliver", "--trials", "40", "--limit-s", "30")
    assert (found["trials"], found["duplicates"], found["lost"]) == (40, 0, 0), found["said"]
    assert found["unsettled"] == 0, found["said"]


def test_many_accounts_at_once_need_few_connections(database_clone):
    found = bench(
        database_clone, "burst", "--posts", "200", "--accounts", "10", "--latency-ms", "20"
    )
    assert (found["posts"], found["duplicates"], found["lost"]) == (200, 0, 0), found
    assert found["states"] == {"published": 200}, found
    assert found["database_connections"] <= 8
