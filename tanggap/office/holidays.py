"""The agency's own calendar: declare a day working or off, over what the national one says.

Open deadlines that span such a day are computed again by whoever owns them, from the record of it
(execution/followup/clocks.py).
"""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, DayOverride, Person


def override(
    agency: Agency,
    day: date,
    *,
    working: bool,
    reason: str,
    decree_number: str = "",
    by: Person,
    now: datetime,
) -> list[date]:
    """Declare a day. Returns the days whose meaning changed: this one, or none."""
    if not reason.strip():
        raise Refused(
            _("The day was not changed."),
            _("Deadlines move with it, so somebody will ask why."),
            _("Write the reason, such as a regional holiday or an election."),
            field="reason",
        )
    with transaction.atomic():
        row, made = DayOverride.objects.select_for_update().get_or_create(
            agency=agency,
            day=day,
            defaults={
                "working": working,
                "reason": reason.strip(),
                "decree_number": decree_number.strip(),
            },
        )
        changed = made or row.working != working
        if not made:
            row.working, row.reason = working, reason.strip()
            row.decree_number = decree_number.strip()
            row.save()
        record(
            agency,
            "calendar.overridden",
            row,
            by=by,
            now=now,
            facts={"day": day, "working": working, "decree": row.decree_number, "changed": changed},
        )
    return [day] if changed else []


def restore(row: DayOverride, *, by: Person, now: datetime) -> list[date]:
    """Let the national calendar speak again for a day. Returns the days that changed."""
    with transaction.atomic():
        if not DayOverride.objects.filter(pk=row.pk).exists():
            return []
        record(
            row.agency,
            "calendar.restored",
            row,
            by=by,
            now=now,
            facts={"day": row.day, "working": row.working, "changed": True},
        )
        DayOverride.objects.filter(pk=row.pk).delete()
    return [row.day]
