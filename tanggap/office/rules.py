"""Change a setting of an agency, on record with what it was and what it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from tanggap.archive.record import record
from tanggap.core import rules
from tanggap.core.models import Agency, Person
from tanggap.core.rules_data import BY_NAME, Value


def change(
    agency: Agency, typed: Mapping[str, str], *, by: Person, now: datetime
) -> dict[str, list[Value]]:
    """Read and keep what was typed for each named setting. Returns {name: [before, after]}.

    All or none: one value that makes no sense raises Refused with the name as its field. A value
    that equals the one in force is left alone, so that a later default still reaches the agency.
    """
    wanted = {name: rules.read(BY_NAME[name], text) for name, text in typed.items()}
    with transaction.atomic():
        row = Agency.objects.select_for_update(of=("self",)).get(pk=agency.pk)
        changed: dict[str, list[Value]] = {}
        for name, value in wanted.items():
            before = rules.value(row, name)
            if before != value:
                changed[name] = [before, value]
        if changed:
            row.rules = {**row.rules, **{name: after for name, (_, after) in changed.items()}}
            row.save(update_fields=["rules"])
            record(row, "rules.changed", row, by=by, now=now, facts={"changed": changed})
        agency.rules = row.rules
    return changed


def deadlines_move(changed: Mapping[str, object]) -> bool:
    """True when a change of settings alters working time, so that open deadlines must be redone.

    A promise that was given keeps the amount that it was given with.
    """
    return bool(
        changed.keys()
        & {
            "working_week",
            "joint_leave_off",
            "hours_weekday",
            "hours_friday",
            "hours_saturday",
        }
    )
