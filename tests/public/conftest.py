from tests.followup.conftest import (
    make_photo,
    mastodon_fake,
    mastodon_mock,
    mastodon_mock_process,
    own_files,
    town,
)

__all__ = [
    "make_photo",
    "mastodon_fake",
    "mastodon_mock",
    "mastodon_mock_process",
    "own_files",
    "town",
]
