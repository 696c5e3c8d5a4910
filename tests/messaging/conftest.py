from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tanggap.accounts.models import Account
from tanggap.core import secrets
from tanggap.core.models import Agency, Person
from tanggap.messaging import draft
from tanggap.messaging.models import Message


@pytest.fixture(autouse=True)
def own_files(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.KEY_FILE = tmp_path / "keys.json"
    secrets.use(settings.KEY_FILE)


@pytest.fixture
def account(agency: Agency) -> Account:
    return Account.objects.create(
        agency=agency,
        kind="institution",
        channel="mastodon",
        handle="pemkab",
        server="https://sosial.example",
        display_name="Pemkab Lumbung",
        owner_unit=agency,
        decree_number="SK/1",
        recovery_contact="kominfo@lumbung.example",
        state="connected",
    )


@pytest.fixture
def maker(member: Callable[..., Person]) -> Person:
    return member("editor", name="Dimas")


@pytest.fixture
def checker(member: Callable[..., Person]) -> Person:
    return member("lead", name="Ratna")


@pytest.fixture
def message(agency: Agency, account: Account, maker: Person, now: datetime) -> Message:
    return draft.write(
        agency,
        title="Jadwal vaksin campak",
        openness="periodic",
        source="SK Dinkes 440/118",
        core="Imunisasi campak gratis 24–28 November di semua puskesmas. Bawa buku KIA.",
        accounts=[account],
        by=maker,
        now=now,
        publish_at=now + timedelta(hours=2),
    )
