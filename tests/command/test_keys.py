"""`tanggap keys`: everything sealed is sealed anew, on record, and old keys go only when asked."""

from __future__ import annotations

import pytest

from tanggap.accounts import connect
from tanggap.accounts.models import Account, Credential
from tanggap.archive.queries import facts_since
from tanggap.archive.record import record
from tanggap.cli import main
from tanggap.core import secrets

pytestmark = pytest.mark.django_db


@pytest.fixture
def ring(tmp_path, settings):
    """A key file of this test's own."""
    before = settings.KEY_FILE
    settings.KEY_FILE = tmp_path / "keys.json"
    secrets.use(settings.KEY_FILE)
    yield secrets.keyring()
    secrets.use(before)


@pytest.fixture
def account(ring, agency, now):
    made = Account.objects.create(
        agency=agency,
        kind="institution",
        channel="mastodon",
        handle="diskominfo",
        display_name="Diskominfo",
        server="https://sosial.example",
        owner_unit=agency,
        decree_number="SK/1/2026",
        recovery_contact="kominfo@lumbung.test",
    )
    connect.keep(made, {"access_token": "rahasia"}, by="system:test", now=now)
    return made


def test_rotating_seals_everything_anew_on_record(ring, account, province, now, capsys):
    record(
        account.agency,
        "test.said",
        account,
        by="citizen",
        now=now,
        content=b"kata",
        person_key="account:1:author:2",
    )
    assert main(["keys", "rotate"]) == 0
    said = capsys.readouterr().out
    fresh = secrets.keyring()
    assert fresh.sealing[0].id != ring.sealing[0].id and fresh.sealing[1] == ring.sealing[0]
    assert Credential.objects.get().key_id == fresh.sealing[0].id
    assert connect.credentials(account)["access_token"] == "rahasia"
    assert said.startswith("2 values are sealed"), "one credential and one person's key"
    assert ring.sealing[0].id in said
    found = facts_since(province, ["keys.rotated"], now.replace(year=2000))
    assert [facts["resealed"] for facts in found] == [2]


def test_an_old_key_is_forgotten_only_by_its_id(ring, account, capsys):
    main(["keys", "rotate"])
    assert main(["keys", "forget", secrets.keyring().sealing[0].id]) == 1
    assert "None of these is an old key" in capsys.readouterr().err
    assert main(["keys", "forget", ring.sealing[0].id]) == 0
    assert [key.id for key in secrets.keyring().sealing] == [Credential.objects.get().key_id]
    assert connect.credentials(account)["access_token"] == "rahasia"


def test_listing_keys_shows_no_key(ring, capsys):
    assert main(["keys", "list"]) == 0
    said = capsys.readouterr().out
    assert f"master   {ring.sealing[0].id}" in said and "in force" in said
    held = (secrets.keyring(), ring)
    for keys in held:
        for key in keys.sealing:
            assert key.key.hex() not in said


def test_a_key_file_that_others_can_read_is_an_error_in_words(ring, settings, capsys):
    settings.KEY_FILE.chmod(0o644)
    secrets.use(settings.KEY_FILE)
    assert main(["keys", "list"]) == 1
    assert "chmod 600" in capsys.readouterr().err
