"""The ground of every test: a real PostgreSQL, migrated for real, used as the worker's role.

`enter(scope)` then steps down to the app's role, so that row-level security is on trial in every
test that goes through it. Tests of the web client do so by the door of each view.
"""

from __future__ import annotations

import gc
import hashlib
import os
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import connection
from django.test import TransactionTestCase
from psycopg.conninfo import make_conninfo

from tanggap.core import database
from tanggap.core.models import Agency, Membership, Person

# Here and only here: every import of a session's fixture elsewhere would open a browser more.
from tests.browser.chromium import browser

__all__ = ["browser"]

PASSWORD = "rahasia-latihan-7"
# As `tanggap` does for its own processes.
gc.set_threshold(50_000, 20, 20)


# --- the database ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
) -> Iterator[None]:
    """Start the cluster before Django makes the test database."""
    database.ensure_running(careless=True)
    yield
    database.leave()


@pytest.fixture(scope="session")
def migrated(django_db_modify_db_settings: None) -> str:
    """Name of a database that holds the result of exactly these migrations; it may not exist yet.

    Migrating takes far longer than copying, so that our own test cluster keeps the result until a
    migration, or a file that one imports, changes.
    """
    found, imported = hashlib.sha256(database_version().encode()), set()
    for config in apps.get_app_configs():
        for path in sorted(Path(config.path).glob("migrations/*.py")):
            text = path.read_text()
            found.update(f"{config.label}/{path.name}\n{text}".encode())
            imported |= set(re.findall(r"^(?:from|import) (tanggap[\w.]+)", text, re.M))
    for module in sorted(imported):
        spec = find_spec(module)
        if spec and spec.origin:
            found.update(Path(spec.origin).read_bytes())
    return f"{MIGRATED}{found.hexdigest()[:16]}"


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings: None, migrated: str) -> bool:
    """True when the test database was copied from a migrated one, so that Django keeps it."""
    if not _exists(migrated):
        return False
    _copy(migrated, connection.settings_dict["TEST"]["NAME"])
    return True


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_keepdb: bool, django_db_blocker: Any, migrated: str
) -> Iterator[None]:
    """Migrate as the owner, then work as the worker's role until the database is dropped."""
    options = connection.settings_dict["OPTIONS"]
    owner = options["options"]
    before, wanted = connection.settings_dict["NAME"], connection.settings_dict["TEST"]["NAME"]
    with django_db_blocker.unblock():
        if before != wanted:
            # Where no test of the run asks for the test database, only for clones of the migrated
            # one, pytest-django makes none.
            connection.creation.create_test_db(0, autoclobber=True, keepdb=django_db_keepdb)
        connection.close()
    if not django_db_keepdb:
        _keep(connection.settings_dict["NAME"], migrated)
    options["options"] = f"{owner} {database.role_options('tanggap_worker')}"
    yield
    with django_db_blocker.unblock():
        connection.close()
    options["options"] = owner
    if django_db_keepdb or before != wanted:
        _drop(connection.settings_dict["NAME"])
    if not database.is_local():
        _drop(migrated)


MIGRATED = "tanggap_migrated_"


def database_version() -> str:
    with owner_connection("postgres") as opened:
        return str(opened.info.server_version)


def _exists(name: str) -> bool:
    with owner_connection("postgres") as opened:
        return bool(
            opened.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        )


def _keep(source: str, name: str) -> None:
    """Keep a copy of the freshly migrated database, and forget those of older migrations."""
    half = f"{name}_{secrets.token_hex(3)}"
    _copy(source, half)
    with owner_connection("postgres") as opened:
        try:
            opened.execute(f'ALTER DATABASE "{half}" RENAME TO "{name}"')
        except psycopg.errors.DuplicateDatabase:
            opened.execute(f'DROP DATABASE "{half}"')
        older = opened.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s) AND datname <> %s",
            [MIGRATED, name],
        )
        for (other,) in older.fetchall():
            try:
                opened.execute(f'DROP DATABASE IF EXISTS "{other}"')
            except psycopg.errors.ObjectInUse:
                # Another run copies it just now, and will forget it the next time.
                pass


@contextmanager
def owner_connection(name: str = "") -> Iterator[psycopg.Connection[Any]]:
    """A connection of its own as the owner, which commits each statement."""
    settings = connection.settings_dict
    parts = {
        "user": settings["USER"],
        "password": settings["PASSWORD"],
        "host": settings["HOST"],
        "port": settings["PORT"],
        "dbname": name or settings["NAME"],
    }
    given = make_conninfo(**{key: value for key, value in parts.items() if value})
    with psycopg.connect(given, autocommit=True) as opened:
        yield opened


