"""What is sent, in one canonical form, and its hash: the thread from approval to network.

A content is a dict of JSON values::

    {"text": str, "media": [{"id": int, "sha256": hex, "alt": str, "mime": str}],
     "visibility": "public" | "unlisted" | "private" | "direct", "language": "id",
     "reply_handle": handle of whom it answers, absent for a post,
     "sealed": {"payload": int, "payload_sha256": hex}, where the text has a BLANK}

A BLANK stands for words that are kept sealed (archive.payload) and filled in at the moment of
sending (pieces.draft): rows, screens and backups of rows never hold them. The hash names the locked
bytes, so that what fills the blank was approved as well.

Pure: knows no database. `messaging.content` makes the same form for what was approved.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

Content = dict[str, Any]
BLANK = "••••-••••-••••"


def make(
    text: str,
    *,
    media: Sequence[Mapping[str, Any]] = (),
    visibility: str = "public",
    language: str = "id",
    reply_handle: str = "",
    sealed: Mapping[str, Any] | None = None,
) -> Content:
    made: Content = {
        "text": text,
        "media": [
            {"id": row["id"], "sha256": row["sha256"], "alt": row["alt"], "mime": row["mime"]}
            for row in media
        ],
        "visibility": visibility,
        "language": language,
    }
    if reply_handle:
        made["reply_handle"] = reply_handle
    if sealed:
        made["sealed"] = dict(sealed)
    return made


def canonical(content: Mapping[str, Any], account_id: int, reply_target: str = "") -> bytes:
    """The exact bytes that are hashed: JSON, keys sorted. A medium's row id is no content."""
    return json.dumps(
        {
            "account": account_id,
            "language": content.get("language", ""),
            "media": [
                {name: row[name] for name in ("sha256", "alt", "mime")}
                for row in content.get("media", ())
            ],
            "reply_handle": content.get("reply_handle", ""),
            "reply_target": reply_target,
            **({"sealed": content["sealed"]["payload_sha256"]} if "sealed" in content else {}),
            "text": content["text"],
            "visibility": content.get("visibility", ""),
        },
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    ).encode()


def digest(content: Mapping[str, Any], account_id: int, reply_target: str = "") -> bytes:
    """SHA-256 of `canonical`: 32 bytes."""
    return hashlib.sha256(canonical(content, account_id, reply_target)).digest()


def alike(text: str) -> str:
    """A text as a reader would call it the same: no case, no blanks, no marks at its ends."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split()).strip(" .!?")
