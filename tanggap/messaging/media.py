"""Take in a picture or film: look at what it really is, strip what it should not tell, keep it."""

from __future__ import annotations

import hashlib
import io
import uuid
from datetime import datetime
from typing import BinaryIO

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Person
from tanggap.messaging import draft
from tanggap.messaging.models import Media, Message

MAX_BYTES = 16_000_000
MAX_PIXELS = 50_000_000
MAX_SIDE = 4096  # pixels; larger pictures are made smaller
FORMATS = {
    "JPEG": ("image/jpeg", "jpg"),
    "PNG": ("image/png", "png"),
    "WEBP": ("image/webp", "webp"),
    "GIF": ("image/gif", "gif"),
}
UNREADABLE = (
    UnidentifiedImageError,
    OSError,
    EOFError,
    ValueError,
    SyntaxError,
    Image.DecompressionBombError,
)
"""What Pillow raises for a file that is no picture, or not a whole one."""


def upload(
    agency: Agency,
    file: BinaryIO,
    *,
    alt: str = "",
    source: str = "",
    by: Person | None,
    now: datetime,
) -> Media:
    """Keep a picture without its EXIF data (place, device, owner), turned upright.

    Raises Refused for an empty, oversized or unreadable file, naming what to do. What is kept is
    made anew from the pixels, so nothing hides behind them.
    """
    raw = file.read(MAX_BYTES + 1)
    what = _("The picture was not taken in.")
    if not raw:
        raise Refused(what, _("The file is empty."), _("Choose the picture again."), field="file")
    if len(raw) > MAX_BYTES:
        raise Refused(
            what,
            _("It is larger than %(mb)d MB.") % {"mb": MAX_BYTES // 1_000_000},
            _("Send it to yourself as a photo, not as a document, and choose that one."),
            field="file",
        )
    clean, mime, ending, size = _clean(raw, what)
    digest = hashlib.sha256(clean).digest()
    with transaction.atomic():
        kept = Media(
            agency=agency,
            sha256=digest,
            mime=mime,
            size=len(clean),
            width=size[0],
            height=size[1],
            alt=alt.strip(),
            source=source.strip(),
            uploaded_by=by,
            uploaded_at=now,
        )
        kept.file.save(f"{uuid.uuid4().hex}.{ending}", ContentFile(clean), save=False)
        kept.save()
        record(
            agency,
            "media.uploaded",
            kept,
            by=by or "link",
            now=now,
            facts={"sha256": digest.hex(), "size": len(clean), "mime": mime},
        )
    return kept


def describe(media: Media, alt: str, *, by: Person, now: datetime) -> Media:
    """Write what the picture shows, for those who do not see it."""
    if not alt.strip():
        raise Refused(
            _("Nothing was saved."),
            _("The description is empty."),
            _("Write in one sentence what the picture shows."),
            field="alt",
        )
    if alt.strip() == media.alt:
        return media
    with transaction.atomic():
        media.alt = alt.strip()
        media.save(update_fields=["alt"])
        record(media.agency, "media.described", media, by=by, now=now)
        shown = Message.objects.filter(variants__media=media).distinct()
        for message in shown.filter(state__in=["draft", "checked", "approved"]):
            draft.touch(message, by=by, now=now, facts={"media": [media.pk]})
    return media


def _clean(raw: bytes, what: str) -> tuple[bytes, str, str, tuple[int, int]]:
    try:
        with Image.open(io.BytesIO(raw)) as opened:
            kind = opened.format or ""
            if kind not in FORMATS:
                raise Refused(
                    what,
                    _("It is %(kind)s, which networks do not take.") % {"kind": kind},
                    _("Save it as JPEG or PNG."),
                    field="file",
                )
            if opened.width * opened.height > MAX_PIXELS:
                raise Refused(
                    what,
                    _("It has too many pixels."),
                    _("Make it smaller, at most 4096 pixels wide."),
                    field="file",
                )
            mime, ending = FORMATS[kind]
            if kind == "GIF" and getattr(opened, "n_frames", 1) > 1:
                # A moving picture keeps its frames; GIF carries no EXIF.
                opened.verify()
                return raw, mime, ending, opened.size
            picture: Image.Image = ImageOps.exif_transpose(opened)
            picture.thumbnail((MAX_SIDE, MAX_SIDE))
            bare = Image.new(picture.mode, picture.size)
            if picture.mode == "P":
                bare.putpalette(picture.getpalette() or [])
            bare.paste(picture)
            out = io.BytesIO()
            if kind == "JPEG":
                bare.convert("RGB").save(out, kind, quality=88, optimize=True)
            else:
                bare.save(out, kind)
            return out.getvalue(), mime, ending, bare.size
    except UNREADABLE as error:
        raise Refused(
            what,
            _("The file is not a picture that can be read."),
            _("Open it on your phone; if you see it there, take a screenshot and choose that."),
            field="file",
        ) from error
