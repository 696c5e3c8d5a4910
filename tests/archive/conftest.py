"""A key file and an anchor file of its own for every test, and the attacker's hands."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import connection

from tanggap.core import secrets

NOW = datetime(2026, 3, 17, 2, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_files(tmp_path, settings):
    settings.ANCHOR_FILE = tmp_path / "anchors.jsonl"
    settings.KEY_FILE = tmp_path / "keys.json"
    secrets.use(settings.KEY_FILE)


@pytest.fixture
def person(member):
    return member("lead", name="Rina")


@contextmanager
def as_owner():
    """Do what only the owner of the tables can, and what nobody should: the attacker's place."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
        try:
            yield cursor
        finally:
            cursor.execute("SET ROLE tanggap_worker")


TABLES = ("record", "leaf", "node", "treehead")


def tamper(*statements):
    """Run SQL as the owner with the triggers of the append-only tables off."""
    with as_owner() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for verb in ("DISABLE", "ENABLE"):
            for table in TABLES:
                cursor.execute(f"ALTER TABLE archive_{table} {verb} TRIGGER USER")
            for sql, *params in statements if verb == "DISABLE" else ():
                cursor.execute(sql, params)
