"""Questions to the archive: the timeline of a thing, and the list behind the screen Arsip."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Max, Min, Q, QuerySet

from tanggap.archive.models import Pending, Record, TreeHead
from tanggap.archive.record import Subject, name_of
from tanggap.core.models import Agency
from tanggap.core.scope import Scope, scoped

PAGE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Records, newest first; `after` is the key of the next page, None on the last."""

    records: list[Record]
    after: int | None


def timeline(scope: Scope, *subjects: Subject) -> QuerySet[Record]:
    """Everything on record about these things (a case and its handovers, say), oldest first."""
    wanted = Q(pk__in=[])
    for subject in subjects:
        kind, pk = name_of(subject)
        wanted |= Q(subject_type=kind, subject_id=pk)
    return scoped(Record, scope).filter(wanted).order_by("pk")


def recorded(
    scope: Scope,
    *,
    verb: str = "",
    actor: str = "",
    subject_type: str = "",
    subject_id: str = "",
    day: date | None = None,
    agency: Agency | None = None,
    after: int | None = None,
    size: int = PAGE,
) -> Page:
    """One page of the archive, newest first.

    verb       a beginning: "message." or "message.approved"
    actor      exactly as recorded: "person:12", "system:listen"
    day        a day in the zone of `agency` (the scope's own agency when not given)
    after      key of the page before; everything up to the very first record can be reached
    """
    rows = scoped(Record, scope).select_related("agency").order_by("-pk")
    if agency:
        rows = rows.filter(agency=agency)
    if verb:
        rows = rows.filter(verb__startswith=verb)
    if actor:
        rows = rows.filter(actor=actor)
    if subject_type:
        rows = rows.filter(subject_type=subject_type)
    if subject_id:
        rows = rows.filter(subject_id=subject_id)
    whose = agency or scope.agency
    if day and whose:
        start = datetime.combine(day, time.min, ZoneInfo(whose.zone))
        stop = datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(whose.zone))
        rows = rows.filter(at__gte=start, at__lt=stop)
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows[: size + 1])
    more = len(found) > size
    return Page(found[:size], found[size - 1].pk if more else None)


def verbs(scope: Scope) -> list[str]:
    """Verbs that occur, for the filter of the list."""
    return list(scoped(Record, scope).order_by("verb").values_list("verb", flat=True).distinct())


def newest_head(scope: Scope, agency: Agency) -> TreeHead | None:
    """The last signed head of an agency's log."""
    return scoped(TreeHead, scope).filter(agency=agency).order_by("-size").first()


def facts_since(agency: Agency, verbs: list[str], since: datetime) -> list[dict[str, Any]]:
    """What was recorded in an agency by these verbs after an instant, oldest first."""
    rows = Record.objects.filter(agency=agency, verb__in=verbs, at__gt=since)
    return list(rows.order_by("pk").values_list("facts", flat=True))


@dataclass(frozen=True, slots=True)
class Sealing:
    """How far the sealer is: records in signed heads, how many wait and since when, newest head."""

    sealed: int
    waiting: int
    waiting_since: datetime | None
    signed_at: datetime | None


def sealing(agencies: Collection[int] | None = None) -> Sealing:
    """Of these agencies; of all that the connection may see when None. Counts no further than
    100,000 that wait."""
    heads, pending = TreeHead.objects.all(), Pending.objects.all()
    if agencies is not None:
        heads, pending = heads.filter(agency__in=agencies), pending.filter(agency__in=agencies)
    newest = list(heads.values("agency").annotate(size=Max("size"), at=Max("at")))
    return Sealing(
        sum(one["size"] for one in newest),
        pending[:100_000].count(),
        pending.aggregate(at=Min("record__at"))["at"],
        max((one["at"] for one in newest), default=None),
    )


def last(verb: str, agencies: Collection[int] | None = None) -> datetime | None:
    """When something was last recorded by this verb."""
    rows = Record.objects.filter(verb=verb)
    if agencies is not None:
        rows = rows.filter(agency__in=agencies)
    found: datetime | None = rows.aggregate(at=Max("at"))["at"]
    return found
