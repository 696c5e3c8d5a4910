"""Promises of the look that a machine can keep: weight, no inline styles or scripts, two themes."""

from __future__ import annotations

import re

import pytest

from tanggap.desk import charts
from tanggap.messages import ROOT

CSS = ROOT / "static" / "css"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
ICONS = set(re.findall(r'symbol id="(\w+)"', (ROOT / "static/img/icons.svg").read_text()))


def weight(*names: str) -> int:
    return sum((CSS / f"{name}.css").stat().st_size for name in names)


def test_the_desk_is_dressed_in_30_kb():
    assert weight("tokens", "base", "desk") < 30_000


def test_citizens_pages_are_lighter():
    assert weight("tokens", "base", "public") < 20_000


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_inline_and_nothing_from_elsewhere(template):
    text = template.read_text()
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=[\"']", text)
    assert not re.search(r"(src|href)=[\"']https?://", text)
    # Blocks of data are not run: JSON for our own scripts, JSON-LD for search engines.
    inline = re.findall(r"<script(?![^>]*(?:src=|application/(?:ld\+)?json))[^>]*>", text)
    assert not inline


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_icons_exist(template):
    text = template.read_text()
    used = set(re.findall(r"icons\.svg' %}#(\w+)\"", text))
    used |= set(re.findall(r"<c-icon name=\"(\w+)\"", text))
    assert used <= ICONS


def test_both_dark_themes_are_one():
    text = (CSS / "tokens.css").read_text()
    chosen = text.split(":root[data-theme=dark]{")[1].split("}")[0]
    device = text.split(":root:not([data-theme=light]){")[1].split("}")[0]
    assert chosen.split() == device.split()


def test_a_gap_in_numbers_is_a_gap_in_the_line():
    points = [{"label": "a", "value": 1}, {"label": "b", "value": None}, {"label": "c", "value": 3}]
    assert charts.trace(points)["line"].count("M") == 2
    assert charts.trace([])["line"] == ""
    assert [one["width"] for one in charts.bars([{"value": 4}, {"value": None}, {"value": 1}])] == [
        "100.0",
        "0.0",
        "25.0",
    ]
