"""Work owed to citizens: open, join, assign, resolve, close, reopen; nobody is dropped.

Steps 5 to 6 of the eight. States move through the archive; clocks are in clocks.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Avg, F
from django.utils.translation import gettext as _

from tanggap.archive.move import move
from tanggap.archive.record import record
from tanggap.core import rules
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Person
from tanggap.execution.followup import clocks, keys, tickets
from tanggap.execution.followup.models import Case, Contributor
from tanggap.execution.inbox import triage
from tanggap.execution.inbox.models import Conversation, Item
from tanggap.execution.inbox.people import masked

# Kinds whose resolution shows what was done: a photo or document, or why there is none.
SHOWN = frozenset({"complaint", "supervisory"})
OPEN = ("open", "assigned", "in_progress", "handed_over", "reopened")


def open_case(
    things: Iterable[Conversation | Item],
    *,
    kind: str,
    title: str,
    by: Person,
    now: datetime,
    unit: Agency | None = None,
    place: str = "",
    tell: bool = True,
) -> Case:
    """Open a case from one or many conversations or items, and give every author their number.

    One contributor an author; whoever wrote twice is told once. Raises Refused.
    """
    what = _("No report was opened.")
    found = [_first_item(thing) for thing in things]
    if not found:
        raise Refused(what, _("No message was chosen."), _("Tick at least one message."))
    if kind not in Case.Kind.values:
        raise Refused(
            what,
            _("It has no kind, and the kind decides its deadlines."),
            _("Choose a kind."),
            field="kind",
        )
    if not title.strip():
        raise Refused(
            what, _("It has no title."), _("Write in a few words what it is about."), field="title"
        )
    agency = found[0].agency
    sealed = kind == Case.Kind.INTEGRITY or any(
        item.conversation is not None and item.conversation.sealed for item in found
    )
    with transaction.atomic():
        case = _numbered(
            Case(
                agency=agency,
                kind=kind,
                title=title.strip(),
                place=place.strip(),
                unit=unit,
                sealed=sealed,
                public=not sealed,
                opened_by=by,
                opened_at=now,
                due_at=clocks.NEVER,
            )
        )
        record(
            agency,
            "case.opened",
            case,
            by=by,
            now=now,
            content=case.title.encode(),
            facts={
                "kind": kind,
                "items": [item.pk for item in found],
                "unit": unit.pk if unit else None,
                "sealed": sealed,
            },
        )
        clocks.start(case, "received", at=min(item.received_at for item in found), now=now)
        _join_all(case, found, by=by, now=now, tell=tell)
        if unit is not None:
            assign(case, unit=unit, to=None, by=by, now=now)
    return case


def join(
    case: Case,
    conversation: Conversation,
    item: Item | None,
    *,
    by: Person,
    now: datetime,
    tell: bool = True,
    due_at: datetime | None = None,
) -> tuple[Contributor, str]:
    """ "Saya juga mengalami": add a citizen to a case. Gives the contributor and the private key.

    The key is empty for an author who is in the case already: they keep the one they have.
    """
    item = item or _first_item(conversation)
    if item.agency_id != case.agency_id:
        raise Refused(
            _("The message was not added."),
            _("It was written to another agency."),
            _("Hand the report over to that agency instead."),
        )
    if conversation.sealed and not case.sealed:
        raise Refused(
            _("The message was not added."),
            _("It is about a suspected violation and is kept sealed."),
            _("Open a sealed report of its own for it."),
        )
    with transaction.atomic():
        Conversation.objects.filter(pk=conversation.pk).update(has_case=True)
        conversation.has_case = True
        if case.sealed:
            # Words of a sealed report stand in no open inbox.
            triage.seal(conversation, by=by, now=now)
        known = Contributor.objects.filter(case=case, author=conversation.author).first()
        if known is not None:
            record(
                case.agency,
                "case.joined_again",
                case,
                by=by,
                now=now,
                facts={"contributor": known.pk, "item": item.pk},
            )
            return known, ""
        key = keys.new_key()
        made = Contributor.objects.create(
            agency=case.agency,
            case=case,
            conversation=conversation,
            item=item,
            author=conversation.author,
            key_hash=keys.hash_key(key),
            joined_at=now,
            joined_by=f"person:{by.pk}",
        )
        Case.objects.filter(pk=case.pk).update(contributors_count=F("contributors_count") + 1)
        case.refresh_from_db(fields=["contributors_count"])
        made.case = case
        clocks.owe([conversation.pk], now)
        record(
            case.agency,
            "case.joined",
            case,
            by=by,
            now=now,
            facts={
                "contributor": made.pk,
                "item": item.pk,
                "conversation": conversation.pk,
                "count": case.contributors_count,
            },
        )
        if tell:
            tickets.give(made, key, by=by, now=now, due_at=due_at or now)
    return made, key


def merge(
    case: Case,
    conversations: Sequence[Conversation],
    *,
    by: Person,
    now: datetime,
    tell: bool = True,
) -> list[Contributor]:
    """Later reports of the same thing join the case; each author is told, one after another."""
    with transaction.atomic():
        found = [_first_item(one) for one in conversations]
        return _join_all(case, found, by=by, now=now, tell=tell)


def assign(
    case: Case, *, unit: Agency | None, to: Person | None, by: Person, now: datetime
) -> Case:
    """Say whose work it is: a unit, and somebody in it when one is known."""
    if unit is None and to is None:
        raise Refused(
            _("Nobody was assigned."),
            _("No unit and no person was chosen."),
            _("Choose who works on it."),
            field="unit",
        )
    fields: dict[str, Any] = {"unit": unit, "assigned_to": to}
    facts = {"unit": unit.pk if unit else None, "person": to.pk if to else None}
    with transaction.atomic():
        if case.state == "assigned":
            Case.objects.filter(pk=case.pk).update(**fields)
            case.unit, case.assigned_to = unit, to
            record(case.agency, "case.reassigned", case, by=by, now=now, facts=facts)
            return case
        move(case, "assigned", by=by, now=now, facts=facts, **fields)
        clocks.stop(case, "assigned", at=now, now=now)
        clocks.start(case, "assigned", at=now, now=now)
    return case


def begin(case: Case, *, by: Person, now: datetime) -> Case:
    """Work has begun."""
    return move(case, "in_progress", by=by, now=now)


def resolve(
    case: Case, *, resolution: str, by: Person, now: datetime, evidence_note: str = ""
) -> Case:
    """Say what was done, with evidence. Citizens are told by an announcement (announce.py)."""
    what = _("The report was not resolved.")
    if not resolution.strip():
        raise Refused(
            what,
            _("Citizens will read what was done, and nothing is written."),
            _("Write it in words that a citizen understands."),
            field="resolution",
        )
    shown = case.photos.filter(when="after").exists()
    if case.kind in SHOWN and not shown and not evidence_note.strip():
        raise Refused(
            what,
            _("There is no photo or document of what was done."),
            _("Add one, or write why there is none."),
            field="evidence_note",
        )
    with transaction.atomic():
        move(
            case,
            "resolved",
            by=by,
            now=now,
            content=resolution.strip().encode(),
            facts={"evidence": case.photos.count()},
            resolution=resolution.strip(),
            evidence_note=evidence_note.strip(),
            resolved_at=now,
        )
        clocks.stop(case, "resolved", at=now, now=now)
        clocks.stop(case, "assigned", at=now, now=now)
        # A first answer is still owed until the citizen has it where they wrote.
        clocks.start(case, "resolved", at=now, now=now)
    return case


def close(case: Case, *, by: Person, now: datetime) -> Case:
    """Everybody was told and nobody says that it is not fixed."""
    with transaction.atomic():
        move(case, "closed", by=by, now=now, closed_at=now)
        clocks.stop(case, "closed", at=now, now=now)
        clocks.end_all(case, now=now)
    return case


def reopen(
    case: Case,
    *,
    by: Person | str,
    now: datetime,
    contributor: Contributor | None = None,
    words: str = "",
) -> Case:
    """A citizen says "belum", by their key or in their thread: clocks run anew, from now."""
    with transaction.atomic():
        if contributor is not None:
            Contributor.objects.filter(pk=contributor.pk).update(
                said_not_fixed_at=now, not_fixed_words=words.strip()
            )
            contributor.said_not_fixed_at, contributor.not_fixed_words = now, words.strip()
        clocks.end_all(case, now=now)
        move(
            case,
            "reopened",
            by=by,
            now=now,
            closed_at=None,
            content=words.strip().encode() or None,
            facts={
                "contributor": contributor.pk if contributor else None,
                "times": case.reopened_count + 1,
            },
            reopened_count=case.reopened_count + 1,
        )
        clocks.start(case, "received", at=now, now=now)
    return case


def reopen_by_words(case: Case, item: Item, *, by: Person, now: datetime) -> Case:
    """An officer reads "belum" in a citizen's own thread: that citizen says so, in these words."""
    who = Contributor.objects.filter(case=case, author=item.author).first()
    if who is None:
        raise Refused(
            _("The report was not opened again."),
            _("Whoever wrote this is not in this report."),
            _("Add their message to the report first."),
        )
    return reopen(case, by=by, now=now, contributor=who, words=masked(item.text, item.personal))


