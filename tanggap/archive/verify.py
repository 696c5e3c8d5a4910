"""Compare what is stored with what was signed, and name the first thing that differs.

Per agency, in the order of its log:
1. every record hashes to the leaf that was sealed for it;
2. the leaves give the root of every signed head, in the database and in the anchor file;
3. nothing that was signed is missing, and nothing stands in the log that was not signed;
4. sealed payloads are the bytes that their records vouch for;
5. things that are evidence (models with `evidence() -> bytes`) still say what was recorded;
6. a destroyed key was destroyed on record.
Reads one snapshot and changes nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Exists, Max, OuterRef
from django.db.models.functions import Cast

from tanggap.archive import anchor, merkle
from tanggap.archive.head import Head
from tanggap.archive.models import Leaf, Payload, Pending, PersonKey, Record, TreeHead
from tanggap.archive.record import content_hash, leaf_hash, salt_of, stamp
from tanggap.core.models import Agency
from tanggap.core.secrets import SecretsError, UnknownKey

CHUNK = 2000
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Break:
    """The first place in an agency's log where what is stored is not what was signed."""

    agency: str
    what: str
    record: int | None = None
    at: str = ""
    verb: str = ""

    def __str__(self) -> str:
        if self.record is None:
            return f"{self.agency}: {self.what}"
        return f"{self.agency}: record {self.record} ({self.verb}, {self.at}): {self.what}"


@dataclass(slots=True)
class Report:
    """What was compared, and the first break of each agency."""

    agencies: int = 0
    records: int = 0
    heads: int = 0
    anchors: int = 0
    payloads: int = 0
    contents: int = 0
    # Contents whose person's key was destroyed on record: the proof stands, the words are gone.
    erased: int = 0
    # Records that the sealer has not reached yet.
    waiting: int = 0
    breaks: list[Break] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        return not self.breaks


class _Broken(Exception):
    def __init__(self, what: str, row: Record | None = None) -> None:
        self.what, self.row = what, row


@dataclass(slots=True)
class _Log:
    """What one agency's log must agree with: heads and anchors by size."""

    agency: Agency
    heads: dict[int, Head]
    anchors: dict[int, list[anchor.Line]]


def verify(agencies: Iterable[Agency] | None = None, progress: Progress | None = None) -> Report:
    """Check the logs of `agencies` (all when None). `progress(done, total)` counts records.

    Call it as a role that reads every row (owner or worker). Raises SecretsError when the key
    file that the database was sealed with is not there.
    """
    report = Report()
    # Anchors are written after the heads they copy, so they are read before the snapshot.
    anchors, unreadable = _anchors()
    with _snapshot():
        chosen = list(Agency.objects.order_by("pk") if agencies is None else agencies)
        ids = {agency.pk for agency in chosen}
        total = Record.objects.filter(agency_id__in=ids).count()
        counted = _Counter(report, progress, total)
        for agency in chosen:
            heads = {
                row.size: Head.of(row)
                for row in TreeHead.objects.filter(agency=agency).order_by("size").iterator()
            }
            log = _Log(agency, heads, anchors.get(agency.pk, {}))
            try:
                _log(log, report, counted)
                _unsealed(agency, report)
                _keys(agency)
                _contents(agency, report)
            except _Broken as broken:
                report.breaks.append(_named(agency, broken))
            report.agencies += 1
        if agencies is None:
            known = {agency.pk for agency in chosen}
            for gone in sorted(set(anchors) - known):
                report.breaks.append(
                    Break(
                        f"agency {gone}",
                        "the anchor file holds signed heads of this agency, but the database does "
                        "not know it. It was removed, or the file belongs to another database.",
                    )
                )
        if TreeHead.objects.exists() and not Path(settings.ANCHOR_FILE).exists():
            report.notes.append(
                f"There is no anchor file at {settings.ANCHOR_FILE}: heads that were removed from "
                "the database together with their records cannot be missed. Restore the file."
            )
    for line in unreadable:
        report.notes.append(
            f"Line {line.number} of {settings.ANCHOR_FILE} cannot be read as a signed head."
        )
    return report


