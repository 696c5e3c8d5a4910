"""What citizens wrote where no plug-in listens, brought in by an officer: pasted, or as a CSV file.

The words stay as they are, the source is recorded, and the same paste or file brought in twice
gives
the same ids. Nothing is dropped: a row that cannot be read comes back with its number and why.

CSV columns (first line, in any order; Indonesian or English names; `,` `;` or tab between them)::

    isi   | text      what was written (required)
    waktu | time      2026-11-21 09:30, 21/11/2026 09.30, or ISO 8601; without it: the time of
    import nama  | name      as shown
    akun  | handle    with or without @
    tautan| url       where it can be seen
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from tanggap.channels.base import Author, BadRow, IncomingItem

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "text": ("isi", "text", "pesan", "komentar", "comment", "message"),
    "time": ("waktu", "time", "tanggal", "date", "at"),
    "name": ("nama", "name"),
    "handle": ("akun", "handle", "username", "account"),
    "url": ("tautan", "url", "link"),
}
TIMES = (
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y %H.%M",
    "%d-%m-%Y %H:%M",
    "%d/%m/%Y",
    "%d-%m-%Y",
)
MAX_ROWS = 10_000


def paste(
    text: str,
    *,
    place: str,
    at: datetime,
    name: str = "",
    handle: str = "",
    url: str = "",
    source: str = "paste",
    dated: bool = True,
) -> IncomingItem:
    """One pasted text. `place` is the preset, `at` when the citizen wrote it (UTC); `dated` is
    false where that is not known and `at` is only the time of import."""
    handle = handle.strip().lstrip("@")
    who = handle or name.strip()
    named = [place, who.lower(), at.isoformat() if dated else "", text, url]
    return IncomingItem(
        remote_id=f"{source}:{_digest(named)}",
        kind="visit" if place == "notice_board" else "comment",
        # Nobody's network id is known: the same name in the same place is taken as the same person.
        author=Author(
            f"{place}:{_digest([place, who.lower()])}" if who else "", handle, name.strip()
        ),
        text=text,
        at=at,
        url=url.strip(),
        source=source,
        raw="\n".join(named).encode(),
    )


def table(
    data: bytes, *, place: str, now: datetime, zone: tzinfo
) -> tuple[tuple[IncomingItem, ...], tuple[BadRow, ...]]:
    """A CSV file. `zone` is where its times without an offset are meant. See the module for
    columns."""
    words = _decode(data)
    lines = io.StringIO(words, newline="")
    first = words.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(lines, delimiter=separator)
    items: list[IncomingItem] = []
    bad: list[BadRow] = []
    columns: dict[str, int] | None = None
    number = width = 0
    try:
        for row in reader:
            number += 1
            if columns is None:
                columns, width = _columns(row), len(row)
                if "text" not in columns:
                    return (), (BadRow(1, first[:500], "no_text_column"),)
                continue
            if not any(cell.strip() for cell in row):
                continue
            if number > MAX_ROWS:
                bad.append(BadRow(number, "", "too_many_rows"))
                break
            made = _row(row, columns, width, place, now, zone)
            if isinstance(made, str):
                bad.append(BadRow(number, separator.join(row)[:2000], made))
            else:
                items.append(made)
    except csv.Error:
        bad.append(BadRow(number + 1, "", "not_csv"))
    if columns is None:
        bad.append(BadRow(1, "", "empty"))
    return tuple(items), tuple(bad)


def _row(
    row: list[str], columns: Mapping[str, int], width: int, place: str, now: datetime, zone: tzinfo
) -> IncomingItem | str:
    cells = {name: row[at] if at < len(row) else "" for name, at in columns.items()}
    text = cells["text"]
    if not text.strip():
        return "no_text"
    if any(cell.strip() for cell in row[width:]):
        # A separator inside unquoted words: what follows it would be lost.
        return "too_many_cells"
    written = cells.get("time", "").strip()
    at = moment(written, zone) if written else now
    if at is None:
        return "bad_time"
    url = cells.get("url", "").strip()
    if url and not url.startswith(("https://", "http://")):
        return "bad_url"
    return paste(
        text,
        place=place,
        at=at,
        name=cells.get("name", ""),
        handle=cells.get("handle", ""),
        url=url,
        source="csv",
        dated=bool(written),
    )


def moment(text: str, zone: tzinfo) -> datetime | None:
    """A written time in UTC; day before month, as people here write it. None when it is not one."""
    text = text.strip()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
        for pattern in TIMES:
            try:
                found = datetime.strptime(text, pattern)  # noqa: DTZ007
                break
            except ValueError:
                continue
    if found is None:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def _columns(row: list[str]) -> dict[str, int]:
    names = [cell.strip().lower() for cell in row]
    return {
        ours: at
        for ours, theirs in COLUMNS.items()
        for at, name in enumerate(names)
        if name in theirs
    }


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What spreadsheets on Windows save.
        return data.decode("cp1252", "replace")


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
