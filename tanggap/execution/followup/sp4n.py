"""SP4N-LAPOR!: no public interface was found, so a person carries it, and nobody types it twice.

We give the text to paste ("Salin untuk LAPOR") with personal data masked, and keep the id that
LAPOR! gave. We do not claim to be integrated.
"""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Person
from tanggap.execution.followup.models import Case
from tanggap.execution.inbox.models import Item
from tanggap.language import redact

QUOTED = 5
FORM = re.compile(r"[A-Za-z0-9./-]{4,40}")


def text(case: Case) -> str:
    """The block to paste: what, where, since when, in citizens' words, without personal data."""
    people = case.contributors.select_related("item").order_by("joined_at", "pk")
    first = people.first()
    with translation.override("id"):
        lines = [
            case.title,
            _("Place: %(place)s") % {"place": case.place} if case.place else "",
            _("Since: %(day)s") % {"day": _day(first.item.written_at, case)} if first else "",
            _("Reported by %(count)d citizens over our official accounts.")
            % {"count": case.contributors_count},
            "",
            _("In their words:"),
            *(f"“{masked(one.item)}”" for one in people[:QUOTED]),
            "",
            _("Our number: %(number)s. Sender: %(agency)s.")
            % {"number": case.number, "agency": case.agency.name},
        ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def set_id(case: Case, sp4n_id: str, *, by: Person, now: datetime) -> Case:
    """Keep the number that LAPOR! gave, so that the citizen is not asked twice."""
    found = sp4n_id.strip().lstrip("#")
    if not FORM.fullmatch(found):
        raise Refused(
            _("The LAPOR! number was not kept."),
            _("It does not look like a number of LAPOR!."),
            _("Copy it from LAPOR! once more; it has no blanks."),
            field="sp4n_id",
        )
    with transaction.atomic():
        Case.objects.filter(pk=case.pk).update(sp4n_id=found)
        case.sp4n_id = found
        record(case.agency, "case.lapor_kept", case, by=by, now=now, facts={"sp4n": found})
    return case


def masked(item: Item) -> str:
    """A citizen's words with black boxes over personal data: what was found when it came in, and
    what today's rules find."""
    spans = [(one["start"], one["end"]) for one in item.personal]
    spans += [(one.start, one.end) for one in redact.redact(item.text)]
    words, at = [], 0
    for start, end in sorted(spans):
        if end <= at:
            continue
        words += [item.text[at : max(start, at)], redact.MASK * 5]
        at = end
    return "".join([*words, item.text[at:]])


def _day(at: datetime, case: Case) -> str:
    return date_format(at.astimezone(ZoneInfo(case.agency.zone)).date(), "j F Y")