def main(agency: str = "") -> int:
    """`tanggap archive verify`: prints what was found; 0 when intact, 1 when not."""
    chosen = None
    if agency:
        chosen = list(Agency.objects.filter(slug=agency))
        if not chosen:
            print(f"There is no agency with the slug {agency}.", file=sys.stderr)
            return 1
    try:
        report = verify(chosen, _terminal())
    except SecretsError as error:
        print(f"Cannot verify: {error}", file=sys.stderr)
        return 1
    for line in lines_of(report):
        print(line)
    return 0 if report.intact else 1


def lines_of(report: Report) -> list[str]:
    """The report in words, breaks last."""
    said = [
        f"{report.records} records of {report.agencies} agencies, {report.heads} signed heads, "
        f"{report.anchors} anchors, {report.contents} contents and {report.payloads} sealed "
        f"payloads compared; {report.erased} contents erased on record, {report.waiting} records "
        "wait for the sealer.",
        *(f"Note: {note}" for note in report.notes),
    ]
    if report.intact:
        return [*said, "Intact: everything is what was signed."]
    return [*said, *(f"BROKEN: {broken}" for broken in report.breaks)]


def _terminal() -> Progress | None:
    """Progress on one line of a terminal, at most five times a second; silent elsewhere."""
    if not sys.stderr.isatty():
        return None
    shown = 0.0

    def show(done: int, total: int) -> None:
        nonlocal shown
        if time.monotonic() - shown < 0.2 and done < total:
            return
        shown = time.monotonic()
        end = "\n" if done >= total else ""
        print(f"\rComparing records: {done} of {total}", end=end, file=sys.stderr, flush=True)

    return show


# --- 1 to 4: the log ---------------------------------------------------------------------------


def _log(log: _Log, report: Report, counted: _Counter) -> None:
    frontier = merkle.Frontier()
    agency_id, good = log.agency.pk, 0
    marks = log.heads.keys() | log.anchors.keys()
    last: Record | None = None
    for chunk in _chunks(
        Leaf.objects.filter(agency_id=agency_id).order_by("index").select_related("record")
    ):
        # What is wrong with a payload waits until the log itself is known to be right there.
        spoilt = _payloads([leaf.record for leaf in chunk], report)
        for leaf in chunk:
            row = leaf.record
            if leaf.index != frontier.size:
                raise _Broken(
                    f"place {frontier.size} of the log is empty; the next one is {leaf.index}. "
                    "Sealed records were removed before this one.",
                    row,
                )
            if row.agency_id != agency_id:
                raise _Broken("it stands in this log but belongs to another agency.", row)
            _same(row, bytes(leaf.leaf_hash))
            frontier.append(bytes(leaf.leaf_hash))
            last = row
            if frontier.size in marks:
                _marks(log, frontier, good, report)
                good = frontier.size
            if row.pk in spoilt:
                raise _Broken(spoilt[row.pk], row)
        counted.add(len(chunk))
    beyond = sorted(size for size in marks if size > frontier.size)
    if beyond:
        size = beyond[0]
        where = "the database" if size in log.heads else "the anchor file"
        head = log.heads[size] if size in log.heads else _head(log.anchors[size][0])
        # A head with a forged signature proves nothing about what is missing.
        if not head.is_genuine():
            raise _Broken(_forged(head, where), last)
        raise _Broken(
            f"the log ends here with {frontier.size} records, but {where} holds a head of "
            f"{max(beyond)}: {max(beyond) - frontier.size} sealed records are missing after this "
            "one. They were removed, or an older backup was restored.",
            last,
        )
    if frontier.size > max(log.heads, default=0):
        raise _Broken(
            f"the log holds {frontier.size} records, but the last signed head covers only "
            f"{max(log.heads, default=0)}: records were added or heads removed without the "
            "sealer.",
            last,
        )


