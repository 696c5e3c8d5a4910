"""Teach the suggestions: words by which a unit's work is known here, and the names of places."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from tanggap.archive.record import record
from tanggap.core.models import Agency, Person
from tanggap.execution.inbox.models import Vocabulary
from tanggap.language.suggest import Unit


def teach(
    agency: Agency,
    words: Iterable[str],
    *,
    by: Person | str,
    now: datetime,
    unit: Agency | None = None,
) -> int:
    """Add words of a unit, or names of places without one. Known ones stay. How many were given."""
    kind = Vocabulary.Kind.UNIT if unit else Vocabulary.Kind.PLACE
    given = [word.strip() for word in words if word.strip()]
    with transaction.atomic():
        Vocabulary.objects.bulk_create(
            [Vocabulary(agency=agency, kind=kind, unit=unit, word=word) for word in given],
            ignore_conflicts=True,
        )
        record(
            agency,
            "vocabulary.taught",
            unit or agency,
            by=by,
            now=now,
            facts={"kind": kind, "words": len(given)},
        )
    return len(given)


def units(agency: Agency) -> list[Unit]:
    """Units of the agency with their words, by slug."""
    found: dict[tuple[str, str], list[str]] = {}
    rows = Vocabulary.objects.filter(agency=agency, kind=Vocabulary.Kind.UNIT).order_by("pk")
    for slug, name, word in rows.values_list("unit__slug", "unit__name", "word"):
        found.setdefault((slug, name), []).append(word.lower())
    return [Unit(slug, tuple(words), name) for (slug, name), words in found.items()]


def places(agency: Agency) -> list[str]:
    """Place names as the agency spells them."""
    rows = Vocabulary.objects.filter(agency=agency, kind=Vocabulary.Kind.PLACE).order_by("pk")
    return list(rows.values_list("word", flat=True))
