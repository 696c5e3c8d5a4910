"""What a message will say, account by account and part by part: the thing that is approved.

The form is that of `publishing/content.py`, which hashes it: text, media, visibility, language.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tanggap.messaging.models import Message, Variant, VariantMedia

Content = dict[str, Any]


def contents_of(message: Message) -> list[tuple[Variant, int, Content]]:
    """(variant, part from 0, content) in the order of variants. Media go with the first part."""
    found: list[tuple[Variant, int, Content]] = []
    variants = message.variants.select_related("account__agency").order_by("pk")
    for variant in variants:
        for part, text in enumerate(texts(message, variant)):
            found.append(
                (
                    variant,
                    part,
                    {
                        "text": text,
                        "media": media_of(variant) if part == 0 else [],
                        "visibility": variant.visibility,
                        "language": message.language,
                    },
                )
            )
    return found


def texts(message: Message, variant: Variant) -> list[str]:
    """The parts of a variant: its own once detached, else the core message."""
    return list(variant.parts) if variant.detached and variant.parts else [message.core]


def media_of(variant: Variant) -> list[Content]:
    rows = VariantMedia.objects.filter(variant=variant).select_related("media").order_by("order")
    return [
        {
            "id": row.media_id,
            "sha256": bytes(row.media.sha256).hex(),
            "alt": row.media.alt,
            "mime": row.media.mime,
        }
        for row in rows
    ]


def digest(message: Message) -> bytes:
    """SHA-256 (32 bytes) over everything that will be sent: what an approval is bound to."""
    whole = [
        [
            variant.account_id,
            part,
            {
                **said,
                # A medium's row is not content; its bytes and its words are.
                "media": [
                    {name: row[name] for name in ("sha256", "alt", "mime")} for row in said["media"]
                ],
            },
        ]
        for variant, part, said in contents_of(message)
    ]
    kept = json.dumps(
        {"openness": message.openness, "emergency": message.emergency, "sends": whole},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return hashlib.sha256(kept.encode()).digest()
