"""Rows of other tables inside one query, for pages that promise how few queries they take.

rows.annotate(told_notes=nested(Note.objects.filter(conversation=OuterRef("pk")), by=("name",)))
unfold(Note, row.told_notes)   # the Notes, each with its `by`
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import JSONObject

M = TypeVar("M", bound=models.Model)


def nested(
    rows: models.QuerySet[Any],
    *,
    inside: Mapping[str, ArraySubquery] | None = None,
    **joined: Sequence[str],
) -> ArraySubquery:
    """All columns of `rows` in their order, as an array of JSON objects.

    `joined` names foreign keys with the columns wanted of them; `inside` holds further arrays.
    """
    told: dict[str, Any] = {name: name for name in columns(rows.model)}
    for relation, wanted in joined.items():
        told[relation] = JSONObject(
            id=f"{relation}__pk", **{name: f"{relation}__{name}" for name in wanted}
        )
    return ArraySubquery(rows.values(told=JSONObject(**told, **(inside or {}))))


def unfold(model: type[M], told: Iterable[Mapping[str, Any]] | None) -> list[M]:
    """Rows from what `nested` gave; columns that were not asked for are deferred."""
    return [build(model, one) for one in told or ()]


def build(model: type[M], told: Mapping[str, Any]) -> M:
    """One row with its joined rows; JSON arrays beyond its columns are left to the caller."""
    fields = {field.attname: field for field in model._meta.concrete_fields}
    names = [name for name in fields if name in told]
    row = model.from_db(None, names, [fields[name].to_python(told[name]) for name in names])
    for name, value in told.items():
        if name not in fields and isinstance(value, dict):
            related: Any = model._meta.get_field(name).related_model
            setattr(row, name, None if value["id"] is None else build(related, value))
    return row


def columns(model: type[models.Model]) -> list[str]:
    return [
        field.attname
        for field in model._meta.concrete_fields
        if not isinstance(field, SearchVectorField)
    ]
