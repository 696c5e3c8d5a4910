"""Bring in a web-analytics file: visits, visitors and downloads of the agency's website.

Columns (a heading row; order free; Indonesian or English names; comma, semicolon or tab):

    tanggal  date                         required; 2026-11-23, 23/11/2026 or 20261123
    halaman  page                         optional; empty for the whole site
    kunjungan  visits                     at least one of these four
    pengunjung  visitors
    pengunjung_kembali  returning_visitors
    unduhan  downloads

A row that cannot be read is kept by its number with the reason; the others go in. A day and page
that are in already stay as they are. The same file twice is refused. Of a page's address only the
path is kept: what follows a question mark may name people.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Person
from tanggap.monitoring.models import AnalyticsImport, Measurement

LARGEST = 5_000_000  # bytes
MOST_ROWS = 100_000
KEPT = 200  # refused rows whose words are kept; the others are counted
CHUNK = 1000
COLUMNS = {
    "tanggal": "date",
    "date": "date",
    "day": "date",
    "hari": "date",
    "halaman": "page",
    "page": "page",
    "page path": "page",
    "url": "page",
    "kunjungan": "visits",
    "visits": "visits",
    "sessions": "visits",
    "sesi": "visits",
    "pengunjung": "visitors",
    "visitors": "visitors",
    "users": "visitors",
    "pengguna": "visitors",
    "pengunjung_kembali": "returning_visitors",
    "pengunjung kembali": "returning_visitors",
    "returning_visitors": "returning_visitors",
    "returning visitors": "returning_visitors",
    "returning users": "returning_visitors",
    "unduhan": "downloads",
    "downloads": "downloads",
}
NUMBERS = ("visits", "visitors", "returning_visitors", "downloads")
WHOLE = re.compile(r"^\d{1,3}(?:[.\s\u00a0]\d{3})+$|^\d{1,12}$")
Progress = Callable[[int, int], None]


class BadRow(Exception):
    """Why a row was not taken, in the reader's language."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row that could be read."""

    number: int
    day: date
    page: str
    values: dict[str, Decimal]


def bring_in(
    agency: Agency,
    name: str,
    data: bytes,
    *,
    by: Person,
    now: datetime,
    progress: Progress | None = None,
) -> AnalyticsImport:
    """Read the file and keep its numbers. Raises Refused when nothing of it can be used.

    `progress(done, of)` is called every so many rows.
    """
    what = _("The file was not brought in.")
    if len(data) > LARGEST:
        raise Refused(
            what,
            _("It is larger than 5 MB."),
            _("Export fewer days or fewer pages at a time."),
            field="file",
        )
    digest = hashlib.sha256(data).digest()
    known = (
        AnalyticsImport.objects.select_related("by").filter(agency=agency, sha256=digest).first()
    )
    if known is not None:
        raise Refused(
            what,
            _("Exactly this file is in already: %(who)s brought it in on %(day)s.")
            % {"who": known.by, "day": f"{_local(known.at, agency):%d-%m-%Y %H.%M}"},
            _("Nothing is missing. For other days, export the file anew."),
            field="file",
        )
    rows = _rows(_text(data, what), what)
    made = AnalyticsImport(agency=agency, file_name=name[:200], sha256=digest, by=by, at=now)
    with transaction.atomic():
        made.save()
        refused, taken, many = _take(agency, made, rows, now, progress)
        if not taken:
            first = refused[0]["why"] if refused else _("It has no rows.")
            raise Refused(
                what,
                _("No row of it could be used. The first reason: %(why)s") % {"why": first},
                _("Compare it with the example, then try again."),
                field="file",
            )
        made.rows_taken, made.rows_refused, made.refused = taken, many, refused
        made.save(update_fields=["rows_taken", "rows_refused", "refused"])
        record(
            agency,
            "analytics.imported",
            made,
            by=by,
            now=now,
            facts={"taken": taken, "refused": many, "sha256": digest.hex()},
        )
    return made


