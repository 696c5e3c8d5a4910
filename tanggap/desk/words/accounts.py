"""What is said of official accounts."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

WORDS: dict[str, dict[str, object]] = {
    "account_state": {
        "registered": _("Not connected yet"),
        "connected": _("Connected"),
        "paused": _("Paused"),
        "retired": _("Retired"),
    },
    "account_tone": {"registered": "due", "connected": "done", "paused": "late", "retired": ""},
    "account_kind": {
        "institution": _("Institution"),
        "unit": _("Unit"),
        "official": _("Official in office"),
        "campaign": _("Campaign"),
        "crisis": _("Crisis"),
    },
    "account_health": {
        "refused": _("The network does not accept our credentials: connect again"),
        "paused": _("Paused by a person"),
        "not_connected": _("Not connected yet"),
        "silent": _("The network did not answer our last look; we try again by ourselves"),
        "expires": _("The authorisation ends within a week: connect again"),
        "nobody": _("Nobody is in charge of it"),
    },
}
