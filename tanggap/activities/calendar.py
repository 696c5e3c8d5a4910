"""Put an activity on the calendar, move it, finish it, call it off."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.activities.models import Activity
from tanggap.archive.move import move as move_state
from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Person
from tanggap.planning.models import Objective, Segment

WRITABLE = frozenset(
    {
        "title",
        "objective",
        "purpose",
        "relation",
        "programme_code",
        "starts_at",
        "ends_at",
        "place",
        "person_in_charge",
        "notes",
    }
)


def place(
    agency: Agency,
    *,
    title: str,
    objective: Objective,
    purpose: str,
    starts_at: datetime,
    ends_at: datetime,
    person_in_charge: Person,
    by: Person,
    now: datetime,
    relation: str = "g2c",
    programme_code: str = "",
    place: str = "",
    notes: str = "",
    segments: Iterable[Segment] = (),
) -> Activity:
    """A new activity, tied to an objective, with a person in charge. Raises Refused."""
    _sensible(title, objective, starts_at, ends_at)
    with transaction.atomic():
        row = Activity.objects.create(
            agency=agency,
            title=title.strip(),
            objective=objective,
            purpose=purpose,
            relation=relation,
            programme_code=programme_code.strip(),
            starts_at=starts_at,
            ends_at=ends_at,
            place=place.strip(),
            person_in_charge=person_in_charge,
            notes=notes,
            created_at=now,
        )
        row.segments.set(segments, through_defaults={"agency": agency})
        record(
            agency,
            "activity.placed",
            row,
            by=by,
            now=now,
            facts={
                "objective": objective.pk,
                "purpose": purpose,
                "starts_at": starts_at,
                "in_charge": person_in_charge.pk,
            },
        )
    return row


def change(
    activity: Activity,
    *,
    by: Person,
    now: datetime,
    segments: Iterable[Segment] | None = None,
    **fields: Any,
) -> Activity:
    """Change its facts or its time. What is done or called off is history."""
    unknown = set(fields) - WRITABLE
    if unknown:
        raise TypeError(f"Not a field that is written: {sorted(unknown)}.")
    with transaction.atomic():
        fresh = (
            Activity.objects.select_for_update(of=["self"])
            .select_related("agency", "objective__plan")
            .get(pk=activity.pk)
        )
        if fresh.state in ("done", "cancelled"):
            raise Refused(
                _("Nothing was changed."),
                _("This activity is over."),
                _("Put a new one on the calendar."),
            )
        changed = [name for name, value in fields.items() if getattr(fresh, name) != value]
        for name in changed:
            setattr(fresh, name, fields[name])
        _sensible(fresh.title, fresh.objective, fresh.starts_at, fresh.ends_at)
        if segments is not None:
            fresh.segments.set(segments, through_defaults={"agency": fresh.agency})
        if changed:
            fresh.save(update_fields=changed)
            record(
                fresh.agency,
                "activity.changed",
                fresh,
                by=by,
                now=now,
                facts={"fields": sorted(changed), "starts_at": fresh.starts_at},
            )
    activity.refresh_from_db()
    return activity


def begin(activity: Activity, *, by: Person | str, now: datetime) -> Activity:
    return move_state(activity, "running", by=by, now=now)


def finish(activity: Activity, *, by: Person, now: datetime) -> Activity:
    """planned or running → done."""
    with transaction.atomic():
        if activity.state == "planned":
            begin(activity, by=by, now=now)
        return move_state(activity, "done", by=by, now=now)


def call_off(activity: Activity, *, reason: str, by: Person, now: datetime) -> Activity:
    if not reason.strip():
        raise Refused(
            _("The activity stays."),
            _("The reason is missing."),
            _("Write in one sentence why it is called off."),
            field="reason",
        )
    notes = f"{activity.notes}\n{reason.strip()}".strip()
    return move_state(activity, "cancelled", by=by, now=now, notes=notes)


def _sensible(title: str, objective: Objective, starts_at: datetime, ends_at: datetime) -> None:
    what = _("The activity was not saved.")
    if not title.strip():
        raise Refused(
            what, _("It has no title."), _("Name it as the team calls it."), field="title"
        )
    if ends_at <= starts_at:
        raise Refused(
            what, _("It ends before it begins."), _("Correct the times."), field="ends_at"
        )
    if objective.plan.state not in ("approved", "running"):
        raise Refused(
            what,
            _("The objective's plan is not approved."),
            _("Have the plan approved first, or choose another objective."),
            field="objective",
        )
