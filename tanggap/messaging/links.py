"""Short links on the agency's own domain, so that clicks are counted without following people."""

from __future__ import annotations

import secrets
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Person
from tanggap.messaging.models import Message, ShortLink

LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that is read as another


def shorten(
    agency: Agency, target: str, *, message: Message | None = None, by: Person, now: datetime
) -> ShortLink:
    """A short link to an http(s) address. Asked again for the same, it gives the same."""
    parts = urlsplit(target.strip())
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Refused(
            _("No short link was made."),
            _("This is not a web address."),
            _("Paste the whole address, beginning with https://."),
            field="target",
        )
    known = ShortLink.objects.filter(agency=agency, target=target.strip(), message=message).first()
    if known is not None:
        return known
    while True:
        code = "".join(secrets.choice(LETTERS) for _i in range(6))
        try:
            with transaction.atomic():
                link = ShortLink.objects.create(
                    agency=agency,
                    code=code,
                    target=target.strip(),
                    message=message,
                    created_by=by,
                    created_at=now,
                )
                record(
                    agency,
                    "link.shortened",
                    link,
                    by=by,
                    now=now,
                    facts={"message": message.pk if message else None},
                )
            return link
        except IntegrityError:
            continue


def click(link: ShortLink, now: datetime) -> None:
    """Count one click on its day in the agency's zone. Nothing about the person is kept."""
    day = now.astimezone(ZoneInfo(link.agency.zone)).date()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO messaging_shortlinkday (agency_id, link_id, day, clicks)"
            " VALUES (%s, %s, %s, 1)"
            " ON CONFLICT (link_id, day) DO UPDATE SET clicks = messaging_shortlinkday.clicks + 1",
            [link.agency_id, link.pk, day],
        )
