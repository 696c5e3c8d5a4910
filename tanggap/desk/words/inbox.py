"""Incoming messages: words for their codes."""

from __future__ import annotations

from typing import Any

from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from tanggap.execution.inbox.models import KINDS
from tanggap.execution.inbox.tables import verdict, verdicts, words


def _verdict(code: str) -> str:
    found: Any = verdict(code)
    return words(found)


VERDICT = lazy(_verdict, str)

WORDS: dict[str, dict[str, object]] = {
    "conversation_kind": {**dict(KINDS), "": _("Kind not set")},
    "conversation_state": {
        "new": _("New"),
        "triaged": _("Looked at"),
        "answered": _("Answered"),
        "quiet": _("Done"),
    },
    "conversation_group": {
        "open": _("Most urgent"),
        "mine": _("Mine"),
        "unassigned": _("Unassigned"),
        "snoozed": _("Put off"),
        "answered": _("Answered"),
        "quiet": _("Done"),
    },
    "urgency": {
        "danger": _("Danger to life"),
        "urgent": _("Urgent"),
        "normal": _("Normal"),
        "0": _("Danger to life"),
        "1": _("Urgent"),
        "2": _("Normal"),
    },
    "suggestion_field": {
        "kind": _("Kind"),
        "urgency": _("Urgency"),
        "unit": _("Unit"),
        "place": _("Place"),
    },
    "item_source": {
        "channel": _("From the network"),
        "paste": _("Pasted by an officer"),
        "screenshot": _("Typed from a screenshot"),
        "csv": _("Imported from a file"),
    },
    "reply_state": {
        "draft": _("Draft"),
        "awaiting": _("Waits for a second person"),
        "returned": _("Returned"),
        "withdrawn": _("Taken back"),
        "open": _("On its way"),
        "out": _("Sent"),
        "ended": _("Not sent"),
    },
    "reply_tone": {
        "awaiting": "due",
        "returned": "late",
        "open": "brand",
        "out": "done",
        "ended": "late",
    },
    "moderation_act": {
        "hide": _("Hidden"),
        "show": _("Shown again"),
        "refused": _("Hiding was refused"),
    },
    "quarantine": {
        "unreadable": _("The network's answer could not be read."),
        "DataError": _("It holds signs that cannot be stored."),
    },
    "bad_row": {
        "no_text": _("no words in it"),
        "too_many_cells": _("more columns than the first line"),
        "bad_time": _("the time cannot be read"),
        "bad_url": _("the link is no link"),
        "no_text_column": _("no column called isi or text"),
        "not_csv": _("not a CSV file"),
        "too_many_rows": _("more than 10,000 rows"),
        "empty": _("the file is empty"),
    },
    "claim_state": {
        "noticed": _("Noticed"),
        "checking": _("Being checked"),
        "decided": _("Decided"),
        "corrected": _("Corrected"),
        "dropped": _("Dropped"),
    },
    "claim_verdict": {row["code"]: VERDICT(row["code"]) for row in verdicts()["verdicts"]},
    "visibility_word": {"public": _("in public"), "private": _("in private")},
    "claim_tone": {"noticed": "due", "checking": "due", "decided": "brand", "corrected": "done"},
}
