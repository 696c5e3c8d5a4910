"""Saved answers (jawaban baku): approved words with an owner unit, a source and a last valid day.

A reply that holds a valid one unchanged may need no second person (the agency's rule). One past
its day cannot be inserted until its owner says that it still holds.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Person
from tanggap.core.scope import Scope, scoped
from tanggap.execution.inbox.models import SavedAnswer
from tanggap.execution.inbox.people import public_contacts
from tanggap.language.redact import redact


def save(
    agency: Agency,
    *,
    title: str,
    text: str,
    unit: Agency,
    source: str,
    valid_until: date,
    by: Person,
    now: datetime,
) -> SavedAnswer:
    """A new saved answer. Raises Refused, naming the field."""
    _check(agency, title, text, source, valid_until, now)
    with transaction.atomic():
        row = SavedAnswer.objects.create(
            agency=agency,
            title=title.strip(),
            text=text.strip(),
            unit=unit,
            source=source.strip(),
            valid_until=valid_until,
            confirmed_at=now,
            confirmed_by=by,
        )
        record(
            agency,
            "answer.saved",
            row,
            by=by,
            now=now,
            content=row.text.encode(),
            facts={"unit": unit.pk, "valid_until": valid_until},
        )
    return row


def edit(
    answer: SavedAnswer,
    *,
    title: str,
    text: str,
    unit: Agency,
    source: str,
    valid_until: date,
    by: Person,
    now: datetime,
) -> SavedAnswer:
    """Change its words: whoever does so says that they hold. Raises Refused."""
    _check(answer.agency, title, text, source, valid_until, now)
    with transaction.atomic():
        SavedAnswer.objects.filter(pk=answer.pk).update(
            title=title.strip(),
            text=text.strip(),
            unit=unit,
            source=source.strip(),
            valid_until=valid_until,
            confirmed_at=now,
            confirmed_by=by,
        )
        answer.refresh_from_db()
        record(
            answer.agency,
            "answer.edited",
            answer,
            by=by,
            now=now,
            content=answer.text.encode(),
            facts={"unit": unit.pk, "valid_until": valid_until},
        )
    return answer


def confirm(answer: SavedAnswer, *, valid_until: date, by: Person, now: datetime) -> SavedAnswer:
    """It still holds (masih benar), until another day. Raises Refused."""
    _day(answer.agency, valid_until, now)
    with transaction.atomic():
        SavedAnswer.objects.filter(pk=answer.pk).update(
            valid_until=valid_until, confirmed_at=now, confirmed_by=by
        )
        answer.refresh_from_db()
        record(
            answer.agency,
            "answer.confirmed",
            answer,
            by=by,
            now=now,
            facts={"valid_until": valid_until},
        )
    return answer


def retire(answer: SavedAnswer, *, by: Person, now: datetime) -> SavedAnswer:
    """It is offered no more. What was sent with it stays as it is."""
    with transaction.atomic():
        if SavedAnswer.objects.filter(pk=answer.pk, retired_at=None).update(retired_at=now):
            record(answer.agency, "answer.retired", answer, by=by, now=now)
    answer.refresh_from_db()
    return answer


def valid(answer: SavedAnswer, now: datetime) -> bool:
    """Not retired, and its last day has not passed in the agency's zone."""
    return answer.retired_at is None and answer.valid_until >= today(answer.agency, now)


def insertable(answer: SavedAnswer, now: datetime) -> SavedAnswer:
    """The same, or Refused for one whose day has passed."""
    if not valid(answer, now):
        raise Refused(
            _("This answer was not inserted."),
            _("It was valid until %(day)s.") % {"day": answer.valid_until.strftime("%d-%m-%Y")},
            _("Ask %(unit)s whether it still holds.") % {"unit": answer.unit.short_name},
        )
    return answer


ORDER = ("-used", "title", "pk")


def search(scope: Scope, text: str = "", *, retired: bool = False) -> QuerySet[SavedAnswer]:
    """Saved answers that hold all the words, the most used first."""
    rows = scoped(SavedAnswer, scope).select_related("unit", "confirmed_by", "agency")
    rows = rows.filter(retired_at__isnull=not retired)
    for word in text.split()[:8]:
        rows = rows.filter(
            Q(title__icontains=word) | Q(text__icontains=word) | Q(source__icontains=word)
        )
    return rows.order_by(*ORDER)


def today(agency: Agency, now: datetime) -> date:
    """The date on the agency's wall."""
    return now.astimezone(ZoneInfo(agency.zone)).date()


def _check(
    agency: Agency, title: str, text: str, source: str, valid_until: date, now: datetime
) -> None:
    what = _("The answer was not saved.")
    for field, value, why in (
        ("title", title, _("The question is missing.")),
        ("text", text, _("The answer is missing.")),
        ("source", source, _("The source is missing.")),
    ):
        if not value.strip():
            raise Refused(what, why, _("Fill it in."), field=field)
    if redact(text, public_contacts(agency)):
        raise Refused(
            what,
            _("It holds personal data."),
            _("Take it out. Numbers of the office belong in its contact details."),
            field="text",
        )
    _day(agency, valid_until, now)


def _day(agency: Agency, valid_until: date, now: datetime) -> None:
    if valid_until < today(agency, now):
        raise Refused(
            _("The answer was not saved."),
            _("Its last valid day has passed."),
            _("Choose a later day."),
            field="valid_until",
        )
