"""Photos of what was there before and what is there after. Nothing but the picture is kept.

Every photo is decoded and drawn anew: EXIF (where and by whom it was taken), other metadata and
anything hidden behind the picture stay out.
"""

from __future__ import annotations

import hashlib
import io
from datetime import date, datetime
from typing import IO

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Person
from tanggap.execution.followup.models import Case, Evidence, Handover
from tanggap.messaging.media import UNREADABLE
from tanggap.messaging.models import Media

MAX_BYTES = 12 * 1024 * 1024
MAX_PIXELS = 60_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
# Longest side and quality: about 60 kB a photo, so that a citizen's page stays light.
SIDE, QUALITY = 1080, 72


def add(
    case: Case,
    file: IO[bytes],
    *,
    when: str,
    caption: str,
    by: Person | str,
    given_by: str,
    now: datetime,
    taken_on: date | None = None,
    public: bool = False,
    handover: Handover | None = None,
) -> Evidence:
    """Keep a photo with its caption, which also tells who cannot see it. Raises Refused."""
    what = _("The photo was not kept.")
    if when not in Evidence.When.values:
        raise Refused(
            what,
            _("It is not said whether it shows before or after."),
            _("Choose one of the two."),
            field="when",
        )
    if not caption.strip():
        raise Refused(
            what,
            _("Somebody who cannot see it would not know what it shows."),
            _("Write in one sentence what can be seen."),
            field="caption",
        )
    data, width, height = redrawn(file)
    digest = hashlib.sha256(data).digest()
    with transaction.atomic():
        media = Media(
            agency=case.agency,
            sha256=digest,
            mime="image/jpeg",
            size=len(data),
            width=width,
            height=height,
            alt=caption.strip(),
            source=given_by,
            uploaded_by=by if isinstance(by, Person) else None,
            uploaded_at=now,
        )
        media.file.save(f"{digest.hex()[:24]}.jpg", ContentFile(data), save=True)
        made = Evidence.objects.create(
            agency=case.agency,
            case=case,
            handover=handover,
            media=media,
            when=when,
            caption=caption.strip()[:300],
            taken_on=taken_on,
            given_by=given_by,
            given_at=now,
            public=public and not case.sealed,
        )
        record(
            case.agency,
            "case.evidence",
            case,
            by=by,
            now=now,
            content=data,
            facts={"evidence": made.pk, "when": when, "media": media.pk, "sha256": digest.hex()},
        )
    return made


def show(evidence: Evidence, public: bool, *, by: Person, now: datetime) -> Evidence:
    """Put a photo on the public page, or take it off. Sealed reports are never public."""
    if public and evidence.case.sealed:
        raise Refused(
            _("The photo was not made public."),
            _("This report is kept sealed."),
            _("Nothing of it may be shown."),
        )
    with transaction.atomic():
        Evidence.objects.filter(pk=evidence.pk).update(public=public)
        evidence.public = public
        record(
            evidence.agency,
            "case.evidence_shown",
            evidence.case,
            by=by,
            now=now,
            facts={"evidence": evidence.pk, "public": public},
        )
    return evidence


def redrawn(file: IO[bytes]) -> tuple[bytes, int, int]:
    """The bare picture as JPEG, turned upright and made small; with width and height in pixels."""
    what = _("The photo was not kept.")
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Refused(
            what,
            _("It is larger than 12 MB."),
            _("Send a smaller one; a photo of a telephone is enough."),
            field="photo",
        )
    again = _("Send a photo as JPEG, PNG or WebP.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise Refused(what, _("It has too many pixels."), again, field="photo")
            upright = ImageOps.exif_transpose(opened)
            drawn = Image.new("RGB", upright.size, "white")
            seen = upright.convert("RGBA")
            drawn.paste(seen, mask=seen.getchannel("A"))
    except UNREADABLE as error:
        raise Refused(what, _("It cannot be read as a picture."), again, field="photo") from error
    drawn.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    drawn.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return out.getvalue(), drawn.width, drawn.height
