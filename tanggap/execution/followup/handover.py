"""Give a case to a unit or another agency, by a link that expires and needs no sign-in.

The receiver must open it: an offer that nobody opens is shown as such. "Not ours" needs a reason
and the rightful unit; the second time it goes to the person in charge, so that nobody plays
ping-pong with a citizen (pains 12).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from tanggap.archive.move import move
from tanggap.archive.record import record
from tanggap.core import rules
from tanggap.core.errors import Refused
from tanggap.core.membership import in_force
from tanggap.core.models import Agency, Membership, Person
from tanggap.core.scope import Scope, enter
from tanggap.execution.followup import clocks, keys
from tanggap.execution.followup.models import Case, Handover

TRANSFERS = 2
"""The refusal with this number brings the case to the person in charge."""


def offer(
    case: Case,
    *,
    to_unit: Agency,
    ask: str,
    by: Person,
    now: datetime,
    to_person: str = "",
) -> tuple[Handover, str]:
    """Hand a case over. Gives the handover and the token of its link, which is not kept."""
    what = _("The report was not handed over.")
    if not ask.strip():
        raise Refused(
            what,
            _("The unit would not know what you need."),
            _("Write what they should find out or do."),
            field="ask",
        )
    if refusals(case) >= TRANSFERS and not _leads(by, case, now):
        raise Refused(
            what,
            _("Two units have said that it is not theirs."),
            _("The person in charge now decides whose it is."),
        )
    token = keys.new_token()
    with transaction.atomic():
        made = Handover.objects.create(
            agency=case.agency,
            case=case,
            to_unit=to_unit,
            to_person=to_person.strip(),
            ask=ask.strip(),
            token_hash=keys.hash_token(token),
            given_by=by,
            given_at=now,
            expires_at=now + timedelta(days=rules.number(case.agency, "handover_days")),
        )
        record(
            case.agency,
            "handover.offered",
            made,
            by=by,
            now=now,
            content=made.ask.encode(),
            facts={"case": case.pk, "to_unit": to_unit.pk, "expires": made.expires_at},
        )
        move(
            case,
            "handed_over",
            by=by,
            now=now,
            unit=to_unit,
            facts={"handover": made.pk, "unit": to_unit.pk},
        )
        clocks.stop(case, "assigned", at=now, now=now)
        clocks.start(case, "assigned", at=now, now=now)
    return made, token


def renew(handover: Handover, *, by: Person, now: datetime) -> tuple[Handover, str]:
    """A fresh link for the same handover; the old one works no more."""
    if handover.state not in ("offered", "opened"):
        raise Refused(
            _("No new link was made."),
            _("This handover has ended."),
            _("Hand the report over anew."),
        )
    token = keys.new_token()
    with transaction.atomic():
        handover.token_hash = keys.hash_token(token)
        handover.expires_at = now + timedelta(days=rules.number(handover.agency, "handover_days"))
        handover.save(update_fields=["token_hash", "expires_at"])
        record(
            handover.agency,
            "handover.renewed",
            handover,
            by=by,
            now=now,
            facts={"case": handover.case_id, "expires": handover.expires_at},
        )
    return handover, token


def address(token: str) -> str:
    return f"{settings.PUBLIC_URL}/tindak/{token}/"


def whatsapp(handover: Handover, token: str) -> str:
    """ "Salin untuk WhatsApp": what to send to the unit, without any citizen's personal data."""
    case = handover.case
    hello = _("Dear %(name)s,") % {"name": handover.to_person or handover.to_unit.short_name}
    return "\n".join(
        (
            hello,
            _("we ask for your help with report %(number)s: %(title)s.")
            % {"number": case.number, "title": case.title},
            _("%(count)d citizens report it.") % {"count": case.contributors_count}
            if case.contributors_count > 1
            else "",
            handover.ask,
            "",
            _("Please answer here, without signing in, photos welcome:"),
            address(token),
            "",
            f"{handover.given_by.name}, {case.agency.short_name}",
        )
    ).replace("\n\n\n", "\n\n")


@contextmanager
def behind(token: str, now: datetime) -> Iterator[Handover]:
    """The handover of a link, inside its agency's scope. Raises Refused with why it is not usable.

    Look-up comes before scope: a SECURITY DEFINER function tells the agency and nothing else.
    """
    hashed = keys.hash_token(token)
    with connection.cursor() as cursor:
        cursor.execute("SELECT followup_handover_agency(%s)", [hashed])
        found = cursor.fetchone()[0]
    if found is None:
        raise _gone(_("This link is not known."))
    ids = frozenset({found})
    with enter(Scope(readable=ids, writable=ids)):
        handover = (
            Handover.objects.select_for_update(of=("self",))
            .select_related("case__agency", "to_unit", "given_by", "agency")
            .get(token_hash=hashed)
        )
        if handover.state in ("withdrawn", "refused"):
            raise _gone(_("This report was taken back or given to another unit."))
        if handover.state != "answered" and handover.expires_at <= now:
            raise _gone(_("This link has expired."))
        yield handover


