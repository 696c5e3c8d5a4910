"""What is said of plans and activities."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

WORDS: dict[str, dict[str, object]] = {
    "plan_state": {
        "draft": _("Draft"),
        "reviewed": _("Waits for approval"),
        "approved": _("Approved"),
        "running": _("Running"),
        "evaluated": _("Evaluated"),
    },
    "plan_tone": {
        "draft": "",
        "reviewed": "due",
        "approved": "brand",
        "running": "done",
        "evaluated": "",
    },
    "rung": {
        "creators": _("Creators"),
        "conversationalists": _("Conversationalists"),
        "critics": _("Critics and commenters"),
        "collectors": _("Collectors"),
        "joiners": _("Joiners"),
        "spectators": _("Spectators"),
        "inactives": _("Inactive"),
    },
    "objective_kind": {
        "listen": _("Listen to aspirations"),
        "consult": _("Obtain input"),
        "inform": _("Inform"),
        "awareness": _("Raise awareness"),
        "serve": _("Serve"),
        "collaborate": _("Collaborate"),
    },
    "activity_state": {
        "planned": _("Planned"),
        "running": _("Running"),
        "done": _("Done"),
        "cancelled": _("Called off"),
    },
    "activity_tone": {"planned": "", "running": "brand", "done": "done", "cancelled": "late"},
    "purpose": {
        "inform": _("Inform"),
        "listen": _("Listen"),
        "consult": _("Consult"),
        "serve": _("Serve"),
        "collaborate": _("Collaborate"),
    },
    "relation": {
        "g2c": _("Government to citizens (G2C)"),
        "g2b": _("Government to business (G2B)"),
        "g2g": _("Government to government (G2G)"),
    },
}
