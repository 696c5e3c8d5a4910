"""What is sealed opens only with the right key for the right use, and keys rotate."""

from __future__ import annotations

import json
import os

import pytest

from tanggap.core import secrets


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "home" / "keys.json"
    before = secrets._path
    secrets.use(path)
    yield path
    if before:
        secrets.use(before)


def test_what_is_sealed_opens(path):
    sealed = secrets.seal(b"token", b"account:1")
    assert b"token" not in sealed and secrets.open_(sealed, b"account:1") == b"token"
    assert secrets.seal(b"token", b"account:1") != sealed
    assert secrets.key_id(sealed) == secrets.keyring().sealing[0].id


def test_the_file_is_its_owners_only(path):
    secrets.keyring()
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    secrets.use(path)
    with pytest.raises(secrets.SecretsError, match="chmod 600"):
        secrets.keyring()


@pytest.mark.parametrize("place", [0, 1, 9, 21, -1])
def test_a_changed_byte_does_not_open(path, place):
    sealed = bytearray(secrets.seal(b"token", b"account:1"))
    sealed[place] ^= 1
    with pytest.raises(secrets.SecretsError):
        secrets.open_(bytes(sealed), b"account:1")


def test_another_use_does_not_open(path):
    with pytest.raises(secrets.SecretsError):
        secrets.open_(secrets.seal(b"token", b"account:1"), b"account:2")
    with pytest.raises(secrets.SecretsError):
        secrets.open_(b"", b"")


def test_rotation(path):
    old = secrets.seal(b"token", b"x")
    signer, signature = secrets.sign(b"head")
    secrets.rotate()
    assert secrets.open_(old, b"x") == b"token"
    fresh = secrets.reseal(old, b"x")
    assert secrets.key_id(fresh) != secrets.key_id(old) and secrets.reseal(fresh, b"x") == fresh
    # The old signing key verifies but can sign no more.
    assert secrets.signed(b"head", signer, signature) and secrets.sign(b"head")[0] != signer
    assert json.loads(path.read_text())["signing"][1]["private"] is None
    secrets.forget(frozenset({secrets.key_id(old), secrets.key_id(fresh)}))
    assert secrets.open_(fresh, b"x") == b"token"
    with pytest.raises(secrets.UnknownKey, match="Restore the key file"):
        secrets.open_(old, b"x")


def test_another_process_rotated(path):
    secrets.keyring()
    before = path.read_text()
    secrets.rotate()
    sealed = secrets.seal(b"token", b"x")
    fresh = path.with_name("fresh")
    fresh.write_text(before)
    fresh.chmod(0o600)
    os.replace(fresh, path)
    with pytest.raises(secrets.UnknownKey):
        secrets.open_(sealed, b"x")


def test_signatures(path):
    signer, signature = secrets.sign(b"head")
    assert len(signature) == 64 and signer in secrets.public_keys()
    assert not secrets.signed(b"other", signer, signature)
    assert not secrets.signed(b"head", "no such key", signature)
    assert not secrets.signed(b"head", signer, b"")


@pytest.mark.parametrize("text", ["", "{}", '{"sealing": [], "signing": []}', "[1]"])
def test_a_broken_file_says_the_way_out(path, text):
    secrets.keyring()
    path.write_text(text)
    secrets.use(path)
    with pytest.raises(secrets.SecretsError, match="Restore it from its backup"):
        secrets.keyring()


def test_keys_of_persons(path):
    key = secrets.new_key()
    locked = secrets.lock(key, b"words", b"payload:1")
    assert secrets.unlock(key, locked, b"payload:1") == b"words"
    for wrong in (b"", locked[:-1], bytes([locked[0] ^ 1]) + locked[1:]):
        with pytest.raises(secrets.SecretsError):
            secrets.unlock(key, wrong, b"payload:1")
