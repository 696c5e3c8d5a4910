"""Fixtures that start a server of the Mastodon API, for any folder of tests that imports them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.mastodon_mock import MastodonMock
from tests.fakes.mastodon_server import MastodonServer


@pytest.fixture
def mastodon_fake() -> Iterator[MastodonServer]:
    """The scriptable fake, fresh for each test."""
    with MastodonServer() as server:
        yield server


@pytest.fixture(scope="session")
def mastodon_mock_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MastodonMock]:
    """One process of the real mock for the whole run."""
    server = MastodonMock(tmp_path_factory.mktemp("mastodon"))
    yield server
    server.stop()


@pytest.fixture
def mastodon_mock(mastodon_mock_process: MastodonMock) -> MastodonMock:
    """The real mock, back at its seed."""
    mastodon_mock_process.reset()
    return mastodon_mock_process
