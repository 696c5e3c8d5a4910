""" "Belum": what says that it is not finished, and what only looks so."""

from __future__ import annotations

import pytest

from tanggap.language.not_done import says_not_done
from tanggap.language.words import data

EXAMPLES = data("not_done")["examples"]


@pytest.mark.parametrize("text", EXAMPLES["yes"])
def test_it_says_so(text):
    found = says_not_done(text)
    assert found
    assert all(text[one.start : one.end].strip() for one in found)


@pytest.mark.parametrize("text", EXAMPLES["no"])
def test_it_only_looks_so(text):
    assert says_not_done(text) == ()


def test_the_words_are_shown_where_they_stand():
    text = "Pak, lampunya masih mati."
    assert [text[one.start : one.end] for one in says_not_done(text)] == ["masih mati"]


def test_nothing_says_nothing():
    assert says_not_done("") == ()
