"""Appoint people by decree: change what a membership says, name a deputy for a time.

Nobody appoints themselves, and an agency always keeps somebody who may appoint.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.archive.record import record
from tanggap.core import rules
from tanggap.core.errors import Refused, Stale
from tanggap.core.membership import in_force
from tanggap.core.models import Agency, Membership, Person
from tanggap.core.roles import ROLES, VERBS


def appoint(
    agency: Agency,
    person: Person,
    role: str,
    *,
    unit: Agency | None,
    decree_number: str,
    valid_from: date,
    valid_until: date | None,
    by: Person | str,
    now: datetime,
) -> Membership:
    """Give a person a role in an agency. A membership there that has run out is ended first."""
    check_terms(agency, role, unit, decree_number, valid_from, valid_until)
    with transaction.atomic():
        old = Membership.objects.filter(agency=agency, person=person, ended_at=None).first()
        if old is not None and not is_over(old, now):
            raise Refused(
                _("%(name)s already belongs to this agency.") % {"name": person.name},
                _("A person has one role in an agency."),
                _("Change their role on the Team page instead."),
                field="email",
            )
        if old is not None:
            close(old, by=by, now=now, facts={"reason": "ran_out"})
        membership = Membership.objects.create(
            agency=agency,
            person=person,
            role=role,
            unit=unit,
            decree_number=decree_number.strip(),
            valid_from=valid_from,
            valid_until=valid_until,
        )
        record(agency, "membership.began", membership, by=by, now=now, facts=terms(membership))
    return membership


def change(
    membership: Membership,
    *,
    role: str,
    unit: Agency | None,
    decree_number: str,
    valid_from: date,
    valid_until: date | None,
    by: Person,
    now: datetime,
) -> Membership:
    """A new decree changes role, unit or dates. A deputyship ends when the role changes."""
    check_terms(membership.agency, role, unit, decree_number, valid_from, valid_until)
    with transaction.atomic():
        row = _locked(membership)
        before = terms(row)
        if row.person_id == by.pk and (role, unit) != (row.role, row.unit):
            raise Refused(
                _("Your own role was not changed."),
                _("Nobody appoints themselves."),
                _("Ask another person who may change the team."),
                field="role",
            )
        if role != row.role:
            row.deputy_until = None
        row.role, row.unit, row.decree_number = role, unit, decree_number.strip()
        row.valid_from, row.valid_until = valid_from, valid_until
        row.save()
        check_somebody_appoints(row.agency, now)
        after = terms(row)
        changed = {
            name: [before[name], after[name]] for name in after if before[name] != after[name]
        }
        if changed:
            record(
                row.agency,
                "membership.changed",
                row,
                by=by,
                now=now,
                facts={"changed": changed, "decree": row.decree_number},
            )
    return row


def deputize(membership: Membership, until: datetime, *, by: Person, now: datetime) -> Membership:
    """Let somebody decide in the lead's place until an instant (core/roles.py: DEPUTY)."""
    longest = rules.number(membership.agency, "deputy_days")
    what = _("No deputy was appointed.")
    if until <= now:
        raise Refused(
            what,
            _("That moment has passed already."),
            _("Choose a moment in the future."),
            field="until",
        )
    if until > now + timedelta(days=longest):
        raise Refused(
            what,
            _("A deputy serves at most %(days)d days.") % {"days": longest},
            _("Choose an earlier end, or change the person's role by decree."),
            field="until",
        )
    with transaction.atomic():
        row = _locked(membership)
        if row.person_id == by.pk:
            raise Refused(
                what,
                _("Nobody appoints themselves."),
                _("Choose somebody else, or ask another person who may."),
            )
        if not in_force(row, now):
            raise Refused(
                what,
                _("Their membership is not in force."),
                _("Check the dates of their decree first."),
            )
        row.deputy_until = until
        row.save(update_fields=["deputy_until"])
        record(row.agency, "membership.deputized", row, by=by, now=now, facts={"until": until})
    return row


def relieve(membership: Membership, *, by: Person, now: datetime) -> Membership:
    """End a deputyship now."""
    with transaction.atomic():
        row = _locked(membership)
        if row.deputy_until is not None:
            facts = {"until": row.deputy_until}
            row.deputy_until = None
            row.save(update_fields=["deputy_until"])
            record(row.agency, "membership.relieved", row, by=by, now=now, facts=facts)
    return row


def close(
    row: Membership, *, by: Person | str, now: datetime, facts: dict[str, object]
) -> Membership:
    """Write the end of a membership. office/end.py is the verb that people use."""
    row.ended_at, row.deputy_until = now, None
    row.save(update_fields=["ended_at", "deputy_until"])
    record(row.agency, "membership.ended", row, by=by, now=now, facts={"role": row.role, **facts})
    return row


# --- questions ---------------------------------------------------------------------------------


def today(agency: Agency, now: datetime) -> date:
    return now.astimezone(ZoneInfo(agency.zone)).date()


def is_over(membership: Membership, now: datetime) -> bool:
    """Ended, or past its last day."""
    until = membership.valid_until
    return membership.ended_at is not None or (
        until is not None and until < today(membership.agency, now)
    )


def terms(membership: Membership) -> dict[str, object]:
    """What a decree says, as facts for the record."""
    return {
        "person": membership.person_id,
        "role": membership.role,
        "unit": membership.unit_id,
        "decree": membership.decree_number,
        "from": membership.valid_from.isoformat(),
        "until": membership.valid_until.isoformat() if membership.valid_until else None,
    }


# --- checks ------------------------------------------------------------------------------------


def check_terms(
    agency: Agency,
    role: str,
    unit: Agency | None,
    decree_number: str,
    valid_from: date,
    valid_until: date | None,
) -> None:
    """Refuse a decree that cannot be: used by invitations and appointments alike."""
    what = _("Nothing was saved.")
    if role not in ROLES:
        raise Refused(
            what, _("There is no such role."), _("Choose a role of the list."), field="role"
        )
    if not decree_number.strip():
        raise Refused(
            what,
            _("An appointment stands on a decree (SK)."),
            _("Write the number of the decree."),
            field="decree_number",
        )
    if valid_until is not None and valid_until < valid_from:
        raise Refused(
            what,
            _("The last day is before the first."),
            _("Choose a last day on or after the first."),
            field="valid_until",
        )
    if role == "unit" and unit is None:
        raise Refused(
            what,
            _("A technical unit's officer sees their own unit's work only."),
            _("Choose the unit."),
            field="unit",
        )
    if unit is not None and (unit.autonomous or rules.tenant(unit) != rules.tenant(agency)):
        raise Refused(
            what,
            _("That unit does not belong to this agency."),
            _("Choose a unit of the list."),
            field="unit",
        )


def check_somebody_appoints(agency: Agency, now: datetime) -> None:
    """Refuse what would leave an agency without anybody who may change the team."""
    may = Membership.objects.filter(agency=agency, ended_at=None, role__in=VERBS["people.write"])
    if not any(in_force(row, now) for row in may.select_related("agency")):
        raise Refused(
            _("Nothing was changed."),
            _("Nobody would be left who may invite and appoint people here."),
            _("First appoint another person in charge or system operator."),
        )


def _locked(membership: Membership) -> Membership:
    row = (
        Membership.objects.select_for_update(of=("self",))
        .select_related("agency", "person", "unit")
        .get(pk=membership.pk)
    )
    if row.ended_at is not None:
        raise Stale(
            _("Nothing was changed."),
            _("This membership has ended in the meantime."),
            _("Open the Team page again; invite the person anew if they return."),
        )
    return row
