"""The scene of the publishing tests, without its connection."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tanggap.accounts import registry
from tanggap.core import http
from tests.fakes.bluesky_fixtures import bluesky_fake
from tests.fakes.mastodon_fixtures import mastodon_fake
from tests.publishing.conftest import own_files
from tests.publishing.scene import Scene, build

__all__ = ["bluesky_fake", "mastodon_fake", "own_files"]


@pytest.fixture
def clock() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def scene(agency, member, mastodon_fake) -> Scene:
    return build(agency, member("lead"), mastodon_fake)


@pytest.fixture
def account(agency, member, mastodon_fake, clock):
    """On the list, not connected."""
    http.configure(private_hosts=[f"127.0.0.1:{mastodon_fake.port}"])
    people = [member("lead"), member("operator")]
    return registry.register(
        agency,
        channel="mastodon",
        server=mastodon_fake.url,
        kind="institution",
        handle="@diskominfo",
        display_name="Diskominfo",
        owner_unit=agency,
        custodians=people,
        decree_number="SK/12/2026",
        recovery_contact="kominfo@lumbung.test",
        by=people[0],
        now=clock,
    )
