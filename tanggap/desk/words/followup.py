"""Words of reports, findings, recommendations and announcements."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

WORDS: dict[str, dict[str, object]] = {
    "case_kind": {
        "complaint": _("Complaint"),
        "supervisory": _("Complaint about supervision"),
        "aspiration": _("Aspiration"),
        "service_question": _("Service question"),
        "information_request": _("Request for information (SP4N)"),
        "public_information": _("Public-information request (UU 14/2008)"),
        "integrity": _("Suspected violation (WBS)"),
    },
    "case_state": {
        "open": _("Still open"), "assigned": _("Assigned"), "in_progress": _("In progress"),
        "handed_over": _("With the unit"), "resolved": _("Resolved"), "closed": _("Closed"),
        "reopened": _("Reopened"),
    },
    "case_finding": {
        "open": _("Nobody works on it yet."), "assigned": _("A unit has it."),
        "in_progress": _("It is being worked on."),
        "handed_over": _("It waits for the unit's answer."),
        "resolved": _("It is resolved; everybody who asked should hear of it."),
        "closed": _("It is closed."), "reopened": _("A citizen says that it is not fixed."),
    },
    "case_pill": {
        "open": _("Still open"), "late": _("Late"), "soon": _("Due within a day"),
        "waiting": _("With the unit"), "resolved": _("Resolved"), "closed": _("Closed"),
        "all": _("All"),
    },
    "case_event": {
        "case.opened": _("Report opened"), "case.assigned": _("Assigned"),
        "case.reassigned": _("Assigned to somebody else"), "case.in_progress": _("Work began"),
        "case.handed_over": _("Handed over"), "case.open": _("Back with us"),
        "case.resolved": _("Resolved"), "case.closed": _("Closed"),
        "case.reopened": _("Reopened"), "case.late": _("A deadline has passed"),
        "case.clocks_kept": _("A deadline ended"), "case.extended": _("Deadline extended once"),
        "case.clock_recomputed": _("Deadline computed again"), "case.evidence": _("Photo added"),
        "case.evidence_shown": _("Photo shown or taken off"), "case.rated": _("A citizen rated it"),
        "case.said_not_fixed": _("A citizen says: not fixed yet"),
        "case.joined_again": _("A citizen wrote once more"),
        "case.lapor_kept": _("LAPOR! number kept"),
        "handover.offered": _("Link sent to the unit"), "handover.renewed": _("New link"),
        "handover.opened": _("The unit opened it"), "handover.answered": _("The unit answered"),
        "handover.refused": _("The unit says: not ours"),
        "handover.withdrawn": _("Handover taken back"),
    },
    "case_actor": {"citizen": _("Citizen"), "link": _("Unit, by link"), "system": _("System")},
    "handover_state": {
        "offered": _("Not opened yet"), "opened": _("Opened"), "answered": _("Answered"),
        "refused": _("Not theirs"), "withdrawn": _("Taken back"),
    },
    "evidence_when": {"before": _("Before"), "after": _("After")},
    "finding_state": {
        "draft": _("Draft"), "checked": _("Compared with the originals"), "final": _("Final"),
    },
    "recommendation_state": {
        "draft": _("Draft"), "proposed": _("Waits for the decision"), "accepted": _("Accepted"),
        "changed": _("Accepted with changes"), "declined": _("Declined"), "done": _("Done"),
        "announced": _("Announced"),
    },
    "announcement_state": {
        "draft": _("Waits for approval"), "approved": _("Going out"), "sent": _("Everybody told"),
        "withdrawn": _("Withdrawn"),
    },
    "why_not_told": {
        "deleted": _("the citizen deleted the message"),
        "erased": _("the citizen asked to be forgotten"), "sealed": _("kept sealed"),
        "paused": _("the account is paused"), "not_connected": _("the account is not connected"),
        "by_hand": _("tell them by hand on that channel"),
        "no_verb": _("the network takes no answer there"), "failed": _("the network refused it"),
    },
}
