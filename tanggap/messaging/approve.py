"""A second person approves, bound to the hash of everything that will be sent.

Maker is not checker. Any edit afterwards voids the approval (draft.py), and the hash is compared
again at sending (publishing/claim.py). In an emergency one person may send, says why, and a second
one looks afterwards. What may be exempt or personal waits for a PPID officer (UU 14/2008 art. 17).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.archive.move import move
from tanggap.archive.record import record
from tanggap.core.errors import Refused, Stale
from tanggap.core.models import Person
from tanggap.messaging import check
from tanggap.messaging.content import digest
from tanggap.messaging.models import Message, Review


def submit(message: Message, *, by: Person, now: datetime) -> Message:
    """Ask for approval: draft → checked. Raises Refused with the first check that stops it."""
    with _locked(message) as fresh:
        check.demand(check.run(fresh, now), _("Approval was not asked for yet."), before_ppid=True)
        move(fresh, "checked", by=by, now=now, facts={"hash": digest(fresh).hex()})
    return message


def approve(message: Message, *, seen: bytes, by: Person, now: datetime, note: str = "") -> Message:
    """checked → approved for exactly what the reviewer saw (`seen`, 32 bytes of `digest`)."""
    what = _("It was not approved.")
    with _locked(message) as fresh:
        _not_the_maker(fresh, by, what)
        found = _as_seen(fresh, seen, what)
        check.demand(check.run(fresh, now), what)
        _review(fresh, Review.Kind.CHECK, Review.Verdict.APPROVED, found, by, now, note)
        move(
            fresh,
            "approved",
            by=by,
            now=now,
            facts={"hash": found.hex()},
            approved_hash=found,
            approved_at=now,
            approved_by=by,
        )
    return message


def return_(message: Message, *, reason: str, seen: bytes, by: Person, now: datetime) -> Message:
    """Back to its writer with one sentence: checked or approved → draft."""
    what = _("It was not returned.")
    if not reason.strip():
        raise Refused(
            what,
            _("The writer would not know why."),
            _("Write one sentence: what should be different?"),
            field="reason",
        )
    with _locked(message) as fresh:
        found = _as_seen(fresh, seen, what)
        _review(fresh, Review.Kind.CHECK, Review.Verdict.RETURNED, found, by, now, reason)
        _back(fresh, found, by, now)
    return message


def decide_openness(
    message: Message, *, open_: bool, reason: str, seen: bytes, by: Person, now: datetime
) -> Message:
    """The PPID officer's word on what was flagged: it stays open, or goes back to be redacted."""
    what = _("No decision was kept.")
    if not reason.strip():
        raise Refused(
            what,
            _("The reason is missing; it will be asked for."),
            _("Write in one sentence why it is open or not."),
            field="reason",
        )
    with _locked(message) as fresh:
        found = _as_seen(fresh, seen, what)
        flagged = sorted({one.rule for one in check.run(fresh, now) if one.clears})
        if not flagged:
            raise Refused(what, _("Nothing in it waits for the PPID officer."), "")
        verdict = Review.Verdict.APPROVED if open_ else Review.Verdict.RETURNED
        _review(
            fresh,
            Review.Kind.PPID,
            verdict,
            found,
            by,
            now,
            reason,
            cleared=flagged if open_ else [],
        )
        record(
            fresh.agency,
            "message.openness_decided",
            fresh,
            by=by,
            now=now,
            facts={"open": open_, "rules": flagged, "hash": found.hex()},
        )
        if not open_ and fresh.state != "draft":
            _back(fresh, found, by, now)
    return message


