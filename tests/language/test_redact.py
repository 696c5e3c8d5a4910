"""Golden lines written by hand: what is personal is found, what only looks like it is not."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanggap.language.redact import mask, redact
from tanggap.practice import world

MARK = re.compile(r"⟦(\w+):(.*?)⟧")
ALLOWED = ["(0299) 550101", "halo@sukamaju.example"]
LINES = [
    line
    for line in Path(__file__).with_name("golden_redact.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


def test_there_are_enough_lines():
    assert len(LINES) >= 400


@pytest.mark.parametrize("line", LINES)
def test_golden(line):
    text = MARK.sub(r"\2", line)
    expected, shift = [], 0
    for found in MARK.finditer(line):
        start = found.start() - shift
        expected.append((found[1], start, start + len(found[2])))
        shift += len(found.group()) - len(found[2])
    assert [(one.kind, one.start, one.end) for one in redact(text, ALLOWED)] == expected


@pytest.mark.parametrize("said", world.messages(), ids=lambda said: said.id)
def test_the_practice_world(said):
    found = [(one.kind, said.text[one.start : one.end]) for one in redact(said.text)]
    assert found == list(said.expected.pii)


def test_an_agency_number_is_allowed_in_any_spelling():
    assert redact("Telepon +62 299 550101 atau 0299-550101", ALLOWED) == []
    assert redact("Telepon 0299-550199", ALLOWED)


def test_a_reason_says_what_held():
    assert redact("3299015703910004")[0].reason == "form"
    assert redact("NIK 1234567890123456")[0].reason == "named"


def test_the_mask_keeps_every_offset():
    text = "NIK 3299015703910004, WA 0812-0000-4417."
    masked = mask(text, redact(text))
    assert masked == "NIK ████████████████, WA ██████████████."
    assert len(masked) == len(text)


@given(st.text(alphabet="0123456789 .-+()@abcnik", max_size=60))
def test_any_text_gives_ordered_spans_inside_it(text):
    found = redact(text)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
