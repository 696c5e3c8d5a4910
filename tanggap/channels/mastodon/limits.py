"""A server's limits, from its own description of itself (/api/v2/instance, or v1's)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tanggap.channels.base import Limits

DEFAULTS = Limits(
    max_text=500,
    counter="graphemes",
    url_length=23,
    max_media=4,
    mime_types=("image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4"),
    image_bytes=16 * 1024 * 1024,
    video_bytes=99 * 1024 * 1024,
    max_alt=1500,
)
"""Mastodon's own defaults, for a server that does not say (docs.joinmastodon.org)."""


def limits_of(instance: Mapping[str, Any]) -> Limits:
    """The limits that a server states. A number that it leaves out, or that makes no sense,
    stays at the default. Pleroma and its kin say `max_toot_chars` at the top instead."""
    configuration = _part(instance, "configuration")
    statuses, media = _part(configuration, "statuses"), _part(configuration, "media_attachments")
    longest = _number(statuses, "max_characters") or _number(instance, "max_toot_chars")
    mimes = media.get("supported_mime_types")
    return Limits(
        max_text=longest or DEFAULTS.max_text,
        counter=DEFAULTS.counter,
        url_length=_number(statuses, "characters_reserved_per_url") or DEFAULTS.url_length,
        max_media=_number(statuses, "max_media_attachments", 0, DEFAULTS.max_media),
        mime_types=tuple(str(mime) for mime in mimes)
        if isinstance(mimes, list) and mimes
        else DEFAULTS.mime_types,
        image_bytes=_number(media, "image_size_limit") or DEFAULTS.image_bytes,
        video_bytes=_number(media, "video_size_limit") or DEFAULTS.video_bytes,
        max_alt=_number(media, "description_limit") or DEFAULTS.max_alt,
        source="server",
    )


def _part(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = found.get(name)
    return part if isinstance(part, dict) else {}


def _number(found: Mapping[str, Any], name: str, least: int = 1, default: int = 0) -> int:
    value = found.get(name)
    return value if type(value) is int and value >= least else default
