"""Facts of the places where a person posts by hand, as data.

Confidence: "documented" was read on the network's own pages or specification, "reported" comes from
others' transcriptions; both as of 2026-11. The notice board's length is our own: one A4 page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tanggap.channels.base import Limits

MB = 1_000_000
IMAGES = ("image/jpeg", "image/png")


@dataclass(frozen=True)
class Preset:
    """One place. `caption` is the shorter limit that holds beside media (0: none), `links` the most
    different links (0: any number), `hashtags` and `mentions` likewise; `picture` is the size in
    pixels that fills its frame; `hosts` are where a proof link may lead; `open_url` is where the
    person goes to post."""

    name: str
    limits: Limits
    hosts: tuple[str, ...] = ()
    proof_required: bool = True
    caption: int = 0
    links: int = 0
    hashtags: int = 0
    mentions: int = 0
    picture: tuple[int, int] = (1080, 1080)
    open_url: str = ""
    confidence: str = "reported"


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "instagram": Preset(
            "Instagram",
            Limits(
                2200,
                "codepoints",
                max_media=10,
                mime_types=(*IMAGES, "video/mp4"),
                image_bytes=8 * MB,
                media_required=True,
                source="preset",
            ),
            hosts=("instagram.com", "instagr.am"),
            hashtags=30,
            mentions=20,
            picture=(1080, 1350),
            open_url="https://www.instagram.com/",
        ),
        "facebook": Preset(
            "Facebook",
            Limits(
                63206,
                "codepoints",
                max_media=10,
                mime_types=(*IMAGES, "image/gif", "image/webp", "video/mp4"),
                image_bytes=4 * MB,
                video_bytes=4_000 * MB,
                source="preset",
            ),
            hosts=("facebook.com", "fb.com", "fb.watch"),
            picture=(1200, 630),
            open_url="https://www.facebook.com/",
        ),
        "tiktok": Preset(
            "TikTok",
            Limits(
                2200,
                "utf16_units",
                max_media=35,
                mime_types=("image/jpeg", "image/webp", "video/mp4", "video/webm"),
                image_bytes=20 * MB,
                video_bytes=4_000 * MB,
                media_required=True,
                source="preset",
            ),
            hosts=("tiktok.com",),
            picture=(1080, 1920),
            open_url="https://www.tiktok.com/",
        ),
        "x": Preset(
            "X",
            Limits(
                280,
                "weighted",
                url_length=23,
                max_media=4,
                mime_types=(*IMAGES, "image/gif", "image/webp", "video/mp4"),
                image_bytes=5 * MB,
                video_bytes=512 * MB,
                max_alt=1000,
                source="preset",
            ),
            hosts=("x.com", "twitter.com"),
            picture=(1600, 900),
            open_url="https://x.com/",
            confidence="documented",
        ),
        "youtube": Preset(
            "YouTube",
            Limits(
                5000,
                "utf8_bytes",
                max_media=1,
                mime_types=("video/mp4", "video/webm", "video/quicktime"),
                video_bytes=274_877_906_944,
                media_required=True,
                source="preset",
            ),
            hosts=("youtube.com", "youtu.be"),
            picture=(1920, 1080),
            open_url="https://studio.youtube.com/",
        ),
        "whatsapp": Preset(
            "WhatsApp",
            Limits(
                4096,
                "codepoints",
                max_media=1,
                mime_types=(*IMAGES, "video/mp4", "application/pdf"),
                image_bytes=5 * MB,
                video_bytes=16 * MB,
                source="preset",
            ),
            hosts=("whatsapp.com", "wa.me"),
            proof_required=False,
            caption=1024,
            open_url="https://web.whatsapp.com/",
            confidence="documented",
        ),
        "threads": Preset(
            "Threads",
            Limits(
                500,
                "emoji_as_bytes",
                max_media=20,
                mime_types=(*IMAGES, "video/mp4"),
                image_bytes=8 * MB,
                video_bytes=1_000 * MB,
                source="preset",
            ),
            hosts=("threads.net", "threads.com"),
            links=5,
            picture=(1080, 1350),
            open_url="https://www.threads.net/",
            confidence="documented",
        ),
        "telegram": Preset(
            "Telegram",
            Limits(
                4096,
                "utf16_units",
                max_media=10,
                mime_types=(*IMAGES, "video/mp4"),
                image_bytes=10 * MB,
                video_bytes=50 * MB,
                source="preset",
            ),
            hosts=("t.me", "telegram.me"),
            caption=1024,
            open_url="https://web.telegram.org/",
        ),
        "notice_board": Preset(
            "Notice board",
            Limits(1800, "graphemes", max_media=2, mime_types=IMAGES, source="preset"),
            proof_required=False,
            picture=(2480, 3508),
            confidence="own",
        ),
    }
)