def not_fixed(contributor: Contributor, *, words: str, now: datetime) -> Case:
    """The citizen's own click, with their key: it is reopened, or noted where it still runs."""
    case = Case.objects.select_for_update(of=("self",)).get(pk=contributor.case_id)
    if case.state in ("resolved", "closed"):
        return reopen(case, by="citizen", now=now, contributor=contributor, words=words)
    Contributor.objects.filter(pk=contributor.pk).update(
        said_not_fixed_at=now, not_fixed_words=words.strip()
    )
    record(
        case.agency,
        "case.said_not_fixed",
        case,
        by="citizen",
        now=now,
        content=words.strip().encode() or None,
        facts={"contributor": contributor.pk},
    )
    return case


def rate(contributor: Contributor, stars: int, *, now: datetime) -> Case:
    """How satisfied the citizen is, 1 to 5, by their key; the last word counts."""
    what = _("Your rating was not recorded.")
    if not 1 <= stars <= 5:
        raise Refused(what, _("A rating is a number from 1 to 5."), _("Choose one."), field="stars")
    case = Case.objects.get(pk=contributor.case_id)
    if case.state not in ("resolved", "closed"):
        raise Refused(
            what,
            _("The report is still being worked on."),
            _("Come back when it is finished, or tell us what is missing."),
        )
    with transaction.atomic():
        Contributor.objects.filter(pk=contributor.pk).update(satisfaction=stars, rated_at=now)
        mean = Contributor.objects.filter(case=case).aggregate(mean=Avg("satisfaction"))["mean"]
        Case.objects.filter(pk=case.pk).update(satisfaction=round(mean))
        record(
            case.agency,
            "case.rated",
            case,
            by="citizen",
            now=now,
            facts={"contributor": contributor.pk, "stars": stars},
        )
        case.satisfaction = round(mean)
    return case


