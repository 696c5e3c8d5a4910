"""The return table as a CSV file: on record, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import datetime

from tanggap.archive.record import record
from tanggap.core.metrics_data import categories
from tanggap.core.models import Person
from tanggap.monitoring.returns import Cell
from tanggap.monitoring.window import Window

HEAD = (
    "kategori",
    "kunci",
    "ukuran",
    "nilai",
    "satuan",
    "n",
    "dari",
    "sumber",
    "alasan",
    "rumus",
    "dari_tanggal",
    "sampai_tanggal",
)
# What a spreadsheet takes for a formula when a cell begins with it.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def safe(text: object) -> str:
    """A cell that no spreadsheet runs: what begins like a formula gets an apostrophe before it.

    >>> safe("=1+1"), safe("@x"), safe(" =A1"), safe("12")
    ("'=1+1", "'@x", "' =A1", '12')
    """
    found = str(text)
    return f"'{found}" if found.lstrip().startswith(DANGEROUS) or found[:1] in DANGEROUS else found


def returns_csv(
    window: Window,
    cells: list[Cell],
    *,
    by: Person,
    now: datetime,
    unavailable: str,
    say: dict[str, str],
) -> bytes:
    """UTF-8 with a byte-order mark (spreadsheets need it), commas. Writes `returns.exported`.

    unavailable  the words in place of a number that no source gives
    say          words of reason and source codes
    """
    agency = window.scope.agency
    assert agency is not None
    names = {category.key: category.says("id") for category in categories()}
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEAD)
    for one in cells:
        metric = one.metric
        writer.writerow(
            map(
                safe,
                (
                    names[metric.category],
                    metric.key,
                    metric.says("id"),
                    unavailable if one.value is None else one.value.normalize().__format__("f"),
                    say.get(metric.unit, metric.unit),
                    one.n,
                    one.of,
                    "; ".join(say.get(code, code) for code in one.sources),
                    "; ".join(say.get(code, code) for code in one.why),
                    metric.computed("id"),
                    window.first.isoformat(),
                    window.last.isoformat(),
                ),
            )
        )
    data = b"\xef\xbb\xbf" + out.getvalue().encode()
    record(
        agency,
        "returns.exported",
        ("monitoring.returns", agency.pk),
        by=by,
        now=now,
        facts={
            "from": window.first,
            "until": window.last,
            "account": window.account or None,
            "activity": window.activity or None,
            "post": window.post or None,
            "rows": len(cells),
            "sha256": hashlib.sha256(data).hexdigest(),
        },
    )
    return data