def _same(row: Record, sealed: bytes) -> None:
    now = leaf_hash(row)
    if now != sealed:
        told = "its own hash" if bytes(row.leaf_hash) == sealed else "both hashes"
        raise _Broken(
            f"what is stored is not what was sealed ({told} differ: sealed {sealed.hex()[:16]}…, "
            f"stored {now.hex()[:16]}…). The record or its leaf was changed afterwards.",
            row,
        )
    if bytes(row.leaf_hash) != sealed:
        raise _Broken("the hash kept beside the record was changed afterwards.", row)


def _marks(log: _Log, frontier: merkle.Frontier, good: int, report: Report) -> None:
    """The head and the anchors of this size: signed by us, and of this very tree."""
    size, root = frontier.size, frontier.root()
    stored = log.heads.get(size)
    said: list[tuple[str, Head]] = [("the database", stored)] if stored else []
    for line in log.anchors.get(size, []):
        if _head(line) != stored:
            said.append((f"line {line.number} of the anchor file", _head(line)))
        report.anchors += 1
    for where, head in said:
        first = _at(log.agency, good)
        if not head.is_genuine():
            raise _Broken(_forged(head, where) + _between(log.agency, good, size), first)
        if head.root != root:
            raise _Broken(
                f"the head of {size} records in {where}, signed at {head.at}, has another root: "
                f"records were replaced and their hashes recomputed."
                + _between(log.agency, good, size),
                first,
            )
    report.heads += stored is not None


def _forged(head: Head, where: str) -> str:
    return (
        f"the head of {head.size} records in {where}, dated {head.at}, is not signed by a key of "
        f"this installation (it names key {head.signer or 'none'}). It was forged or changed."
    )


def _between(agency: Agency, good: int, size: int) -> str:
    first, last = _at(agency, good), _at(agency, size - 1)
    return (
        f" The log agrees with its signed heads up to {good} records; the change lies between "
        f"record {first.pk} ({first.verb}, {stamp(first.at)}) and record {last.pk} "
        f"({last.verb}, {stamp(last.at)})."
    )


def _at(agency: Agency, index: int) -> Record:
    return Leaf.objects.select_related("record").get(agency=agency, index=index).record


def _payloads(rows: list[Record], report: Report) -> dict[int, str]:
    """Records of this chunk whose payload is not the bytes that they vouch for, and why."""
    wanted = {row.pk: row.facts for row in rows if "payload_sha256" in row.facts}
    found = Payload.objects.in_bulk([facts.get("payload") for facts in wanted.values()])
    spoilt: dict[int, str] = {}
    for pk, facts in wanted.items():
        payload = found.get(facts.get("payload"))
        if payload is None:
            spoilt[pk] = f"its sealed content (payload {facts.get('payload')}) is missing."
        elif sha256(bytes(payload.locked)).hexdigest() != facts["payload_sha256"]:
            spoilt[pk] = f"its sealed content (payload {payload.pk}) was changed afterwards."
        report.payloads += 1
    return spoilt


# --- 3: what never came into the log -----------------------------------------------------------


def _unsealed(agency: Agency, report: Report) -> None:
    outside = Record.objects.filter(agency=agency).exclude(
        Exists(Leaf.objects.filter(record_id=OuterRef("pk")))
    )
    waits = Exists(Pending.objects.filter(record_id=OuterRef("pk")))
    lost = outside.exclude(waits).order_by("pk").first()
    if lost:
        raise _Broken(
            "it is neither in the log nor waiting for the sealer: it was slipped in, or its place "
            "in the log was removed.",
            lost,
        )
    for row in outside.order_by("pk").iterator():
        if leaf_hash(row) != bytes(row.leaf_hash):
            raise _Broken("it was changed before it was sealed.", row)
        report.waiting += 1


