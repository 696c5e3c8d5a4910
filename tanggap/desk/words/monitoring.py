"""What is said of numbers, of what waits for a decision, and of evaluations."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

WORDS: dict[str, dict[str, object]] = {
    "why_not": {
        "no_posts": _("nothing was published in these days"),
        "not_given": _("the network does not give this number"),
        "not_measured": _("not measured yet; the first look is an hour after publishing"),
        "failed": _("the network did not answer; we ask again"),
        "gone": _("the post is no longer on the network"),
        "no_links": _("no short link was used"),
        "no_file": _("no web-analytics file for these days"),
        "days_missing": _("the file does not have every day"),
        "whole_site": _("web analytics count the whole website only"),
        "no_source": _("no source counts it yet"),
        "not_listening": _("nobody reads messages from this account yet"),
        "nobody": _("nobody wrote in these days"),
        "nobody_before": _("nobody wrote in the period before, so there is nothing to compare"),
    },
    "behind": {
        "posts": _("Posts"),
        "voices": _("Messages from citizens"),
        "opened": _("Reports opened"),
        "resolved": _("Reports resolved"),
    },
    "owed": {
        "late": _("Past their time"),
        "today": _("Due today"),
        "talks": _("Messages that wait for an answer"),
        "cases": _("Open reports"),
    },
    "number_source": {
        "channel": _("the network"),
        "own": _("incoming messages"),
        "short_link": _("short links"),
        "csv": _("web analytics"),
    },
    "number_unit": {
        "times": _("times"),
        "people": _("people"),
        "messages": _("messages"),
        "percent": _("percent"),
    },
    "decision": {
        "message": _("Content"),
        "owed": _("Sent in an emergency, review still owed"),
        "reply": _("Reply"),
        "recommendation": _("Recommendation"),
        "announcement": _("Announcement"),
        "plan": _("Plan"),
        "claim": _("Doubtful news"),
    },
    "decision_act": {
        "message": _("Check it"),
        "owed": _("Check it"),
        "reply": _("Check it"),
        "recommendation": _("Decide"),
        "announcement": _("Check it"),
        "plan": _("Approve"),
        "claim": _("Decide"),
    },
    "openness_short": {
        "periodic": _("periodic (art. 9)"),
        "immediate": _("immediate (art. 10)"),
        "any_time": _("at any time (art. 11)"),
        "none": _("openness not applicable"),
    },
    "heard_kind": {
        "": _("Not sorted yet"),
        "service_question": _("Service question"),
        "complaint": _("Complaint"),
        "aspiration": _("Aspiration"),
        "public_information": _("Public-information request"),
        "integrity": _("Suspected violation (WBS)"),
        "rumour": _("Doubtful news"),
        "thanks": _("Thanks"),
        "criticism": _("Criticism"),
        "spam": _("Spam"),
        "other": _("Other"),
    },
    "case_kind_short": {
        "complaint": _("Complaint"),
        "supervisory": _("Complaint about supervision"),
        "aspiration": _("Aspiration"),
        "service_question": _("Service question"),
        "information_request": _("Request for information (SP4N)"),
        "public_information": _("Public-information request"),
        "integrity": _("Suspected violation (WBS)"),
    },
    "judgement": {
        "kept": _("Keep"),
        "changed": _("Change"),
        "dropped": _("Drop"),
    },
    "evaluation_state": {"open": _("Being written"), "closed": _("Closed")},
}