def _copy(source: str, target: str) -> None:
    _drop(target)
    with owner_connection("postgres") as opened:
        opened.execute(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')


def _drop(name: str) -> None:
    with owner_connection("postgres") as opened:
        opened.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _empty_as_owner(self: Any) -> None:
    """Empty all tables after a test that commits; only the owner may, not the product's roles."""
    connection.close()
    kept = {"django_migrations", "django_content_type", "auth_permission"}
    with owner_connection() as opened:
        names = [
            row[0]
            for row in opened.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            )
            if row[0] not in kept
        ]
        tables = ", ".join(f'"{name}"' for name in names)
        with opened.transaction():
            # Append-only tables refuse even the owner while their triggers are on.
            for verb in ("DISABLE", "ENABLE"):
                for name in names:
                    opened.execute(f'ALTER TABLE "{name}" {verb} TRIGGER USER')
                if verb == "DISABLE":
                    opened.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")


TransactionTestCase._fixture_teardown = _empty_as_owner


@dataclass(frozen=True)
class Clone:
    """A database of its own for tests that start real processes."""

    name: str
    url: str

    def environment(self, **more: str) -> dict[str, str]:
        """For subprocess: this database, otherwise the environment of the tests."""
        return {**os.environ, "DATABASE_URL": self.url, **more}


@pytest.fixture
def database_clone(django_db_setup: None, migrated: str) -> Iterator[Clone]:
    """A migrated, empty database, dropped at the end."""
    name = f"{connection.settings_dict['NAME']}_{secrets.token_hex(3)}"
    _copy(migrated, name)
    settings = connection.settings_dict
    parts = {
        "user": settings["USER"],
        "password": settings["PASSWORD"],
        "host": settings["HOST"],
        "port": settings["PORT"],
    }
    yield Clone(name, make_conninfo(dbname=name, **{k: v for k, v in parts.items() if v}))
    _drop(name)


# --- time, agencies, people --------------------------------------------------------------------


@pytest.fixture
def now() -> datetime:
    """A Monday morning: 08.00 WIB on 23 November 2026."""
    return datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture
def make_agency(db: None) -> Callable[..., Agency]:
    """make_agency("kabupaten", parent=..., autonomous=False, ...): an agency by its slug."""

    def make(slug: str = "lumbung", **fields: Any) -> Agency:
        name = slug.replace("-", " ").title()
        fields.setdefault("kind", Agency.Kind.REGENCY)
        fields.setdefault("name", f"Pemerintah {name}")
        fields.setdefault("short_name", name)
        fields.setdefault("code", secrets.token_hex(3).upper())
        return Agency.objects.create(slug=slug, **fields)

    return make


@pytest.fixture
def province(make_agency: Callable[..., Agency]) -> Agency:
    return make_agency("banyu-raya", kind=Agency.Kind.PROVINCE, code="BYR")


@pytest.fixture
def agency(make_agency: Callable[..., Agency], province: Agency) -> Agency:
    """An autonomous regency below a province."""
    return make_agency("lumbung", parent=province, code="LBG")


@pytest.fixture
def unit(make_agency: Callable[..., Agency], agency: Agency) -> Agency:
    """A unit of the regency: not autonomous, it belongs to the regency's tenant."""
    return make_agency(
        "dinas-pu", parent=agency, kind=Agency.Kind.UNIT, autonomous=False, code="DPU"
    )


@pytest.fixture
def other(make_agency: Callable[..., Agency], province: Agency) -> Agency:
    """The neighbouring regency, whose rows nobody of `agency` may see."""
    return make_agency("tetangga", parent=province, code="TTG")


@pytest.fixture
def member(agency: Agency) -> Callable[..., Person]:
    """member("lead", agency=..., name=...): a person with a membership in force."""
    count = iter(range(1, 1000))

    def make(role: str, agency: Agency = agency, **fields: Any) -> Person:
        number = next(count)
        about = {
            name: fields.pop(name)
            for name in ("email", "name", "phone", "language")
            if name in fields
        }
        about.setdefault("email", f"{role}{number}@{agency.slug}.test")
        about.setdefault("name", f"{role.title()} {number}")
        person = Person.objects.create_user(password=PASSWORD, **about)
        fields.setdefault("decree_number", f"SK/{number}/2026")
        fields.setdefault("valid_from", date(2026, 1, 1))
        Membership.objects.create(agency=agency, person=person, role=role, **fields)
        return person

    return make


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that two processes end at about the same time.

    A test says by `pytest.mark.long(seconds)` about how long it takes.
    """
    seconds: Counter[Path] = Counter()
    for item in items:
        mark = item.get_closest_marker("long")
        seconds[item.path] += mark.args[0] if mark else 0
    items.sort(key=lambda item: -seconds[item.path])
