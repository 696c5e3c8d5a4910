"""What is said of records: what they are about."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

WORDS: dict[str, dict[str, object]] = {
    "record_subject": {
        "accounts.account": _("Official account"),
        "activities.activity": _("Activity"),
        "activities.hold": _("Hold"),
        "core.agency": _("Agency"),
        "core.invitation": _("Invitation"),
        "core.membership": _("Membership"),
        "core.person": _("Person"),
        "followup.announcement": _("Announcement"),
        "followup.case": _("Report"),
        "followup.finding": _("Finding"),
        "followup.handover": _("Handover"),
        "followup.recommendation": _("Recommendation"),
        "inbox.claim": _("Doubtful news"),
        "inbox.conversation": _("Conversation"),
        "inbox.item": _("Message from a citizen"),
        "inbox.reply": _("Reply"),
        "messaging.message": _("Content"),
        "monitoring.analyticsimport": _("Web-analytics file"),
        "monitoring.evaluation": _("Evaluation"),
        "monitoring.returns": _("Return table"),
        "planning.plan": _("Plan"),
        "publishing.delivery": _("Post on its way"),
    },
    "record_proof": {
        "sealed": _("Sealed in the log"),
        "waiting": _("Waits for the sealer"),
        "broken": _("Does not fit what was signed"),
    },
}