def _join_all(
    case: Case, found: Sequence[Item], *, by: Person, now: datetime, tell: bool
) -> list[Contributor]:
    pause = timedelta(seconds=rules.number(case.agency, "announcement_seconds"))
    made: list[Contributor] = []
    given: list[tuple[Contributor, str]] = []
    for item in found:
        assert item.conversation is not None, "_first_item refuses what lies in quarantine"
        who, key = join(case, item.conversation, item, by=by, now=now, tell=False)
        if key:
            given.append((who, key))
            made.append(who)
    # Told when all are in, so that everybody reads the same number of others.
    for turn, (who, key) in enumerate(given if tell else []):
        who.case = case
        tickets.give(who, key, by=by, now=now, due_at=now + turn * pause)
    return made


def _first_item(thing: Conversation | Item) -> Item:
    """The item itself, or the first of a conversation; Refused for what lies in quarantine."""
    if isinstance(thing, Conversation):
        found = (
            thing.items.select_related("conversation__author", "agency")
            .order_by("written_at", "pk")
            .first()
        )
    else:
        found = thing
    if found is None or found.conversation is None:
        raise Refused(
            _("No report was opened."),
            _("This message could not be placed yet."),
            _("Place it in a conversation first."),
        )
    return found


def _numbered(case: Case) -> Case:
    """Saved under a number that nobody has; the database decides which are taken."""
    for _try in range(20):
        case.number = keys.new_number(case.agency.code)
        try:
            with transaction.atomic():
                case.save(force_insert=True)
            return case
        except IntegrityError as error:
            if "number" not in str(error):
                raise
    raise RuntimeError("No free number was found in twenty draws.")
