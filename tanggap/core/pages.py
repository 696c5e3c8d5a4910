"""One page of a list, up to the very last row: the values of its last row are the next one's key.

`after=2026-11-22T07:00:00+00:00~41` follows the row 41 in a list by time, `after=41` in one by id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any, Generic, TypeVar
from urllib.parse import quote, unquote

from django.db.models import BooleanField, DateTimeField, IntegerField, Model, Q, QuerySet

DIGITS = 15
T = TypeVar("T", bound=Model)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Page(Generic[V]):
    """`after` is the key of the next page, "" on the last one; `later` when this is not the
    first."""

    rows: list[V]
    after: str = ""
    later: bool = False


def page(
    rows: QuerySet[T], order: Sequence[str] = ("-pk",), *, after: str = "", size: int
) -> Page[T]:
    """Up to `size` rows behind the key `after`.

    `order` as in order_by: columns without nulls, the last one unique. What is no key asks for the
    first page, and so does one behind which nothing is left.
    """
    wanted, key = rows.order_by(*order), key_in(after, rows, order)
    found = list(behind(wanted, order, key)[: size + 1])
    later = bool(key and found)
    if key and not found:
        found = list(wanted[: size + 1])
    shown = found[:size]
    return Page(shown, key_of(shown[-1], order) if len(found) > size else "", later)


def key_of(row: Model, order: Sequence[str]) -> str:
    """What `after` is for the page behind this row."""
    return "~".join(_said(_value(row, name.lstrip("-"))) for name in order)


def first(rows: Sequence[T], order: Sequence[str], *, size: int) -> Page[T]:
    """The first page of rows that another query brought along, one more of them than `size`."""
    shown = list(rows[:size])
    return Page(shown, key_of(shown[-1], order) if len(rows) > size else "")


def within(rows: Sequence[V], key: Callable[[V], object], *, after: str, size: int) -> Page[V]:
    """The same of rows that are at hand already: those behind the one whose key is `after`."""
    begin = next((at for at, row in enumerate(rows, 1) if str(key(row)) == after), 0)
    shown = list(rows[begin : begin + size])
    more = len(rows) > begin + size
    return Page(shown, str(key(shown[-1])) if more else "", bool(begin and shown))


def behind(rows: QuerySet[T], order: Sequence[str], key: Sequence[Any] | None) -> QuerySet[T]:
    """The rows after a key: (a > x) or (a = x and b > y) and so on, "<" where it descends."""
    if key is None:
        return rows
    condition = Q()
    for name, value in reversed(list(zip(order, key, strict=True))):
        plain, sign = name.lstrip("-"), "lt" if name.startswith("-") else "gt"
        beyond = Q(**{f"{plain}__{sign}": value})
        if not condition:
            condition = beyond
        else:
            # The same once more for the first column, so that an index begins at the key.
            bound = Q(**{f"{plain}__{sign}e": value})
            condition = bound & (beyond | (Q(**{plain: value}) & condition))
    return rows.filter(condition)


def _value(row: Any, name: str) -> Any:
    return reduce(getattr, name.split("__"), row)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, str):
        return quote(value, safe="").replace("~", "%7E")
    return value.isoformat() if isinstance(value, datetime) else str(value)


def key_in(after: str, rows: QuerySet[Any], order: Sequence[str]) -> list[Any] | None:
    """The values that `after` holds; None for what is no key of these rows in this order."""
    parts = after.split("~") if after else []
    if len(parts) != len(order):
        return None
    try:
        return [
            _typed(_column(rows, name.lstrip("-")), text)
            for name, text in zip(order, parts, strict=True)
        ]
    except (ValueError, OverflowError):
        return None


def _column(rows: QuerySet[Any], name: str) -> Any:
    annotated = rows.query.annotations.get(name)
    if annotated is not None:
        return annotated.output_field
    model: Any = rows.model
    field: Any = None
    for part in name.split("__"):
        field = model._meta.pk if part == "pk" else model._meta.get_field(part)
        model = field.related_model
    return field


def _typed(column: Any, text: str) -> Any:
    if isinstance(column, DateTimeField):
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError(text)
        return at.astimezone(UTC)
    if isinstance(column, BooleanField):
        return text == "1"
    if isinstance(column, IntegerField):
        if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
            raise ValueError(text)
        return int(text)
    words = unquote(text)
    if "\0" in words:
        raise ValueError(text)
    return words
