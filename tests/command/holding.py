"""Holds the claim of a tick as another worker would."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg


@contextmanager
def hold(connection: psycopg.Connection[Any], name: str) -> Iterator[None]:
    key = int.from_bytes(hashlib.sha256(f"tick:{name}".encode()).digest()[:8], "big", signed=True)
    connection.execute("SELECT pg_advisory_lock(%s)", [key])
    yield
