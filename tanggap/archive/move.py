"""Change a state: compare-and-swap and Record in one transaction, or neither (DESIGN decision 6).

Nothing else in Tanggap assigns a state; tests/rules keeps it so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection, models, transaction
from django.db.models.sql import UpdateQuery
from django.utils.translation import gettext as _

from tanggap.archive.record import Entry, beside, record, record_many
from tanggap.core.errors import Refused, Stale
from tanggap.core.models import Person
from tanggap.core.states import IllegalMove, States

M = TypeVar("M", bound=models.Model)
Known = Mapping[Any, tuple[int, Mapping[str, Any]]]
"""By primary key: the id of the agency whose row it is, and more facts of it."""


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
    wanted: Collection[str] | None = None,
    known: Known | None = None,
    **fields: Any,
) -> list[M]:
    """Move every row of `ids` that is still in `source`: one UPDATE … RETURNING, one Record each.

    `ids` may be a queryset with `select_for_update(skip_locked=True)`, the way a worker claims
    due work. Rows that somebody else moved first are simply not in the answer, which is in the
    order of primary keys. `fields` may hold expressions (F, Now). `wanted`: the fields that the
    answer is asked for, where that is not all; each other one costs a query. `known`: whose they
    are, where the caller knows that before; then all of it is one statement. Within the caller's
    transaction an error ends that one: nobody goes on with half of it.
    """
    graph(model).check(source, to)
    with transaction.atomic(savepoint=False):
        if isinstance(ids, models.QuerySet):
            ids = ids.values_list("pk", flat=True)
        pks = list(ids)
        if not pks:
            return []
        sql, params = _update(model, pks, source, to, fields)
        sql = f"{sql} RETURNING {_columns(model, wanted)}"
        said = verb or f"{model._meta.model_name}.{to}"
        told = {"from": source, "to": to}
        if known is not None:
            label = model._meta.label_lower
            entries = (
                Entry(known[pk][0], said, (label, pk), {**told, **known[pk][1]}) for pk in pks
            )
            moved = f"SELECT {_column(model, 'pk')}::text FROM moved"
            writing, records = beside(entries, f"subject_id IN ({moved})", by=by, now=now)
            sql = f"WITH moved AS ({sql}), {writing} SELECT * FROM moved"
            return _sorted(model._base_manager.raw(sql, [*params, records]))
        rows = _sorted(model._base_manager.raw(sql, params))
        record_many(
            (
                Entry(
                    row.agency_id,  # type: ignore[attr-defined]
                    said,
                    row,
                    {**told, **(facts_of(row) if facts_of else {})},
                )
                for row in rows
            ),
            by=by,
            now=now,
        )
    return rows


def _sorted(rows: Iterable[M]) -> list[M]:
    return sorted(rows, key=lambda row: row.pk)


def _update(
    model: type[models.Model], ids: list[Any], source: str, to: str, fields: Mapping[str, Any]
) -> tuple[str, list[Any]]:
    """The UPDATE in SQL, with its parameters. By hand: workers ask for it all day long."""
    quoted, meta = connection.ops.quote_name, model._meta
    query = UpdateQuery(model)
    compiler = query.get_compiler(connection=connection)
    sets: list[str] = []
    params: list[Any] = []
    for name, value in {"state": to, **fields}.items():
        if hasattr(value, "resolve_expression"):
            sql, values = compiler.compile(
                value.resolve_expression(query, allow_joins=False, for_save=True)
            )
            params += values
        else:
            field: Any = meta.get_field(name)
            sql = "%s"
            params.append(field.get_db_prep_save(value, connection=connection))
        sets.append(f"{_column(model, name)} = {sql}")
    table = quoted(meta.db_table)
    where = f"{table}.{_column(model, 'pk')} = ANY(%s) AND {table}.{_column(model, 'state')} = %s"
    # Names are the model's own; every value is a parameter.
    return f"UPDATE {table} SET {', '.join(sets)} WHERE {where}", [*params, ids, source]


def _columns(model: type[models.Model], wanted: Collection[str] | None) -> str:
    """What RETURNING gives: everything, or these, the key and whose row it is."""
    table = connection.ops.quote_name(model._meta.db_table)
    if wanted is None:
        return f"{table}.*"
    names = dict.fromkeys(["pk", "agency", *wanted])
    return ", ".join(f"{table}.{_column(model, name)}" for name in names)


def _column(model: type[models.Model], name: str) -> str:
    """The quoted column of a field; "pk" is the key."""
    field: Any = model._meta.pk if name == "pk" else model._meta.get_field(name)
    return connection.ops.quote_name(field.column)


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
