"""The one table of who may do what: role x verb.

A role is held through a Membership (decree number, validity dates). A verb is what a screen or
a function of the trade asks for. Whoever uses a verb in SECOND_FACTOR must have a second factor;
verbs of ACTS ask for a fresh one where the agency's rules say so.
Separation of duties (a maker is not the checker) is checked by the verb itself, on the row.
"""

from __future__ import annotations

ROLES = (
    "head",  # pimpinan: decides on recommendations
    "lead",  # kepala humas / penanggung jawab: approves, appoints, is responsible
    "editor",  # admin / content officer: plans, writes, schedules
    "responder",  # answers citizens
    "unit",  # subject-matter unit: answers in substance, keeps knowledge true
    "ppid",  # information and documentation officer: openness and secrets
    "integrity",  # handles integrity reports (dugaan pelanggaran)
    "auditor",  # inspectorate: reads everything that is on record
    "coordinator",  # province: sees figures of agencies, never their citizens' words
    "operator",  # installs, connects channels, keeps the machine
)

VERBS: dict[str, frozenset[str]] = {
    verb: frozenset(roles.split())
    for verb, roles in {
        "today": "head lead editor responder unit ppid integrity auditor coordinator operator",
        "search": "head lead editor responder ppid auditor",
        "plan.read": "head lead editor responder unit ppid auditor coordinator",
        "plan.write": "lead editor",
        "plan.approve": "lead head",
        "activity.read": "head lead editor responder unit ppid auditor coordinator",
        "activity.write": "lead editor",
        "hold": "head lead editor responder ppid operator",
        "hold.lift": "head lead",
        "message.read": "head lead editor responder unit ppid auditor",
        "message.write": "lead editor",
        "message.review": "lead ppid head",
        "exempt.read": "lead editor ppid auditor head",
        "exempt.write": "ppid",
        "message.comment": "lead editor ppid unit head",
        "publish": "lead editor",
        "delivery.read": "head lead editor responder ppid auditor operator",
        "inbox.read": "lead responder editor ppid auditor head",
        "inbox.write": "lead responder",
        "reply.approve": "lead",
        "answers.write": "lead responder unit",
        "moderate": "lead responder",
        "reveal": "lead ppid integrity auditor",
        "claim.write": "lead responder editor",
        "claim.decide": "lead",
        "integrity": "integrity",
        "case.read": "head lead editor responder unit ppid auditor",
        "case.write": "lead responder",
        "case.answer": "unit lead responder",
        "finding.write": "lead responder editor",
        "recommend": "lead editor",
        "decide": "head",
        "announce": "lead editor",
        "announce.approve": "lead",
        "monitor.read": "head lead editor responder ppid auditor coordinator",
        "monitor.write": "lead editor",
        "account.read": "head lead editor responder ppid auditor coordinator operator",
        "account.connect": "lead operator",
        "archive.read": "lead ppid auditor",
        "export": "lead ppid auditor",
        "people.read": "head lead operator auditor",
        "people.write": "lead operator",
        "rules.write": "lead ppid operator",
        "health.read": "lead operator",
    }.items()
}

# Verbs whose holder must have a second factor (TOTP or passkey) before using them.
SECOND_FACTOR = frozenset(
    {
        "message.review",
        "publish",
        "account.connect",
        "hold.lift",
        "reveal",
        "export",
        "reply.approve",
        "announce.approve",
        "decide",
        "people.write",
    }
)

# Sensitive acts and the verbs that perform them. Which of them ask for a fresh second factor, and
# how fresh, is the agency's rule `confirm_<act>` (core/rules_data.py). "sending" has no verb of its
# own: the view says so, `@desk("publish", act="sending")`.
ACTS: dict[str, frozenset[str]] = {
    act: frozenset(verbs.split())
    for act, verbs in {
        "approve": "message.review reply.approve announce.approve plan.approve claim.decide decide",
        "publish": "publish",
        "connect": "account.connect",
        "hide": "moderate",
        "reveal": "reveal",
        "export": "export",
        "hold": "hold hold.lift",
        "sending": "",
        "team": "people.write",
        "rules": "rules.write",
    }.items()
}

# Opening the page is the act itself; elsewhere only what is sent (POST) is.
READING_IS_THE_ACT = frozenset({"reveal", "export"})

# What a deputy (wakil) appointed by the lead for a time may do besides their own role's verbs.
DEPUTY = frozenset({"message.review", "reply.approve", "announce.approve", "hold.lift"})


def allows(role: str, verb: str) -> bool:
    """True when `role` holds `verb`. An unknown verb raises KeyError: fail loudly, not open."""
    return role in VERBS[verb]


def act_of(verb: str) -> str:
    """The sensitive act that `verb` performs; "" when it performs none."""
    return next((act for act, verbs in ACTS.items() if verb in verbs), "")
