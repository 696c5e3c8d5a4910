"""Change a state: compare-and-swap and Record in one transaction, or neither (DESIGN decision 6).

Nothing else in Tanggap assigns a state; tests/rules keeps it so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection, models, transaction
from django.db.models.sql import UpdateQuery
from django.utils.translation import gettext as _

from tanggap.archive.record import Entry, record, record_many
from tanggap.core.errors import Refused, Stale
from tanggap.core.models import Person
from tanggap.core.states import IllegalMove, States

M = TypeVar("M", bound=models.Model)


class WrongState(IllegalMove, Refused):
    """The graph forbids this move; said so that a person understands it."""

    def __init__(self, refused: IllegalMove) -> None:
        IllegalMove.__init__(self, refused.graph, refused.source, refused.target, refused.allowed)
        self.what = _("Nothing was changed.")
        self.why = _("In its present state this step is not possible.")
        self.next = _("Open it again to see what can be done now.")
        self.field = ""


def move(
    thing: M,
    to: str,
    *,
    by: Person | str,
    now: datetime,
    facts: Mapping[str, Any] | None = None,
    verb: str | None = None,
    content: bytes | None = None,
    person_key: str | None = None,
    **fields: Any,
) -> M:
    """Move `thing` from the state that the caller saw to `to`, set `fields`, and write it down.

    The verb on record is "<model>.<to>" unless given; facts gain `from` and `to`.
    Raises WrongState (an IllegalMove) when the graph forbids it, Stale when the row is no longer
    in the state that the caller saw; both are Refused. `thing` is changed in memory only when
    both writes went in.
    """
    row: Any = thing
    source: str = row.state
    try:
        graph(type(thing)).check(source, to)
    except IllegalMove as error:
        raise WrongState(error) from error
    with transaction.atomic():
        moved = type(thing)._base_manager.filter(pk=row.pk, state=source).update(state=to, **fields)
        if not moved:
            raise Stale(
                _("Nothing was changed."),
                _("Somebody else changed this in the meantime."),
                _("Open it again and look before you decide."),
            )
        before = {name: getattr(row, name) for name in fields}
        _put(row, {**fields, "state": to})
        try:
            record(
                row.agency,
                verb or f"{row._meta.model_name}.{to}",
                thing,
                by=by,
                now=now,
                facts={"from": source, "to": to, **(facts or {})},
                content=content,
                person_key=person_key,
            )
        except BaseException:
            _put(row, {**before, "state": source})
            raise
    return thing


def move_many(
    model: type[M],
    ids: Iterable[Any] | models.QuerySet[Any],
    source: str,
    to: str,
    *,
    by: Person | str,
    now: datetime,
    facts_of: Callable[[M], Mapping[str, Any]] | None = None,
    verb: str | None = None,
    **fields: Any,
) -> list[M]:
    """Move every row of `ids` that is still in `source`: one UPDATE … RETURNING, one Record each.

    `ids` may be a queryset with `select_for_update(skip_locked=True)`, the way a worker claims
    due work. Rows that somebody else moved first are simply not in the answer, which is in the
    order of primary keys. `fields` may hold expressions (F, Now).
    """
    graph(model).check(source, to)
    with transaction.atomic():
        wanted = list(ids.values_list("pk", flat=True) if isinstance(ids, models.QuerySet) else ids)
        if not wanted:
            return []
        chosen = model._base_manager.filter(pk__in=wanted, state=source)
        query: Any = chosen.query.chain(UpdateQuery)
        query.add_update_values({"state": to, **fields})
        sql, params = query.get_compiler(connection=connection).as_sql()
        table = connection.ops.quote_name(model._meta.db_table)
        rows = list(model._base_manager.raw(f"{sql} RETURNING {table}.*", params))
        rows.sort(key=lambda row: row.pk)
        said = verb or f"{model._meta.model_name}.{to}"
        record_many(
            (
                Entry(
                    row.agency_id,  # type: ignore[attr-defined]
                    said,
                    row,
                    {"from": source, "to": to, **(facts_of(row) if facts_of else {})},
                )
                for row in rows
            ),
            by=by,
            now=now,
        )
    return rows


def graph(model: type[models.Model]) -> type[States]:
    """The model's graph of states."""
    found = getattr(model, "STATES", None)
    if not (isinstance(found, type) and issubclass(found, States)):
        raise TypeError(f"{model.__name__} declares no STATES; its state cannot be moved.")
    return found


def _put(row: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if hasattr(value, "resolve_expression"):
            row.refresh_from_db(fields=[name])
        else:
            setattr(row, name, value)
