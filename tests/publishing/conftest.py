"""A scene for every test, with files and keys of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tanggap.core import http, secrets
from tests.fakes.mastodon_fixtures import mastodon_fake, mastodon_mock, mastodon_mock_process
from tests.publishing import scene as scenes

__all__ = ["mastodon_fake", "mastodon_mock", "mastodon_mock_process"]


@pytest.fixture(autouse=True)
def own_files(tmp_path, settings) -> Iterator[None]:
    settings.HOME = tmp_path
    settings.KEY_FILE = tmp_path / "keys.json"
    secrets.use(settings.KEY_FILE)
    before = http.rules()
    yield
    http.configure(private_hosts=before.private_hosts, proxy=before.proxy)


@pytest.fixture
def scene(agency, member, mastodon_fake) -> scenes.Scene:
    return scenes.build(agency, member("editor"), mastodon_fake)