def open_(handover: Handover, *, now: datetime) -> Handover:
    """The unit has seen it: that is the acknowledgement."""
    if handover.state == "offered":
        move(handover, "opened", by=_who(handover), now=now, opened_at=now)
    return handover


def answer(handover: Handover, *, name: str, answer: str, now: datetime) -> Handover:
    """The unit's facts, unchanged; the words to citizens are written by the responder."""
    what = _("Your answer was not sent.")
    if not name.strip():
        raise Refused(
            what, _("We would not know who answered."), _("Write your name."), field="name"
        )
    if not answer.strip():
        raise Refused(
            what, _("Nothing is written."), _("Write what you found or did."), field="answer"
        )
    with transaction.atomic():
        open_(handover, now=now)
        move(
            handover,
            "answered",
            by=_who(handover),
            now=now,
            content=answer.strip().encode(),
            facts={"case": handover.case_id, "photos": handover.photos.count()},
            answered_at=now,
            answered_name=name.strip(),
            answer=answer.strip(),
        )
        # Whoever went on without waiting is not brought back by it.
        if handover.case.state == "handed_over":
            move(
                handover.case,
                "in_progress",
                by=_who(handover),
                now=now,
                facts={"handover": handover.pk},
            )
    return handover


def refuse(
    handover: Handover, *, name: str, why: str, rightful_unit: Agency | None, now: datetime
) -> Handover:
    """ "Bukan wewenang kami": with a reason, and whose it is. The second time the lead gets it."""
    what = _("The report was not sent back.")
    if not why.strip():
        raise Refused(
            what,
            _("The citizen will ask why."),
            _("Write in one sentence why it is not yours."),
            field="why",
        )
    if not name.strip():
        raise Refused(
            what, _("We would not know who answered."), _("Write your name."), field="name"
        )
    if rightful_unit is not None and rightful_unit.pk == handover.to_unit_id:
        raise Refused(
            what,
            _("The unit you named is your own."),
            _("Choose another unit, or leave it open."),
            field="rightful_unit",
        )
    case = handover.case
    with transaction.atomic():
        open_(handover, now=now)
        move(
            handover,
            "refused",
            by=_who(handover),
            now=now,
            content=why.strip().encode(),
            facts={"case": case.pk, "rightful": rightful_unit.pk if rightful_unit else None},
            answered_at=now,
            answered_name=name.strip(),
            refusal=why.strip(),
            rightful_unit=rightful_unit,
        )
        if case.state != "handed_over":
            return handover
        fields: dict[str, Any] = {"unit": None}
        if refusals(case) >= TRANSFERS:
            fields["assigned_to"] = lead_of(case.agency, now)
        move(
            case,
            "open",
            by=_who(handover),
            now=now,
            facts={"handover": handover.pk, "transfers": refusals(case)},
            **fields,
        )
    return handover


def withdraw(handover: Handover, *, by: Person, now: datetime) -> Handover:
    """Take it back; the link works no more."""
    with transaction.atomic():
        move(handover, "withdrawn", by=by, now=now, facts={"case": handover.case_id})
        if handover.case.state == "handed_over":
            move(handover.case, "open", by=by, now=now, facts={"handover": handover.pk}, unit=None)
    return handover


def refusals(case: Case) -> int:
    """How often units said that it is not theirs since it was last taken up."""
    return Handover.objects.filter(case=case, state="refused").count()


def lead_of(agency: Agency, now: datetime) -> Person | None:
    """The person in charge: the oldest membership in force."""
    rows = Membership.objects.filter(agency=rules.tenant(agency), role="lead", ended_at=None)
    for row in rows.select_related("person", "agency").order_by("pk"):
        if in_force(row, now):
            return row.person
    return None


def _leads(person: Person, case: Case, now: datetime) -> bool:
    rows = Membership.objects.filter(person=person, role="lead", ended_at=None)
    return any(in_force(row, now) for row in rows.select_related("agency"))


def _who(handover: Handover) -> str:
    return f"link:handover:{handover.pk}"


def _gone(why: str) -> Refused:
    return Refused(
        _("This report cannot be opened."), why, _("Ask whoever sent you the link for a new one.")
    )