# --- 5 and 6: contents and keys ----------------------------------------------------------------


def _contents(agency: Agency, report: Report) -> None:
    """The newest recorded content of every thing that is evidence, against the thing itself."""
    for model in evidence_models():
        latest = (
            Record.objects.filter(
                agency=agency, subject_type=model._meta.label_lower, content_hash__isnull=False
            )
            .values("subject_id")
            .annotate(newest=Max("pk"))
            .values("newest")
        )
        rows = Record.objects.filter(pk__in=latest).select_related("key").order_by("pk")
        for chunk in _chunks(rows):
            found = model._base_manager.in_bulk([row.subject_id for row in chunk])
            things = {str(pk): thing for pk, thing in found.items()}
            for row in chunk:
                _content(row, things.get(row.subject_id), report)


def _content(row: Record, thing: Any, report: Report) -> None:
    name = f"{row.subject_type} {row.subject_id}"
    try:
        salt = salt_of(row)
    except UnknownKey:
        raise
    except SecretsError as error:
        raise _Broken(f"the key of its content cannot be opened: {error}", row) from error
    if salt is None:
        report.erased += 1
        return
    if thing is None:
        raise _Broken(f"{name}, whose content it vouches for, is no longer there.", row)
    if content_hash(salt, thing.evidence()) != bytes(row.content_hash or b""):
        raise _Broken(f"the content of {name} is not what was recorded; it was changed.", row)
    report.contents += 1


def evidence_models() -> list[type[models.Model]]:
    """Models whose rows are evidence: they define `evidence() -> bytes`."""
    return [model for model in apps.get_models() if callable(getattr(model, "evidence", None))]


def _keys(agency: Agency) -> None:
    on_record = Record.objects.filter(
        agency=agency,
        verb="person.erased",
        subject_type=PersonKey._meta.label_lower,
        subject_id=Cast(OuterRef("pk"), models.CharField()),
    )
    silent = (
        PersonKey.objects.filter(agency=agency, erased_at__isnull=False)
        .exclude(Exists(on_record))
        .order_by("pk")
        .first()
    )
    if silent:
        row = Record.objects.filter(key=silent).order_by("pk").first()
        raise _Broken(
            f"key {silent.pk} ({silent.subject_key}) was destroyed at "
            f"{stamp(silent.erased_at) if silent.erased_at else '?'} without a record of it.",
            row,
        )


# --- helpers -----------------------------------------------------------------------------------


class _Counter:
    def __init__(self, report: Report, progress: Progress | None, total: int) -> None:
        self.report, self.progress, self.total = report, progress, total

    def add(self, count: int) -> None:
        self.report.records += count
        if self.progress:
            self.progress(self.report.records, self.total)


@contextmanager
def _snapshot() -> Iterator[None]:
    """One view of the database for the whole comparison, while others go on writing."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _anchors() -> tuple[dict[int, dict[int, list[anchor.Line]]], list[anchor.Line]]:
    """Lines of the anchor file by agency and size, and those that cannot be read."""
    known: dict[int, dict[int, list[anchor.Line]]] = {}
    unreadable = []
    for line in anchor.lines():
        if line.head is None:
            unreadable.append(line)
        else:
            known.setdefault(line.head.agency_id, {}).setdefault(line.head.size, []).append(line)
    return known, unreadable


def _head(line: anchor.Line) -> Head:
    assert line.head is not None
    return line.head


def _named(agency: Agency, broken: _Broken) -> Break:
    row = broken.row
    if row is None:
        return Break(agency.short_name, broken.what)
    return Break(agency.short_name, broken.what, row.pk, stamp(row.at), row.verb)


def _chunks(rows: models.QuerySet[Any]) -> Iterator[list[Any]]:
    stream = rows.iterator(chunk_size=CHUNK)
    while chunk := list(islice(stream, CHUNK)):
        yield chunk
