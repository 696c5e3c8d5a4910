"""The whole cycle of the demo, played by a real process in a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.stories import hush

pytest.importorskip("mastodon_mock")
pytestmark = [pytest.mark.story, pytest.mark.long(15)]

NAMES = [
    "posts_published",
    "duplicates",
    "items_received",
    "items_shown",
    "items_quarantined",
    "cases_opened",
    "cases_closed",
    "contributors",
    "contributors_informed",
    "findings",
    "recommendations_decided",
    "return_metrics",
    "records",
    "chain_intact",
    "next_plan_id",
]
SECONDS = 180


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("demo")
    taken = {"DATABASE_URL", "TANGGAP_KEY_FILE", "TANGGAP_ANCHOR_FILE", "TANGGAP_MEDIA"}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from tanggap.cli import main; sys.exit(main())",
            "demo",
            "--headless",
            "--json",
        ],
        env={
            **{name: value for name, value in os.environ.items() if name not in taken},
            "TANGGAP_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "tanggap.settings",
        },
        capture_output=True,
        text=True,
        timeout=SECONDS * 3,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    (place,) = home.iterdir()
    (place / "demo.err").write_text(done.stderr)
    (place / "demo.out").write_text(done.stdout)
    return home, json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def played(home):
    return home[1]


def test_no_log_of_any_process_holds_what_citizens_let_slip(home):
    """The demo itself, its database and its network, as each of them wrote it down."""
    path, _counts = home
    (place,) = path.iterdir()
    words = hush.personal() + hush.tokens_of(place)
    assert len(words) > 3 and hush.tokens_of(place)
    assert (place / "network" / "server.log").exists()
    assert hush.in_files(path, words) == []


def test_the_last_line_is_one_object_with_exactly_these_counts(played):
    assert list(played) == NAMES


def test_nothing_that_came_in_is_lost(played):
    assert played["items_received"] == played["items_shown"] + played["items_quarantined"]
    assert played["items_received"] >= 60


def test_the_network_shows_everything_once(played):
    # Forty numbers and forty pieces of news, besides posts and answers.
    assert played["duplicates"] == 0
    assert played["posts_published"] > 80


def test_everybody_who_asked_was_told_once(played):
    assert played["contributors"] == played["contributors_informed"] == 40
    assert played["cases_closed"] >= 1


def test_the_circle_closes(played):
    assert played["findings"] == played["recommendations_decided"] == 1
    assert played["return_metrics"] == 17
    assert played["next_plan_id"] is not None


def test_the_log_verifies(played):
    assert played["chain_intact"] is True
    assert played["records"] > 500
