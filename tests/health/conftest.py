"""A scene (an agency with an account on a scriptable server), with files and keys of its own."""

from __future__ import annotations

from tests.publishing.conftest import (
    mastodon_fake,
    mastodon_mock,
    mastodon_mock_process,
    own_files,
    scene,
)

__all__ = ["mastodon_fake", "mastodon_mock", "mastodon_mock_process", "own_files", "scene"]
