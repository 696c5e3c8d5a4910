"""The name of a record, made from the delivery's key, so that a repeat is the same record.

Posts must be named by a TID: 13 letters that hold 53 bits of microseconds and 10 bits of a clock's
number (atproto.com/specs/tid). Nothing reads that time back as the time of a post. Ours holds 54
bits of the key's hash, inside 203 days from 2023-01-01: two keys of one account meet once in 10^16.
"""

from __future__ import annotations

from hashlib import sha256

LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
BEGIN = 1_672_531_200_000_000
"""2023-01-01 in microseconds: names of ours stay in the past, which every server accepts."""


def tid(key: str) -> str:
    """The record's name for a delivery's key: always the same for the same key."""
    found = int.from_bytes(sha256(f"tanggap:{key}".encode()).digest()[:8], "big")
    number = ((BEGIN + (found >> 20)) << 10) | (found & 0x3FF)
    return "".join(LETTERS[(number >> shift) & 31] for shift in range(60, -1, -5))
