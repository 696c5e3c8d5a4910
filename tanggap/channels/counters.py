"""How networks count text. Each counter is a function from text to a number; which one holds for an
account is data (`Limits.counter`). Known answers are in the tests: a family emoji is 1 grapheme,
25 bytes, 11 UTF-16 units, weighs 2, and counts 25 where emoji count as their bytes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType

import regex

_GRAPHEME = regex.compile(r"\X")
_EMOJI = regex.compile(
    r"\p{Regional_Indicator}{2}"
    r"|[0-9#*]\uFE0F?\u20E3"
    r"|(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|[\U0001F000-\U0001FAFF])"
    r"(?:\uFE0F|\p{Emoji_Modifier}|[\U000E0020-\U000E007F])*"
    r"(?:\u200D\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier})*)*"
)

URL = regex.compile(
    r"(?<![\w@$#./-])https?://"
    r"(?:[\p{L}\p{N}](?:[\p{L}\p{N}_-]*[\p{L}\p{N}])?\.)+\p{L}{2,}"
    r"(?::\d+)?"
    r"(?:[/?#](?:[^\s<>\"“”()]|\([^\s<>\"()]*\))*(?<![.,:;!?'\"…\]}]))?",
    regex.IGNORECASE,
)
"""An http or https address in running text; trailing punctuation is not part of it."""

# twitter-text links a bare domain with a generic ending anywhere, and one with a country ending
# when it has a path or a further label (kominfo.go.id, but not makan.id).
_GENERIC = "com|org|net|edu|gov|mil|int|info|biz|name|pro|app|dev|online|site|store|xyz|blog|news"
_BARE = regex.compile(
    r"(?<![\w@$#./-])(?:(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:" + _GENERIC + r")"
    r"|(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.){2,}[a-z]{2}"
    r"|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.[a-z]{2}(?=/))"
    r"(?![\w@-])(?:/(?:[^\s<>\"()]|\([^\s<>\"()]*\))*(?<![.,:;!?'\"…\]}]))?",
    regex.IGNORECASE,
)
# Code point ranges that weigh one in twitter-text's version 3 configuration; all others weigh two.
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
WEIGHTED_URL = 23


def codepoints(text: str) -> int:
    """Unicode code points."""
    return len(text)


def graphemes(text: str) -> int:
    """What a person sees as one character (Unicode extended grapheme clusters)."""
    return len(_GRAPHEME.findall(text))


def utf8_bytes(text: str) -> int:
    """Bytes in UTF-8."""
    return len(text.encode())


def utf16_units(text: str) -> int:
    """UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def emoji_as_bytes(text: str) -> int:
    """Code points, but every emoji sequence counts as its bytes in UTF-8."""
    emoji = _EMOJI.findall(text)
    return len(text) - sum(map(len, emoji)) + sum(map(utf8_bytes, emoji))


def weighted(text: str) -> int:
    """twitter-text version 3: NFC, an emoji sequence 2, an address 23, light ranges 1, the rest
    2."""
    rest = unicodedata.normalize("NFC", text)
    total = 0
    for pattern, weight in ((URL, WEIGHTED_URL), (_BARE, WEIGHTED_URL), (_EMOJI, 2)):
        rest, found = pattern.subn("\n\n" if pattern is not _EMOJI else "", rest)
        # The two line breaks left in an address's place keep its neighbours apart, and weigh 2.
        total += found * (weight - (2 if pattern is not _EMOJI else 0))
    return total + sum(1 if any(a <= ord(c) <= b for a, b in _LIGHT) else 2 for c in rest)


COUNTERS: Mapping[str, Callable[[str], int]] = MappingProxyType(
    {
        "codepoints": codepoints,
        "graphemes": graphemes,
        "utf8_bytes": utf8_bytes,
        "utf16_units": utf16_units,
        "emoji_as_bytes": emoji_as_bytes,
        "weighted": weighted,
    }
)
