"""Keys, and what they lock. Plain Python: nothing here knows Django or the database.

The key file (`keys.json`, mode 0600, outside the database and outside its backups) holds master
keys and Ed25519 signing keys, newest first, each with an id and the time it was made:

    {"sealing": [{"id": "9f…", "created": "…Z", "key": "base64"}],
     "signing": [{"id": "c2…", "created": "…Z", "private": "base64", "public": "base64"}]}

A sealed value names the key that opens it, so keys rotate without touching what is stored:

    byte 0      1, the version of this format
    bytes 1-8   id of the master key
    bytes 9-20  nonce
    bytes 21-   AES-256-GCM ciphertext and tag; the associated data says what the value is for

Per-person keys (crypto-shredding) are made by `new_key`, wrapped with `seal`, and lock content
with `lock` and `unlock`; who destroys the wrapped key destroys the content.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = 1
ID_BYTES, NONCE_BYTES, KEY_BYTES = 8, 12, 32


class SecretsError(Exception):
    """The key file cannot be used, or a sealed value cannot be opened. Says the way out."""


class UnknownKey(SecretsError):
    """The value was sealed by a key that is not in the key file."""


@dataclass(frozen=True, slots=True)
class SealingKey:
    id: str
    created: str
    key: bytes


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`private` is None once a newer key has taken over: the old one only verifies."""

    id: str
    created: str
    public: bytes
    private: bytes | None


@dataclass(frozen=True, slots=True)
class Keyring:
    """What the key file holds, newest first."""

    sealing: tuple[SealingKey, ...]
    signing: tuple[SigningKey, ...]


_path: Path | None = None
_read: tuple[Path, int, int, Keyring] | None = None


def use(path: Path) -> None:
    """Name the key file of this process. Called once, when the application starts."""
    global _path, _read
    _path, _read = Path(path), None


def keyring() -> Keyring:
    """The keys in force. The file is made, with first keys, when there is none."""
    global _read
    path = _named()
    try:
        found = path.stat()
    except FileNotFoundError:
        with _locked(path):
            if not path.exists():
                _write(path, Keyring((_new_sealing(),), (_new_signing(),)))
        found = path.stat()
    # Another process may have rotated: the file's own change says so.
    if _read and _read[:3] == (path, found.st_mtime_ns, found.st_ino):
        return _read[3]
    if found.st_mode & 0o077:
        raise SecretsError(
            f"{path} can be read by other users of this machine. Run: chmod 600 {path}"
        )
    ring = _load(path)
    _read = (path, found.st_mtime_ns, found.st_ino, ring)
    return ring


# --- the master key -------------------------------------------------------------------------


def seal(plain: bytes, aad: bytes) -> bytes:
    """Lock `plain` with the newest master key. `aad` says what it is for and must match later."""
    key = keyring().sealing[0]
    nonce = os.urandom(NONCE_BYTES)
    head = bytes([FORMAT]) + bytes.fromhex(key.id)
    return head + nonce + AESGCM(key.key).encrypt(nonce, plain, head + aad)


def open_(sealed: bytes, aad: bytes) -> bytes:
    """The plain value. Raises UnknownKey or SecretsError; never returns something else."""
    head, nonce, locked = sealed[:9], sealed[9:21], sealed[21:]
    if len(sealed) < 37 or sealed[0] != FORMAT:
        raise SecretsError("This is not a sealed value, or it was cut short.")
    wanted = key_id(sealed)
    for key in keyring().sealing:
        if key.id == wanted:
            try:
                return AESGCM(key.key).decrypt(nonce, locked, head + aad)
            except InvalidTag as error:
                raise SecretsError(
                    "A sealed value was changed, or belongs to something else."
                ) from error
    raise UnknownKey(
        f"Sealed with key {wanted}, which {_named()} does not hold. Restore the key file that "
        "was kept with this database's backup."
    )


def key_id(sealed: bytes) -> str:
    """Id of the master key that a sealed value names."""
    return bytes(sealed[1:9]).hex()


def reseal(sealed: bytes, aad: bytes) -> bytes:
    """The same value under the newest master key; unchanged when it already is."""
    if key_id(sealed) == keyring().sealing[0].id:
        return sealed
    return seal(open_(sealed, aad), aad)