def _take(
    agency: Agency,
    made: AnalyticsImport,
    rows: list[tuple[int, dict[str, str]]],
    now: datetime,
    progress: Progress | None,
) -> tuple[list[dict[str, object]], int, int]:
    """What was refused (the first ones, in words), how many rows went in, how many did not."""
    refused: list[dict[str, object]] = []
    taken = many = 0
    today = _local(now, agency).date()
    seen: set[tuple[date, str]] = set()
    for start in range(0, len(rows), CHUNK):
        good: list[Line] = []
        chunk = rows[start : start + CHUNK]
        bad: list[tuple[int, str, str]] = []
        for number, row in chunk:
            try:
                line = _line(number, row, today)
                if (line.day, line.page) in seen:
                    raise BadRow(_("This day and page stand in the file twice."))
                seen.add((line.day, line.page))
                good.append(line)
            except BadRow as error:
                bad.append((number, str(error), ";".join(v for v in row.values() if v)[:200]))
        there = _there(agency, good)
        for line in good:
            if (line.day, line.page) in there:
                bad.append(
                    (
                        line.number,
                        _("This day and page are in already, from another file."),
                        f"{line.day} {line.page}"[:200],
                    )
                )
        fresh = [line for line in good if (line.day, line.page) not in there]
        Measurement.objects.bulk_create(
            [
                Measurement(
                    agency=agency,
                    metric=metric,
                    value=value,
                    day=line.day,
                    page=line.page,
                    measured_at=now,
                    source=f"csv:{made.pk}",
                )
                for line in fresh
                for metric, value in line.values.items()
            ]
        )
        taken, many = taken + len(fresh), many + len(bad)
        refused += [{"line": n, "why": why, "text": text} for n, why, text in sorted(bad)]
        if progress:
            progress(min(start + CHUNK, len(rows)), len(rows))
    return refused[:KEPT], taken, many


def _there(agency: Agency, lines: list[Line]) -> set[tuple[date, str]]:
    found = Measurement.objects.filter(
        agency=agency, day__in={line.day for line in lines}, metric__in=NUMBERS
    )
    return {(day, page) for day, page in found.values_list("day", "page").distinct() if day}


def _text(data: bytes, what: str) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if b"\0" in data[:2000]:
        raise Refused(
            what,
            _("This is not a CSV file; it looks like a workbook or a picture."),
            _("In your spreadsheet, choose “Save as… CSV”."),
            field="file",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _rows(text: str, what: str) -> list[tuple[int, dict[str, str]]]:
    """Rows under their columns' names, with the number of their line from 1."""
    lines = text.splitlines()
    # Google Analytics begins with comment lines.
    start = next(
        (n for n, line in enumerate(lines) if line.strip() and not line.startswith("#")), None
    )
    if start is None:
        raise Refused(what, _("It is empty."), _("Export it again."), field="file")
    head = lines[start]
    mark = max(",;\t", key=head.count)
    names = [
        COLUMNS.get(name.strip().lower().strip('"'), "")
        for name in next(csv.reader([head], delimiter=mark))
    ]
    if "date" not in names or not set(names) & set(NUMBERS):
        raise Refused(
            what,
            _("Its first row does not name the columns."),
            _(
                "It needs “tanggal” and at least one of kunjungan, pengunjung, pengunjung_kembali, "
                "unduhan."
            ),
            field="file",
        )
    found = []
    reader = csv.reader(io.StringIO("\n".join(lines[start + 1 :])), delimiter=mark)
    for values in _readable(reader, what):
        if any(value.strip() for value in values) and not values[0].startswith("#"):
            found.append(
                (
                    start + 1 + reader.line_num,
                    {
                        name: value.strip()
                        for name, value in zip(names, values, strict=False)
                        if name
                    },
                )
            )
        if len(found) > MOST_ROWS:
            raise Refused(
                what,
                _("It has more than 100,000 rows."),
                _("Export fewer days or fewer pages at a time."),
                field="file",
            )
    return found


def _readable(reader: Iterator[list[str]], what: str) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise Refused(
            what,
            _("It is not a readable CSV file (%(said)s).") % {"said": error},
            _("Export it again as CSV."),
            field="file",
        ) from error


def _line(number: int, row: dict[str, str], today: date) -> Line:
    day = _day(row.get("date", ""))
    if day > today:
        raise BadRow(_("The day lies in the future."))
    values = {name: _number(row[name]) for name in NUMBERS if row.get(name)}
    if not values:
        raise BadRow(_("It has no number."))
    try:
        page = urlsplit(row.get("page", "")).path[:500]
    except ValueError:
        raise BadRow(_("Its page is no address.")) from None
    return Line(number, day, page, values)


def _day(text: str) -> date:
    for shape in ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%Y%m%d"):
        try:
            return datetime.strptime(text, shape).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise BadRow(_("“%(typed)s” is not a day like 2026-11-23.") % {"typed": text[:40]})


def _number(text: str) -> Decimal:
    if not WHOLE.match(text):
        raise BadRow(_("“%(typed)s” is not a whole number.") % {"typed": text[:40]})
    return Decimal(re.sub(r"\D", "", text))


def _local(at: datetime, agency: Agency) -> datetime:
    return at.astimezone(ZoneInfo(agency.zone))
