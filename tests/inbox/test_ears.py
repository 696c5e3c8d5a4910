"""Listening in threads: one slow network holds no other up, and who waits longest comes first."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from tanggap.accounts import connect, registry
from tanggap.accounts.models import Account
from tanggap.core import http
from tanggap.execution.inbox import listen
from tanggap.execution.inbox.models import Cursor, Item
from tests.fakes.bluesky_server import BlueskyServer

pytestmark = pytest.mark.django_db(transaction=True)


class Held(BlueskyServer):
    """A server that answers nothing while it is held; `inside` counts who waits there."""

    def __post_init__(self) -> None:
        self.free, self.inside = threading.Event(), threading.Semaphore(0)
        self.free.set()
        super().__post_init__()

    def hold(self) -> None:
        self.free.clear()
        handler = self.http.RequestHandlerClass
        serves, fake = handler._serve, self  # type: ignore[attr-defined]

        def waits(one, method):  # type: ignore[no-untyped-def]
            fake.inside.release()
            fake.free.wait(30)
            serves(one, method)

        handler._serve = waits  # type: ignore[attr-defined]


@pytest.fixture
def servers() -> Iterator[list[Held]]:
    rules = http.rules()
    found = [Held() for _ in range(3)]
    for one in found:
        one.__enter__()
    http.configure(private_hosts=[f"127.0.0.1:{one.port}" for one in found])
    yield found
    for one in found:
        one.free.set()
        one.__exit__()
    http.configure(private_hosts=rules.private_hosts, proxy=rules.proxy)


@pytest.fixture
def accounts(agency, member, servers) -> list[Account]:
    now, people = datetime.now(UTC), [member("lead"), member("operator")]
    made = []
    for number, server in enumerate(servers):
        row = registry.register(
            agency,
            channel="bluesky",
            server=server.url,
            kind="institution",
            handle=server.me.handle,
            display_name=f"Akun {number}",
            owner_unit=agency,
            custodians=people,
            decree_number="SK/1/2026",
            recovery_contact="pos@lumbung.test",
            by=people[0],
            now=now,
        )
        secret = {"app_password": server.password}
        made.append(connect.connect(row, secret, by=people[0], now=now))
    return made


def heard(account: Account) -> int:
    return Item.objects.filter(account=account).count()


def until(what, seconds: float = 20) -> bool:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(what())


def test_a_network_that_hangs_holds_no_other_up(
    accounts: list[Account], servers: list[Held]
) -> None:
    for number, server in enumerate(servers):
        server.says("siti.example", f"@{server.me.handle} halo {number}")
    servers[0].hold()
    now, ears = datetime.now(UTC), listen.Ears(threads=2)
    try:
        assert listen.tick(now, ears=ears) == 3, "handed over at once, nobody waited for"
        assert servers[0].inside.acquire(timeout=20), "one thread hangs in the first network"
        assert until(lambda: heard(accounts[1]) == heard(accounts[2]) == 1)
        assert heard(accounts[0]) == 0
        # The next tick leaves the one that hangs alone, and listens to the others again.
        servers[1].says("budi.example", f"@{servers[1].me.handle} lagi")
        assert listen.tick(now + timedelta(minutes=1), ears=ears) == 2
        assert until(lambda: heard(accounts[1]) == 2)
        servers[0].free.set()
        assert until(lambda: heard(accounts[0]) == 1)
        ears.wait()
    finally:
        servers[0].free.set()
        ears.close()


def test_who_waits_longest_comes_first(accounts: list[Account]) -> None:
    now = datetime.now(UTC)
    for account, ago in zip(accounts[:2], (60, 300), strict=True):
        Cursor.objects.create(
            agency_id=account.agency_id,
            account=account,
            value={"cursor": ""},
            moved_at=now - timedelta(seconds=ago),
            polled_at=now - timedelta(seconds=ago),
        )
    first, second, never = accounts
    assert [one.pk for one in listen.due(now)] == [never.pk, second.pk, first.pk]
    # A failure is a look too.
    Cursor.objects.filter(account=second).update(failed_at=now - timedelta(seconds=61))
    Cursor.objects.filter(account=first).update(polled_at=now - timedelta(seconds=90))
    assert [one.pk for one in listen.due(now)] == [never.pk, first.pk, second.pk]
    Cursor.objects.filter(account=first).update(polled_at=now)
    assert [one.pk for one in listen.due(now)] == [never.pk, second.pk]


def test_two_workers_never_listen_to_one_account_at_once(
    accounts: list[Account], servers: list[Held]
) -> None:
    servers[0].says("siti.example", f"@{servers[0].me.handle} halo")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [listen.LISTENING, accounts[0].pk])
    ears = listen.Ears()
    try:
        listen.tick(datetime.now(UTC), ears=ears)
        ears.wait()
        assert heard(accounts[0]) == 0, "another worker is at it"
    finally:
        ears.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
