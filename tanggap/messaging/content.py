"""What a message will say, account by account and part by part: the thing that is approved.

The form is that of `publishing/content.py`, which hashes it: text, media, visibility, language.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from typing import Any

from tanggap.messaging.models import Message, Variant, VariantMedia

Content = dict[str, Any]


def contents_of(message: Message) -> list[tuple[Variant, int, Content]]:
    """(variant, part from 0, content) in the order of variants. Media go with the first part."""
    variants = message.variants.select_related("account__agency").order_by("pk")
    return contents((message, variant) for variant in variants)


def contents(
    pairs: Iterable[tuple[Message, Variant]], *, bare: Collection[int] = ()
) -> list[tuple[Variant, int, Content]]:
    """The same for variants of any messages; their media come in one query. `bare`: ids of those
    that are known to have none."""
    pairs = list(pairs)
    media: dict[int, list[Content]] = {variant.pk: [] for _message, variant in pairs}
    asked = [pk for pk in media if pk not in bare]
    found = VariantMedia.objects.filter(variant__in=asked).select_related("media").order_by("order")
    for row in found if asked else ():
        media[row.variant_id].append(
            {
                "id": row.media_id,
                "sha256": bytes(row.media.sha256).hex(),
                "alt": row.media.alt,
                "mime": row.media.mime,
            }
        )
    return [
        (
            variant,
            part,
            {
                "text": text,
                "media": media[variant.pk] if part == 0 else [],
                "visibility": variant.visibility,
                "language": message.language,
            },
        )
        for message, variant in pairs
        for part, text in enumerate(texts(message, variant))
    ]


def texts(message: Message, variant: Variant) -> list[str]:
    """The parts of a variant: its own once detached, else the core message."""
    return list(variant.parts) if variant.detached and variant.parts else [message.core]


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
