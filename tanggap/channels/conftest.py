"""Servers for the tests that live beside their channels."""

from tests.fakes.bluesky_fixtures import bluesky_fake
from tests.fakes.mastodon_fixtures import mastodon_fake, mastodon_mock, mastodon_mock_process

__all__ = ["bluesky_fake", "mastodon_fake", "mastodon_mock", "mastodon_mock_process"]
