"""`tanggap messages --check`: what is missing, what nothing shows, what contradicts itself."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tanggap import messages

HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'


@pytest.fixture
def words(tmp_path, monkeypatch):
    """words(a={...}): po files in a tree of their own, beside one template and one channel."""
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    monkeypatch.setattr(messages, "SOURCE", tmp_path / "locale" / "id")
    channel = tmp_path / "tanggap" / "channels" / "x" / "channel.py"
    page = tmp_path / "templates" / "page.html"
    for path in (channel, page, messages.SOURCE / "x"):
        path.parent.mkdir(parents=True)
    channel.write_text('name = "By hand"\nSetting("token", "Access token", "Where it is.")\n')
    page.write_text(
        '{% translate "Send" %}\n  {% blocktranslate trimmed %}\n    {{ n }} late\n'
        "  {% endblocktranslate %}"
    )
    known = {
        "Send": "Kirim",
        "%(n)s late": "%(n)s terlambat",
        "Access token": "Kunci akses",
        "Where it is.": "Tempatnya.",
    }

    def write(**more: dict[str, str]):
        for name, pairs in {"known": known, **more}.items():
            lines = [f'msgid "{one}"\nmsgstr "{two}"\n' for one, two in pairs.items()]
            (messages.SOURCE / f"{name}.po").write_text(HEAD + "\n".join(lines))
        return messages.check()

    return write


def test_all_is_well(words):
    assert words() == []


def test_a_word_without_indonesian_is_named_with_its_place(words):
    missing = words(known={"Send": "Kirim", "Access token": "Kunci akses"})
    assert missing == [
        "tanggap/channels/x/channel.py:2: no Indonesian for 'Where it is.'.",
        "templates/page.html:2: no Indonesian for '%(n)s late'.",
    ]


def test_a_word_that_nothing_shows_is_named(words):
    assert words(more={"Gone": "Pergi"}) == ["more.po:4: nothing shows 'Gone' any more: remove it."]


@pytest.mark.parametrize("text", ["By hand", "Use your password"])
def test_names_of_channels_and_words_of_frameworks_count_as_shown(words, text):
    assert words(more={text: "kata"}) == []


def test_two_translations_of_one_word_contradict(words):
    (problem,) = words(more={"Send": "Tayangkan"})
    assert "'Tayangkan'" in problem and "'Kirim'" in problem


def test_a_lost_place_is_named(words):
    (problem,) = words(
        known={"Send": "Kirim", "%(n)s late": "terlambat", "Access token": "a", "Where it is.": "b"}
    )
    assert "does not have the places" in problem


def test_the_first_start_speaks_indonesian(tmp_path):
    """No words are compiled yet, as in a fresh clone: this very process must show them."""
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from django.conf import settings\nfrom django.utils.translation import gettext, override\n"
        "from tanggap import cli, messages\n"
        "settings.LOCALE_PATHS = [sys.argv[1]]\n"
        "messages.TARGET = Path(sys.argv[1]) / 'id' / 'LC_MESSAGES' / 'django.mo'\n"
        "cli._django()\n"
        "with override('id'):\n    print(gettext('Sign in'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=os.environ
        | {"DJANGO_SETTINGS_MODULE": "tanggap.settings", "TANGGAP_HOME": str(tmp_path / "home")}
        | {"DATABASE_URL": "postgresql:///nobody-is-asked"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "Masuk\n"
