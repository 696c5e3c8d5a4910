"""Links, mentions and hashtags of a text as facets: places in bytes of UTF-8, not in letters.

The network shows a text as it stands; only what a facet covers can be pressed
(app.bsky.richtext.facet). A mention without the account's DID stays plain text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import regex

from tanggap.channels.counters import URL, graphemes, utf8_bytes

# A handle is a domain name (atproto.com/specs/handle).
MENTION = regex.compile(
    r"(?<![\w@/.#-])@((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)"
    r"(?![\w@-])",
    regex.IGNORECASE,
)
HASHTAG = regex.compile(r"(?<![^\s(])[#＃]([^\s\u00AD\u2060\u200A-\u200D\u20e2#＃]+)")
TAG_GRAPHEMES, TAG_BYTES = 64, 640


def handles(text: str) -> list[str]:
    """Handles that the text calls, each once, in small letters."""
    outside = _without_links(text)
    return list(dict.fromkeys(found[1].lower() for found in MENTION.finditer(outside)))


def facets(text: str, dids: Mapping[str, str]) -> list[dict[str, Any]]:
    """Facets in the order of the text. `dids` maps a handle in small letters to its DID."""
    found = sorted([*_links(text), *_mentions(text, dids), *_tags(text)], key=lambda one: one[0])
    return [
        {
            "$type": "app.bsky.richtext.facet",
            "index": {"byteStart": utf8_bytes(text[:start]), "byteEnd": utf8_bytes(text[:end])},
            "features": [feature],
        }
        for start, end, feature in found
    ]


def _without_links(text: str) -> str:
    """The same letters in the same places, with addresses blanked out."""
    return str(URL.sub(lambda found: " " * len(found[0]), text))


def _links(text: str) -> Iterator[tuple[int, int, dict[str, str]]]:
    for found in URL.finditer(text):
        yield (
            found.start(),
            found.end(),
            {"$type": "app.bsky.richtext.facet#link", "uri": found[0]},
        )


def _mentions(text: str, dids: Mapping[str, str]) -> Iterator[tuple[int, int, dict[str, str]]]:
    for found in MENTION.finditer(_without_links(text)):
        did = dids.get(found[1].lower())
        if did:
            yield (
                found.start(),
                found.end(),
                {"$type": "app.bsky.richtext.facet#mention", "did": did},
            )


def _tags(text: str) -> Iterator[tuple[int, int, dict[str, str]]]:
    for found in HASHTAG.finditer(_without_links(text)):
        tag = found[1]
        while tag and unicodedata.category(tag[-1])[0] == "P":
            tag = tag[:-1]
        if not tag or tag.isdigit() or tag[0] == "\ufe0f":
            continue
        if graphemes(tag) > TAG_GRAPHEMES or utf8_bytes(tag) > TAG_BYTES:
            continue
        start = found.start()
        yield (
            start,
            start + 1 + len(tag),
            {"$type": "app.bsky.richtext.facet#tag", "tag": tag},
        )
