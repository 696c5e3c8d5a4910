"""`tanggap classify`: a file of {"id", "text"} lines to a file of labels, however long it is.

Reads and writes as it goes, so millions of lines need no more memory than a few thousand. A line
that cannot be read is told by its number and skipped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from tanggap.language.classify import HEADS, Reading, read
from tanggap.language.places import gazetteer

AT_ONCE = 2048
LONGEST = 100_000
"""Signs of a text that are read; what is longer is no message."""


def classify_lines(
    source: Iterable[bytes],
    target: IO[str],
    *,
    tier: str = "fast",
    region: str = "",
    complain: Callable[[int, str], None] = lambda number, why: None,
) -> tuple[int, int]:
    """(lines written, lines skipped). `complain` hears of each skipped line: number from 1, why.
    Raises NoSuchTier."""
    written = skipped = 0
    for batch, bad in _batches(source):
        for number, why in bad:
            complain(number, why)
        skipped += len(bad)
        texts = [text for _, text in batch]
        reading = read(texts, tier, region)
        for at, (one, _) in enumerate(batch):
            target.write(json.dumps(row(one, reading, at), ensure_ascii=False) + "\n")
        written += len(batch)
    return written, skipped


def row(one: Any, reading: Reading, at: int) -> dict[str, Any]:
    """One output line: the id, each head's label with its confidence, places and personal data by
    where they stand. What personal data says is not repeated."""
    found: dict[str, Any] = {"id": one}
    for name in HEADS:
        column = reading.columns[name]
        found[name] = {
            "label": column.value(at),
            "confidence": round(float(column.confidence[at]), 4),
            "unsure": not column.sure[at],
        }
    _, names, _ = gazetteer()
    found["places"] = [
        {
            "label": names[place.codes[0]],
            "code": place.codes[0],
            "level": place.level,
            "start": place.start,
            "end": place.end,
            "confidence": place.confidence,
        }
        for place in reading.places[at]
    ]
    found["pii"] = [
        {
            "label": one.kind,
            "start": one.start,
            "end": one.end,
            "confidence": 0.99 if one.reason == "named" or one.kind == "email" else 0.95,
        }
        for one in reading.pii[at]
    ]
    return found


Batch = tuple[list[tuple[Any, str]], list[tuple[int, str]]]


def _batches(source: Iterable[bytes]) -> Iterator[Batch]:
    batch: list[tuple[Any, str]] = []
    bad: list[tuple[int, str]] = []
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            batch.append(_message(line))
        except ValueError as problem:
            bad.append((number, str(problem)))
        if len(batch) >= AT_ONCE or len(bad) >= AT_ONCE:
            yield batch, bad
            batch, bad = [], []
    if batch or bad:
        yield batch, bad


def _message(line: bytes) -> tuple[Any, str]:
    try:
        one = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(one, dict):
        raise ValueError("not an object")
    if not isinstance(one.get("id"), str | int):
        raise ValueError('no "id", or one that is no text or whole number')
    if not isinstance(one.get("text"), str):
        raise ValueError('no "text", or one that is no text')
    # Half of a pair of signs cannot be written as UTF-8.
    text = one["text"].encode("utf-8", "replace").decode("utf-8")
    return one["id"], text[:LONGEST]
