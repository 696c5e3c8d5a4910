"""Step 7: what to do about a finding, with options; the head decides, with a reason (88.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.archive.move import move
from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Person
from tanggap.execution.followup.models import Finding, Option, Recommendation

LETTERS = "ABC"
VERDICTS = ("accepted", "changed", "declined")


@dataclass(frozen=True)
class Choice:
    """An option as written: what, what it costs, how long it takes, what may go wrong."""

    text: str
    cost: str = ""
    time_needed: str = ""
    risk: str = ""


def write(
    finding: Finding,
    title: str,
    *,
    background: str,
    options: Sequence[Choice],
    by: Person,
    now: datetime,
    owner_unit: Agency | None = None,
    due_on: date | None = None,
) -> Recommendation:
    """A draft with one to three options, A to C."""
    what = _("The recommendation was not written.")
    choices = [one for one in options if one.text.strip()]
    if not title.strip():
        raise Refused(
            what, _("It has no title."), _("Write what is asked of the head."), field="title"
        )
    if not background.strip():
        raise Refused(
            what,
            _("The head would not know why."),
            _("Write the background in two or three sentences."),
            field="background",
        )
    if not choices or len(choices) > len(LETTERS):
        raise Refused(
            what,
            _("A decision needs one to three options."),
            _("Write at least option A."),
            field="option_a",
        )
    with transaction.atomic():
        made = Recommendation.objects.create(
            agency=finding.agency,
            finding=finding,
            title=title.strip(),
            background=background.strip(),
            owner_unit=owner_unit,
            due_on=due_on,
            proposed_by=by,
            proposed_at=now,
        )
        for letter, one in zip(LETTERS, choices, strict=False):
            Option.objects.create(
                agency=finding.agency,
                recommendation=made,
                letter=letter,
                text=one.text.strip(),
                cost=one.cost.strip(),
                time_needed=one.time_needed.strip(),
                risk=one.risk.strip(),
            )
        record(
            finding.agency,
            "recommendation.written",
            made,
            by=by,
            now=now,
            content=made.background.encode(),
            facts={"finding": finding.pk, "options": len(choices)},
        )
    return made


def propose(recommendation: Recommendation, *, by: Person, now: datetime) -> Recommendation:
    """Put it before the head. The finding must have been compared with its originals."""
    if recommendation.finding.state == "draft":
        raise Refused(
            _("The recommendation was not sent to the head."),
            _("Nobody has compared its finding with the originals yet."),
            _("Ask a colleague to confirm the finding first."),
        )
    return move(recommendation, "proposed", by=by, now=now, proposed_by=by, proposed_at=now)


def decide(
    recommendation: Recommendation,
    verdict: str,
    *,
    reason: str,
    by: Person,
    now: datetime,
    option: str = "",
    changed_to: str = "",
    owner_unit: Agency | None = None,
    due_on: date | None = None,
) -> Recommendation:
    """Accept an option, change it, or decline; always with a reason. May set owner and day."""
    what = _("The decision was not recorded.")
    if verdict not in VERDICTS:
        raise Refused(
            what, _("No decision was chosen."), _("Accept, change or decline."), field="verdict"
        )
    if not reason.strip():
        raise Refused(
            what,
            _("Citizens and auditors will ask why."),
            _("Write the reason in one sentence."),
            field="reason",
        )
    chosen = recommendation.options.filter(letter=option).first()
    if verdict == "accepted" and chosen is None:
        raise Refused(
            what, _("It is not said which option."), _("Choose an option."), field="option"
        )
    if verdict == "changed" and not changed_to.strip():
        raise Refused(
            what,
            _("It is not said what to do instead."),
            _("Write what is to be done."),
            field="changed_to",
        )
    return move(
        recommendation,
        verdict,
        by=by,
        now=now,
        content=reason.strip().encode(),
        facts={"option": option if chosen else "", "finding": recommendation.finding_id},
        decided_by=by,
        decided_at=now,
        decision_reason=reason.strip(),
        changed_to=changed_to.strip() if verdict == "changed" else "",
        chosen=chosen if verdict != "declined" else None,
        owner_unit=owner_unit or recommendation.owner_unit,
        due_on=due_on or recommendation.due_on,
    )


def done(recommendation: Recommendation, note: str, *, by: Person, now: datetime) -> Recommendation:
    """It was carried out."""
    if not note.strip():
        raise Refused(
            _("It was not marked as done."),
            _("Nothing says what was done."),
            _("Write it in one sentence."),
            field="note",
        )
    return move(
        recommendation,
        "done",
        by=by,
        now=now,
        content=note.strip().encode(),
        done_at=now,
        done_note=note.strip(),
    )
