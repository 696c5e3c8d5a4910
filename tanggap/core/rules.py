"""What an agency's settings are, and what time means in it. Reading only: office/rules.py changes.

A unit that says nothing follows its parent, up to the autonomous agency; then the default holds.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from tanggap.core import worktime
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, DayOverride
from tanggap.core.rules_data import BY_NAME, Rule, Value
from tanggap.core.worktime import Office


def value(agency: Agency, name: str) -> Value:
    """The value in force. An unknown name raises KeyError: fail loudly."""
    rule, node = BY_NAME[name], agency
    while name not in node.rules:
        if node.autonomous or node.parent is None:
            return rule.default
        node = node.parent
    found: Value = node.rules[name]
    return found


def number(agency: Agency, name: str) -> int:
    """The value of a setting of kind `count`."""
    found = value(agency, name)
    assert isinstance(found, int)
    return found


def fresh_minutes(agency: Agency, act: str) -> int:
    """How many minutes a second factor stays fresh for a sensitive act of core/roles.py.

    0 where the agency does not ask for one.
    """
    return number(agency, "confirm_minutes") if value(agency, f"confirm_{act}") else 0


def tenant(agency: Agency) -> Agency:
    """The autonomous agency that this one belongs to: whose calendar it keeps."""
    while not agency.autonomous and agency.parent is not None:
        agency = agency.parent
    return agency


def office(agency: Agency) -> Office:
    """Working time of an agency: its settings, and the override days of its tenant and its own.

    One or two queries: pass the result along instead of asking again in a loop.
    """
    six = value(agency, "working_week") == "6"
    weekday, friday, saturday = (
        worktime.parse_periods(str(value(agency, name)))
        for name in ("hours_weekday", "hours_friday", "hours_saturday")
    )
    days = DayOverride.objects.filter(agency__in={tenant(agency), agency})
    # The agency's own word comes last and wins over its tenant's.
    said = sorted(
        days.values_list("agency_id", "day", "working"), key=lambda row: row[0] == agency.pk
    )
    return Office(
        zone=agency.zone,
        days=worktime.SIX_DAYS if six else worktime.FIVE_DAYS,
        hours={**dict.fromkeys((1, 2, 3, 4), weekday), 5: friday, **({6: saturday} if six else {})},
        overrides={day: working for _owner, day, working in said},
        joint_leave=bool(value(agency, "joint_leave_off")),
    )


def read(rule: Rule, raw: str) -> Value:
    """What a person typed for a setting, checked. Raises Refused, naming the field."""
    text = raw.strip()
    if rule.kind == "yesno":
        return text in {"on", "true", "yes", "1"}
    if rule.kind == "choice":
        if text not in dict(rule.options):
            raise _refused(rule, _("This is not one of the choices."), _("Choose one of the list."))
        return text
    if rule.kind == "periods":
        return _read_periods(rule, text)
    parts = text.split(",") if rule.kind == "counts" else [text]
    numbers = [_read_number(rule, part.strip()) for part in parts]
    return sorted(set(numbers)) if rule.kind == "counts" else numbers[0]


def _read_periods(rule: Rule, text: str) -> str:
    try:
        periods = worktime.parse_periods(text)
    except ValueError:
        periods = ()
    if not periods:
        raise _refused(
            rule, _("These are not office hours."), _("Write them like 07.30-12.00, 13.00-16.00.")
        )
    return ", ".join(f"{starts:%H.%M}-{ends:%H.%M}" for starts, ends in periods)


def _read_number(rule: Rule, text: str) -> int:
    if not text.isascii() or not text.isdigit() or not rule.low <= int(text[:9]) <= rule.high:
        raise _refused(
            rule,
            _("“%(typed)s” is not a number that fits here.") % {"typed": text},
            _("Write a whole number from %(low)d to %(high)d.")
            % {"low": rule.low, "high": rule.high},
        )
    return int(text)


def _refused(rule: Rule, why: str, next: str) -> Refused:
    return Refused(
        _("“%(rule)s” was not changed.") % {"rule": rule.label}, why, next, field=rule.name
    )
