"""Many rows as one parameter of one statement, for PostgreSQL's `json_to_recordset`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any


def recordset(rows: Iterable[object], names: Sequence[str]) -> str:
    """These attributes of each row. Bytes are hexadecimal, for `decode(…, 'hex')`; a time keeps its
    zone."""
    return json.dumps([{name: _plain(getattr(row, name)) for name in names} for row in rows])


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value
