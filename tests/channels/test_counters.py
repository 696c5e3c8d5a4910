"""Counters against known answers of the networks' own documentation and servers."""

from __future__ import annotations

import pytest

from tanggap.channels import counters
from tanggap.channels.manual.presets import PRESETS

FAMILY = "👨‍👩‍👧‍👦"


@pytest.mark.parametrize(
    ("counter", "text", "length"),
    [
        ("graphemes", FAMILY, 1),
        ("utf8_bytes", FAMILY, 25),
        ("utf16_units", FAMILY, 11),
        ("codepoints", FAMILY, 7),
        ("weighted", FAMILY, 2),
        ("emoji_as_bytes", FAMILY, 25),
        ("weighted", "漢字", 4),
        ("weighted", "a漢", 3),
        ("weighted", "é", 1),
        ("weighted", "e\u0301", 1),
        ("weighted", "“kutip” – ya…", 14),
        ("weighted", "https://a.example/" + "x" * 500, 23),
        ("weighted", "lihat https://a.example/x.", 6 + 23 + 1),
        ("weighted", "https://a.example dan https://b.example", 23 + 5 + 23),
        ("weighted", "diskominfo.go.id", 23),
        ("weighted", "makan.id", 8),
        ("weighted", "makan.id/nasi", 23),
        ("weighted", "contoh.com!", 24),
        ("weighted", "siti@contoh.com", 15),
        ("weighted", "👍🏽", 2),
        ("weighted", "🇮🇩", 2),
        ("weighted", "1️⃣", 2),
        ("weighted", "❤️", 2),
        ("weighted", "a" * 280, 280),
        ("emoji_as_bytes", "halo 🙏", 5 + 4),
        ("emoji_as_bytes", "漢字", 2),
        ("emoji_as_bytes", "👍🏽 ok", 8 + 3),
        ("utf8_bytes", "漢字", 6),
        ("utf16_units", "🙏", 2),
        ("graphemes", "🇮🇩👍🏽e\u0301", 3),
        ("graphemes", "", 0),
        ("weighted", "", 0),
    ],
)
def test_known_answers(counter: str, text: str, length: int) -> None:
    assert counters.COUNTERS[counter](text) == length


def test_every_preset_counts_with_a_counter_that_exists() -> None:
    for preset in PRESETS.values():
        assert preset.limits.counter in counters.COUNTERS


def test_the_lengths_are_those_of_the_reference() -> None:
    lengths = {code: preset.limits.max_text for code, preset in PRESETS.items()}
    assert lengths == {
        "instagram": 2200,
        "facebook": 63206,
        "tiktok": 2200,
        "x": 280,
        "youtube": 5000,
        "whatsapp": 4096,
        "threads": 500,
        "telegram": 4096,
        "notice_board": 1800,
    }


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("(https://a.example/x_(y)).", ["https://a.example/x_(y)"]),
        ("https://a.example, https://b.example/?q=1#z!", ["https://a.example", "https://b.example/?q=1#z"]),
        ("“https://a.example”", ["https://a.example"]),
        ("https://localhost x", []),
        ("xhttps://a.example", []),
        ("HTTPS://A.EXAMPLE/X", ["HTTPS://A.EXAMPLE/X"]),
    ],
)  # fmt: skip
def test_addresses_in_running_text(text: str, urls: list[str]) -> None:
    assert [found[0] for found in counters.URL.finditer(text)] == urls
