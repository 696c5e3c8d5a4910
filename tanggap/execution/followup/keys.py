"""Numbers and private keys that citizens are given, and the tokens of links to units.

A number is public and says nothing: the agency's code and four characters, never in sequence. A
private key opens the rest; a token opens one handover. Only hashes of keys and tokens are kept.
"""

from __future__ import annotations

import hashlib
import re
import secrets

# Without 0 O, 1 I L, 2 Z, 5 S, 8 B, U V: read aloud and typed from paper without doubt.
ALPHABET = "34679ACDEFGHJKMNPQRTWXY"
NUMBER_LENGTH, KEY_LENGTH, TOKEN_BYTES = 4, 12, 24


def new_number(code: str) -> str:
    """SKM-7Q4K"""
    return f"{code}-{_draw(NUMBER_LENGTH)}"


def new_key() -> str:
    """7Q4K-HT3M-PX9C: 54 bits."""
    drawn = _draw(KEY_LENGTH)
    return "-".join(drawn[at : at + 4] for at in range(0, KEY_LENGTH, 4))


def new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def read_number(typed: str) -> str:
    """A number as kept, from what somebody typed: "skm 7q4k" is SKM-7Q4K."""
    parts = [part for part in re.split(r"[^0-9A-Z]+", typed.upper()) if part]
    joined = "".join(parts)
    if len(joined) <= NUMBER_LENGTH:
        return joined
    return f"{joined[:-NUMBER_LENGTH]}-{joined[-NUMBER_LENGTH:]}"


def hash_key(typed: str) -> bytes:
    """The hash that is kept of a key, however it was typed."""
    plain = re.sub(r"[^0-9A-Z]", "", typed.upper())
    return hashlib.sha256(b"tanggap case key\n" + plain.encode()).digest()


def hash_token(token: str) -> bytes:
    return hashlib.sha256(b"tanggap handover\n" + token.encode()).digest()


def _draw(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
