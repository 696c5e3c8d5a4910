"""Servers for the tests of channels."""

from tests.fakes.mastodon_fixtures import mastodon_fake, mastodon_mock, mastodon_mock_process

__all__ = ["mastodon_fake", "mastodon_mock", "mastodon_mock_process"]
