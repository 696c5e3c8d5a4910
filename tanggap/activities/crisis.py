"""The hold switch: stop what waits to be sent, for a subtree of agencies or one account.

What is already on its way cannot be called back; the switch says how many that were.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from tanggap.accounts.models import Account
from tanggap.activities.models import Hold
from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Person


def place(
    agency: Agency,
    *,
    reason: str,
    by: Person,
    now: datetime,
    account: Account | None = None,
    emergency_exempt: bool = True,
    in_flight: int = 0,
) -> Hold:
    """Hold all sending of `agency` and what is below it, or of one account."""
    if not reason.strip():
        raise Refused(
            _("Nothing is held yet."),
            _("The reason is missing."),
            _("Write in one sentence why, the team will see it."),
            field="reason",
        )
    with transaction.atomic():
        hold = Hold.objects.create(
            agency=agency,
            subtree=agency,
            account=account,
            reason=reason.strip(),
            emergency_exempt=emergency_exempt,
            placed_by=by,
            placed_at=now,
            in_flight=in_flight,
        )
        record(
            agency,
            "hold.placed",
            hold,
            by=by,
            now=now,
            facts={
                "account": account.pk if account else None,
                "in_flight": in_flight,
                "emergency_exempt": emergency_exempt,
            },
        )
    return hold


def lift(hold: Hold, *, reason: str, by: Person, now: datetime) -> Hold:
    """Let sending go on. What became late meanwhile asks before it goes."""
    what = _("The hold stays.")
    if not reason.strip():
        raise Refused(
            what,
            _("The reason is missing."),
            _("Write in one sentence why it may go on."),
            field="reason",
        )
    with transaction.atomic():
        lifted = Hold.objects.filter(pk=hold.pk, lifted_at=None).update(
            lifted_at=now, lifted_by=by, lifted_reason=reason.strip()
        )
        if not lifted:
            raise Refused(what, _("It was already lifted."), "")
        record(hold.agency, "hold.lifted", hold, by=by, now=now)
    hold.refresh_from_db()
    return hold


def active(agency_ids: set[int] | frozenset[int]) -> QuerySet[Hold]:
    """Holds in force that were placed in these agencies, oldest first."""
    return (
        Hold.objects.filter(lifted_at=None, agency_id__in=agency_ids)
        .select_related("placed_by", "account", "subtree")
        .order_by("placed_at", "pk")
    )
