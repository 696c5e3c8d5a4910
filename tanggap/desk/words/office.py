"""Clocks, calendars and the team: words for their codes."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

WORDS: dict[str, dict[str, object]] = {
    "clock_unit": {
        "working_days": _("working days"),
        "days": _("days"),
        "hours": _("hours"),
        "working_minutes": _("working minutes"),
    },
    "clock_moment": {
        "received": _("the message came in"),
        "assigned": _("somebody took it on"),
        "first_answer": _("the first answer"),
        "resolved": _("it is resolved"),
        "closed": _("it is closed"),
        "objection": _("an objection was filed"),
        "objection_answered": _("the objection is answered"),
        "dispute": _("the dispute is filed"),
        "breach_known": _("the breach became known"),
        "notified": _("people are told"),
    },
    # How well a rule is known: docs say what to do about it.
    "confidence": {
        "S": _("Read at the source"),
        "C": _("Corroborated indirectly"),
        "K": _("To be checked against the official text"),
    },
    "clock_subject": {
        "complaint": _("Complaint"),
        "supervisory": _("Complaint that needs an inspection"),
        "aspiration": _("Aspiration"),
        "service_question": _("Service question"),
        "information_request": _("Request for information (SP4N)"),
        "public_information": _("Public-information request (UU 14/2008)"),
        "integrity": _("Suspected violation (WBS)"),
        "data_breach": _("Personal-data breach"),
        "data_subject": _("Request of a data subject"),
    },
}
