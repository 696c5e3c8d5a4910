"""The scene of publishing (an agency with one account on a scriptable server), for numbers."""

from __future__ import annotations

from tests.publishing.conftest import (
    mastodon_fake,
    mastodon_mock,
    mastodon_mock_process,
    own_files,
    scene,
)

__all__ = ["mastodon_fake", "mastodon_mock", "mastodon_mock_process", "own_files", "scene"]
