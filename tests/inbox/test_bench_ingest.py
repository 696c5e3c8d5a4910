"""The bench of the door in its bounded form: a real server, a worker that is killed."""

from __future__ import annotations

import pytest

from tests.inbox.test_bench import run


@pytest.mark.long(12)
def test_what_comes_to_the_door_is_stored_once_and_shown_or_kept_apart(database_clone):
    found = run(
        "ingest",
        database_clone,
        "--events=200",
        "--duplicates=0.2",
        "--reorder",
        "--kill",
        "--rate=60",
        "--life=60",  # killed once, when all was sent
    )
    assert found["stored"] == found["sent"] == 200
    assert found["shown"] + found["quarantined"] == 200 and found["quarantined"] > 0
    assert found["duplicates_stored"] == found["waiting"] == found["refused"] == 0
    assert found["requests"] >= 240 and found["kills"] >= 1
