"""The register of exempt information (UU 14/2008 art. 17 and 19): only its entries block a message.

An entry cannot be kept incomplete: class, who decided, consequence test, duration, reason, place
and day (art. 19 and the record that Perki 1/2021 asks for).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Person
from tanggap.messaging.models import Exemption

LETTERS = "abcdefghij"


def register(
    agency: Agency,
    *,
    letter: str,
    words: Sequence[str],
    reason: str,
    consequence_test: str,
    decided_on: date,
    place: str,
    expires_on: date,
    by: Person,
    now: datetime,
) -> Exemption:
    """Keep one decision of the PPID officer. Raises Refused with what is missing."""
    what = _("The entry was not kept.")
    if letter not in LETTERS:
        raise Refused(what, _("Art. 17 has the letters a to j."), _("Choose one."), field="letter")
    phrases = list(dict.fromkeys(word.strip() for word in words if word.strip()))
    for value, field, why in (
        (phrases, "words", _("No words are named that the check could look for.")),
        (reason.strip(), "reason", _("The reason is missing.")),
        (
            consequence_test.strip(),
            "consequence_test",
            _("The number of the consequence test is missing."),
        ),
        (place.strip(), "place", _("The place is missing.")),
    ):
        if not value:
            raise Refused(
                what, why, _("An exemption is valid only when it is complete."), field=field
            )
    today = now.astimezone(ZoneInfo(agency.zone)).date()
    if decided_on > today:
        raise Refused(
            what,
            _("The day of the decision is still to come."),
            _("Correct the day."),
            field="decided_on",
        )
    if expires_on <= decided_on:
        raise Refused(
            what,
            _("It would end before it begins."),
            _("An exemption has a duration: write its last day."),
            field="expires_on",
        )
    with transaction.atomic():
        row = Exemption.objects.create(
            agency=agency,
            article=f"17 {letter}",
            words=phrases,
            reason=reason.strip(),
            consequence_test=consequence_test.strip(),
            decided_by=by,
            decided_on=decided_on,
            place=place.strip(),
            expires_on=expires_on,
        )
        record(
            agency,
            "exemption.registered",
            row,
            by=by,
            now=now,
            facts={"article": row.article, "until": expires_on},
        )
    return row


def lift(entry: Exemption, *, reason: str, by: Person, now: datetime) -> Exemption:
    """It is open again from today: the entry stays, its duration ends."""
    if not reason.strip():
        raise Refused(
            _("The entry stays in force."),
            _("The reason is missing."),
            _("Write in one sentence why it is open now."),
            field="reason",
        )
    with transaction.atomic():
        entry.expires_on = now.astimezone(ZoneInfo(entry.agency.zone)).date()
        entry.lifted_reason = reason.strip()
        entry.lifted_at = now
        entry.save(update_fields=["expires_on", "lifted_reason", "lifted_at"])
        record(entry.agency, "exemption.lifted", entry, by=by, now=now)
    return entry
