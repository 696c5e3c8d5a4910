"""Go on after an older backup was restored: the anchors of what was lost are set aside, on record.

A restored database is shorter than its anchor file says, and that is exactly what a deleted tail
looks like; only a person can tell the two apart. Nothing is deleted: the old file stays beside the
new one, and its digest stands in the log that goes on, so that what was lost can always be shown.
"""

from __future__ import annotations

import fcntl
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.db import transaction

from tanggap.archive import anchor
from tanggap.archive.head import Head
from tanggap.archive.models import TreeHead
from tanggap.archive.record import Entry, record_many
from tanggap.core.models import Agency, Person


def strangers() -> dict[int, int]:
    """Agencies of whom the anchor file holds heads that the database does not know, with the
    largest size of such a head."""
    known = {Head.of(row) for row in TreeHead.objects.all().iterator()}
    found: dict[int, int] = {}
    for line in anchor.lines():
        if line.head is not None and line.head not in known:
            found[line.head.agency_id] = max(found.get(line.head.agency_id, 0), line.head.size)
    return found


def set_aside(*, by: Person | str, now: datetime) -> Path | None:
    """Rename the anchor file and say so in every log that lost something. Returns its new name;
    None when every anchor is a head of this database, so that nothing is to be set aside.

    The sealer begins a new file by itself, with every head that the database holds.
    """
    path = Path(settings.ANCHOR_FILE)
    lost = strangers()
    if not lost:
        return None
    aside = path.with_name(f"{path.stem}.{now:%Y%m%dT%H%M%SZ}{path.suffix}")
    with path.open("rb") as file:
        # A sealer that is just writing finishes first.
        fcntl.flock(file, fcntl.LOCK_EX)
        digest = sha256(file.read()).hexdigest()
        with transaction.atomic():
            record_many(
                [
                    Entry(
                        agency.pk,
                        "archive.continued",
                        agency,
                        {"anchored": lost[agency.pk], "anchors_sha256": digest},
                    )
                    for agency in Agency.objects.filter(pk__in=lost).order_by("pk")
                ],
                by=by,
                now=now,
            )
            path.rename(aside)
    return aside