def rotate() -> Keyring:
    """Put a new master key and a new signing key first. Old master keys stay until `forget`;
    of old signing keys only the public half stays, so that old tree heads can be checked."""
    keyring()
    path = _named()
    with _locked(path):
        old = _load(path)
        retired = tuple(SigningKey(k.id, k.created, k.public, None) for k in old.signing)
        _write(
            path,
            Keyring((_new_sealing(), *old.sealing), (_new_signing(), *retired)),
        )
    return keyring()


def forget(ids: frozenset[str]) -> Keyring:
    """Remove old master keys after everything was sealed anew. The newest always stays."""
    keyring()
    path = _named()
    with _locked(path):
        old = _load(path)
        kept = tuple(k for n, k in enumerate(old.sealing) if n == 0 or k.id not in ids)
        _write(path, Keyring(kept, old.signing))
    return keyring()


# --- keys of persons ------------------------------------------------------------------------


def new_key() -> bytes:
    """A fresh 256-bit key, to be wrapped with `seal` before it is stored."""
    return AESGCM.generate_key(bit_length=KEY_BYTES * 8)


def lock(key: bytes, plain: bytes, aad: bytes) -> bytes:
    """Nonce, ciphertext and tag of `plain` under a person's key."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, aad)


def unlock(key: bytes, locked: bytes, aad: bytes) -> bytes:
    """What `lock` was given. Raises SecretsError when it was changed."""
    try:
        return AESGCM(key).decrypt(locked[:NONCE_BYTES], locked[NONCE_BYTES:], aad)
    except (InvalidTag, ValueError) as error:
        raise SecretsError("Sealed content was changed, or belongs to something else.") from error


# --- signatures -----------------------------------------------------------------------------


def sign(message: bytes) -> tuple[str, bytes]:
    """Id of the newest signing key, and its Ed25519 signature (64 bytes)."""
    key = keyring().signing[0]
    if key.private is None:
        raise SecretsError(f"{_named()} holds no private signing key. Restore it from its backup.")
    return key.id, Ed25519PrivateKey.from_private_bytes(key.private).sign(message)


def signed(message: bytes, signer: str, signature: bytes) -> bool:
    """True when the key `signer`, which the key file knows, signed exactly this message."""
    for key in keyring().signing:
        if key.id == signer:
            try:
                Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
            except InvalidSignature:
                return False
            return True
    return False


def public_keys() -> dict[str, str]:
    """Signing key id to base64 public key: what an outsider needs to check a tree head."""
    return {key.id: _b64(key.public) for key in keyring().signing}


# --- the file -------------------------------------------------------------------------------


def _named() -> Path:
    if _path is None:
        raise SecretsError("No key file was named; call secrets.use(path) first.")
    return _path


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _new_sealing() -> SealingKey:
    return SealingKey(os.urandom(ID_BYTES).hex(), _stamp(), new_key())


def _new_signing() -> SigningKey:
    private = Ed25519PrivateKey.generate()
    return SigningKey(
        os.urandom(ID_BYTES).hex(),
        _stamp(),
        private.public_key().public_bytes_raw(),
        private.private_bytes_raw(),
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(path: Path, ring: Keyring) -> None:
    """Whole or not at all: a new file takes the old one's place."""
    body = {
        "sealing": [{"id": k.id, "created": k.created, "key": _b64(k.key)} for k in ring.sealing],
        "signing": [
            {
                "id": k.id,
                "created": k.created,
                "public": _b64(k.public),
                "private": None if k.private is None else _b64(k.private),
            }
            for k in ring.signing
        ],
    }
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(body, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _load(path: Path) -> Keyring:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        ring = Keyring(
            tuple(
                SealingKey(str(k["id"]), str(k["created"]), _bytes(k["key"]))
                for k in body["sealing"]
            ),
            tuple(
                SigningKey(
                    str(k["id"]),
                    str(k["created"]),
                    _bytes(k["public"]),
                    None if k["private"] is None else _bytes(k["private"]),
                )
                for k in body["signing"]
            ),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SecretsError(
            f"{path} is not a key file that can be read. Restore it from its backup."
        ) from error
    if not ring.sealing or not ring.signing:
        raise SecretsError(f"{path} holds no keys. Restore it from its backup.")
    return ring


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
