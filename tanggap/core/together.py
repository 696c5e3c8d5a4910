"""Several statements in one message to PostgreSQL, where each wait for an answer counts."""

from __future__ import annotations

from typing import Any

from django.db import connection

Rows = list[tuple[Any, ...]]


def ask(*asked: tuple[str, Any]) -> list[Rows]:
    """Each statement with its parameters, in their order; the rows that each gives.

    Within a transaction it is as if they were asked one after the other: each sees what others
    committed before it begins. Outside of one they are one transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("; ".join(cursor.mogrify(sql, given) for sql, given in asked))
        found = [_rows(cursor)]
        while cursor.nextset():
            found.append(_rows(cursor))
    return found


def _rows(cursor: Any) -> Rows:
    return list(cursor.fetchall()) if cursor.description else []
