"""The same on the mock that others wrote: connect, post, thread, answer, lost answer, removal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tanggap.accounts import connect
from tanggap.accounts.models import Account
from tanggap.core import http
from tanggap.execution.publishing import confirm, deliver, remove, sweep
from tests.publishing.scene import Hand, Scene


@pytest.fixture
def real(agency, member, mastodon_mock) -> Scene:
    person = member("editor")
    now = datetime.now(UTC)
    http.configure(private_hosts=[f"127.0.0.1:{mastodon_mock.port}"])
    account = Account.objects.create(
        agency=agency,
        kind="institution",
        channel="mastodon",
        handle="diskominfo",
        display_name="Diskominfo",
        server=mastodon_mock.url,
        owner_unit=agency,
        decree_number="SK/1/2026",
        recovery_contact="0811",
    )
    account = connect.connect(account, {"access_token": mastodon_mock.token}, by=person, now=now)
    hand = Hand()
    return Scene(agency, person, account, mastodon_mock, now, hand, sweep.Watch(hand))


def theirs(real) -> list[dict]:
    return real.server.ask(
        "GET",
        f"/api/v1/accounts/{real.account.remote_id}/statuses?limit=40",
        token=real.server.token,
    )


def test_a_thread_and_its_removal(real):
    rows = real.thread("Satu dari dua", "Dua dari dua")
    deliver.tick(real.now)
    assert [real.state(row) for row in rows] == ["published", "published"]
    assert {post["id"] for post in theirs(real)} == {row.remote_id for row in rows}
    remove.remove(rows[1], reason="Salah", by=real.editor, now=real.now)
    remove.tick(real.now)
    assert real.state(rows[1]) == "removed" and len(theirs(real)) == 1


def test_an_answer_that_breaks_is_looked_up(real):
    row = real.post("Apakah ini tayang? https://contoh.example/panjang/sekali?a=1&b=2")
    real.server.ask(
        "POST",
        "/api/v1/_mock/faults",
        {
            "match": {"methods": ["POST"], "path": "/api/v1/statuses"},
            "effect": {"type": "status", "status": 503},
            "count": 1,
        },
    )
    deliver.tick(real.now)
    assert real.state(row) == "unknown"
    from datetime import timedelta

    for minutes in range(1, 12):
        later = real.now + timedelta(minutes=minutes)
        confirm.tick(later)
        deliver.tick(later)
    assert real.state(row) == "published" and len(theirs(real)) == 1
