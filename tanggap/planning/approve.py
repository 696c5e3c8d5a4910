"""Review, approve and start a plan. Whoever wrote it does not approve it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.archive.move import move
from tanggap.core.errors import Refused
from tanggap.core.models import Person
from tanggap.planning.models import Plan
from tanggap.planning.queries import gaps


def review(plan: Plan, *, by: Person, now: datetime) -> Plan:
    """Hand in a complete draft: draft → reviewed. Every part of POST must be there."""
    missing = gaps(plan)
    if missing:
        first = missing[0]
        raise Refused(_("The plan was not handed in."), first.why, first.next, field=first.field)
    return move(plan, "reviewed", by=by, now=now, facts={"version": plan.version})


def approve(plan: Plan, *, seen: int, by: Person, now: datetime) -> Plan:
    """reviewed → approved, for the version that was seen; the writer in charge may not."""
    what = _("The plan was not approved.")
    if plan.version != seen:
        raise Refused(what, _("It was changed after you opened it."), _("Open it again."))
    if plan.person_in_charge_id == by.pk:
        raise Refused(
            what,
            _("You are in charge of it yourself."),
            _("Ask the head or another lead to approve."),
        )
    return move(
        plan,
        "approved",
        by=by,
        now=now,
        facts={"version": plan.version},
        approved_at=now,
        approved_by=by,
        returned_reason="",
    )


def return_(plan: Plan, *, reason: str, by: Person, now: datetime) -> Plan:
    """Back to draft with one sentence."""
    if not reason.strip():
        raise Refused(
            _("The plan was not returned."),
            _("The writer would not know why."),
            _("Write one sentence: what should be different?"),
            field="reason",
        )
    return move(
        plan,
        "draft",
        by=by,
        now=now,
        verb="plan.returned",
        facts={"version": plan.version},
        returned_reason=reason.strip(),
        approved_at=None,
        approved_by=None,
    )


def start(plan: Plan, *, by: Person, now: datetime) -> Plan:
    """approved → running. One plan of an agency runs at a time."""
    with transaction.atomic():
        other = (
            Plan.objects.select_for_update()
            .filter(agency_id=plan.agency_id, state="running")
            .exclude(pk=plan.pk)
            .first()
        )
        if other is not None:
            raise Refused(
                _("The plan was not started."),
                _("“%(title)s” is still running.") % {"title": other.title},
                _("Close its evaluation first; it teaches this one."),
            )
        return move(plan, "running", by=by, now=now)
