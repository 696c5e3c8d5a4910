"""The settings in which agencies differ: name, kind, default, words, source. A table, not code.

Kinds: `count` (a whole number within bounds), `choice`, `yesno`, `periods` (hours of a day, as in
"07.30-12.00, 13.00-16.00"), `counts` (whole numbers in rising order). Values are kept as JSON in
`Agency.rules` under the name; an absent name means the default. core/rules.py reads and checks.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

Value = int | str | bool | list[int]


@dataclass(frozen=True, slots=True)
class Rule:
    """One setting. `low` and `high` bound a count; `unit` is the word behind the number."""

    name: str
    group: str
    kind: str
    default: Value
    label: object
    help: object
    source: object
    unit: object = ""
    low: int = 0
    high: int = 0
    options: tuple[tuple[str, object], ...] = ()


OWN = _("The agency's own decision")
PERPRES_21 = _(
    "Presidential Regulation 21/2023 on working days and hours; check your regional rule"
)

GROUPS: tuple[tuple[str, object], ...] = (
    ("time", _("Working time")),
    ("promise", _("Promises to citizens")),
    ("safety", _("Second pair of eyes")),
    ("confirm", _("The second key, asked again")),
    ("sending", _("Publishing")),
    ("links", _("Links that expire")),
    ("measure", _("Measurement")),
)

# Act of core/roles.py, whether it asks by default, words. What is rare and reaches far asks; what
# is done many times a day asks where the agency wants it (docs/why/0033).
CONFIRMED: tuple[tuple[str, bool, object, object], ...] = (
    (
        "approve",
        False,
        _("Ask to approve"),
        _("Content, replies, announcements, plans, decisions."),
    ),
    ("publish", False, _("Ask to publish"), _("Schedule, move, cancel and take down.")),
    ("connect", True, _("Ask to connect"), _("Connect, change, pause and retire accounts.")),
    ("hide", False, _("Ask to hide"), _("Hide a citizen's comment, or show it again.")),
    ("reveal", True, _("Ask to reveal"), _("Masked personal data, and who wrote a sealed report.")),
    ("export", True, _("Ask to export"), _("Files that leave this system.")),
    ("hold", False, _("Ask to hold"), _("Hold all posts and lift a hold; slower in a crisis.")),
    ("sending", True, _("Ask to switch sending on"), _("After a restore, or on a copied system.")),
    ("team", True, _("Ask to change the team"), _("Invite, change, end, appoint a deputy.")),
    ("rules", True, _("Ask to change rules"), _("This page, and the calendar.")),
)

RULES: tuple[Rule, ...] = (
    Rule(
        "working_week",
        "time",
        "choice",
        "5",
        _("Working week"),
        _("Legal clocks count these days, less holidays and the days that you add below."),
        PERPRES_21,
        options=(("5", _("Five days, Monday to Friday")), ("6", _("Six days, Monday to Saturday"))),
    ),
    Rule(
        "joint_leave_off",
        "time",
        "yesno",
        True,
        _("Joint leave (cuti bersama) is a day off"),
        _("Switch off only where the office works through joint leave."),
        _("Joint decree of three ministers (SKB 3 Menteri), every year"),
    ),
    Rule(
        "hours_weekday",
        "time",
        "periods",
        "07.30-12.00, 13.00-16.00",
        _("Office hours, Monday to Thursday"),
        _("Promises in working hours run only within these."),
        PERPRES_21,
    ),
    Rule(
        "hours_friday",
        "time",
        "periods",
        "07.30-11.30, 13.00-16.30",
        _("Office hours, Friday"),
        _("Promises in working hours run only within these."),
        PERPRES_21,
    ),
    Rule(
        "hours_saturday",
        "time",
        "periods",
        "07.30-12.00",
        _("Office hours, Saturday"),
        _("Counts only in a six-day week."),
        OWN,
    ),
    Rule(
        "first_response_minutes",
        "promise",
        "count",
        240,
        _("First answer within"),
        _("Our promise to whoever writes to us; it is no legal term."),
        OWN,
        _("working minutes"),
        15,
        4800,
    ),
    Rule(
        "danger_response_minutes",
        "promise",
        "count",
        15,
        _("First answer when somebody's life is in danger, within"),
        _("It runs at night and on holidays too: danger keeps no office hours."),
        OWN,
        _("minutes"),
        1,
        240,
    ),
    Rule(
        "saved_answer_alone",
        "safety",
        "yesno",
        True,
        _("A valid saved answer needs no second person"),
        _("Applies only while the answer is unchanged in its facts and not past its date."),
        OWN,
    ),
    Rule(
        "deputy_days",
        "safety",
        "count",
        14,
        _("A deputy serves at most"),
        _("After that the appointment ends by itself."),
        OWN,
        _("days"),
        1,
        90,
    ),
    Rule(
        "confirm_minutes",
        "confirm",
        "count",
        15,
        _("A second key stays fresh for"),
        _("After that, what is ticked below asks for it again. 0 means: it never asks."),
        OWN,
        _("minutes"),
        0,
        720,
    ),
    *(
        Rule(f"confirm_{act}", "confirm", "yesno", on, label, help_text, OWN)
        for act, on, label, help_text in CONFIRMED
    ),
    Rule(
        "lateness_minutes",
        "sending",
        "count",
        30,
        _("Ask a person when a post is later than"),
        _(
            "A post that could not leave in time is held, and somebody is asked if it is still "
            "timely."
        ),
        OWN,
        _("minutes"),
        1,
        1440,
    ),
    Rule(
        "announcement_seconds",
        "sending",
        "count",
        20,
        _("Pause between two announcements"),
        _(
            "Answers to many people leave one by one, so that the network does not take us for "
            "spam."
        ),
        OWN,
        _("seconds"),
        1,
        3600,
    ),
    Rule(
        "handover_days",
        "links",
        "count",
        7,
        _("A link to a unit works for"),
        _("The unit answers without signing in; after that, send a new link."),
        OWN,
        _("days"),
        1,
        60,
    ),
    Rule(
        "invitation_days",
        "links",
        "count",
        2,
        _("An invitation works for"),
        _("It works once; after that, invite again."),
        OWN,
        _("days"),
        1,
        14,
    ),
    Rule(
        "measurement_hours",
        "measure",
        "counts",
        [1, 24, 168, 720],
        _("Measure a post after"),
        _("Ages in hours, separated by commas, so that posts are compared at the same age."),
        OWN,
        _("hours"),
        1,
        8760,
    ),
)

BY_NAME = {rule.name: rule for rule in RULES}
