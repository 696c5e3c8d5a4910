"""What is said of content: states, openness classes, tones, filters, decisions."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

WORDS: dict[str, dict[str, object]] = {
    "message_state": {
        "draft": _("Being written"),
        "checked": _("Waiting for approval"),
        "approved": _("Approved"),
        "released": _("Released"),
        "withdrawn": _("Withdrawn"),
    },
    "message_tone": {
        "draft": "",
        "checked": "due",
        "approved": "done",
        "released": "done",
        "withdrawn": "",
    },
    "message_filter": {
        "mine": _("Waiting for you"),
        "all": _("All content"),
        "writing": _("Being written"),
        "waiting": _("Waiting for approval"),
        "approved": _("Approved"),
        "released": _("Released"),
        "owed": _("Review owed"),
        "withdrawn": _("Withdrawn"),
    },
    "openness": {
        "periodic": _("Periodic (art. 9)"),
        "immediate": _("Immediate (art. 10)"),
        "any_time": _("At any time (art. 11)"),
        "none": _("Not applicable"),
        "": _("not chosen yet"),
    },
    "style": {"formal": _("Formal"), "warm": _("Warm"), "humour": _("Humour")},
    "review_kind": {
        "check": _("Second person"),
        "ppid": _("PPID officer"),
        "emergency": _("Emergency path"),
        "after": _("Review after sending"),
        "comment": _("Comment"),
    },
    "review_verdict": {
        "approved": _("Approved"),
        "returned": _("Returned"),
        "noted": _("Noted"),
    },
}