def send_in_emergency(message: Message, *, reason: str, by: Person, now: datetime) -> Message:
    """One person approves an emergency message alone, and owes a second person's look."""
    what = _("It was not released.")
    if not message.emergency:
        raise Refused(
            what,
            _("This content is not marked as an emergency."),
            _("Ask a second person to approve it."),
        )
    if not reason.strip():
        raise Refused(
            what,
            _("The reason is missing."),
            _("Write in one sentence what cannot wait."),
            field="reason",
        )
    with _locked(message) as fresh:
        # Danger to people goes before what a PPID officer may still say; secrets do not.
        check.demand([one for one in check.run(fresh, now) if one.rule != "exempt_pattern"], what)
        found = digest(fresh)
        if fresh.state == "draft":
            move(fresh, "checked", by=by, now=now, facts={"hash": found.hex()})
        _review(fresh, Review.Kind.EMERGENCY, Review.Verdict.APPROVED, found, by, now, reason)
        move(
            fresh,
            "approved",
            by=by,
            now=now,
            verb="message.emergency_approved",
            facts={"hash": found.hex()},
            approved_hash=found,
            approved_at=now,
            approved_by=by,
            review_owed=True,
        )
    return message


def review_after(message: Message, *, note: str, by: Person, now: datetime) -> Message:
    """The second look that an emergency owes. It does not undo: a correction or removal does."""
    what = _("The review was not kept.")
    if not note.strip():
        raise Refused(
            what,
            _("The finding is missing."),
            _("Write in one sentence whether it was right."),
            field="note",
        )
    with _locked(message) as fresh:
        if not fresh.review_owed:
            raise Refused(what, _("No review is owed here."), "")
        if fresh.approved_by_id == by.pk:
            raise Refused(
                what,
                _("Who released it alone does not review it."),
                _("Ask somebody else of the team."),
            )
        _review(fresh, Review.Kind.AFTER, Review.Verdict.NOTED, digest(fresh), by, now, note)
        Message.objects.filter(pk=fresh.pk).update(review_owed=False)
        record(fresh.agency, "message.reviewed_after", fresh, by=by, now=now)
    return message


def comment(message: Message, *, text: str, by: Person, now: datetime) -> Review:
    """A colleague's remark, for instance of the unit whose facts these are."""
    if not text.strip():
        raise Refused(_("Nothing was added."), _("The comment is empty."), "", field="text")
    with transaction.atomic():
        kept = _review(
            message, Review.Kind.COMMENT, Review.Verdict.NOTED, digest(message), by, now, text
        )
        record(message.agency, "message.commented", message, by=by, now=now)
    return kept


@contextmanager
def _locked(message: Message) -> Iterator[Message]:
    """The frame of every decision: the message as it is now, under lock, in one transaction; the
    caller's copy says the same afterwards."""
    with transaction.atomic():
        rows = Message.objects.select_for_update(of=["self"]).select_related("agency")
        yield rows.get(pk=message.pk)
    message.refresh_from_db()


def _back(fresh: Message, found: bytes, by: Person, now: datetime) -> None:
    """To its writer, without an approval."""
    move(
        fresh,
        "draft",
        by=by,
        now=now,
        verb="message.returned",
        facts={"hash": found.hex()},
        approved_hash=None,
        approved_at=None,
        approved_by=None,
    )


def _not_the_maker(message: Message, by: Person, what: str) -> None:
    if by.pk in (message.author_id, message.edited_by_id):
        raise Refused(
            what,
            _("You wrote or changed it yourself; a second person looks at all that we publish."),
            _("Ask a colleague or a deputy. If people are in danger, use the emergency path."),
        )


def _as_seen(message: Message, seen: bytes, what: str) -> bytes:
    found = digest(message)
    if found != seen:
        raise Stale(
            what,
            _("It was changed after you opened it."),
            _("Look at what it says now, then decide."),
        )
    return found


def _review(
    message: Message,
    kind: str,
    verdict: str,
    found: bytes,
    by: Person,
    now: datetime,
    reason: str,
    cleared: list[str] | None = None,
) -> Review:
    return Review.objects.create(
        agency_id=message.agency_id,
        message=message,
        kind=kind,
        verdict=verdict,
        reason=reason.strip(),
        by=by,
        at=now,
        content_hash=found,
        cleared=cleared or [],
    )
