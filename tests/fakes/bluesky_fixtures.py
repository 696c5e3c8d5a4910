"""Fixtures that start a server of the AT protocol, for any folder of tests that imports them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.bluesky_server import BlueskyServer


@pytest.fixture
def bluesky_fake() -> Iterator[BlueskyServer]:
    """The scriptable fake, fresh for each test."""
    with BlueskyServer() as server:
        yield server
