"""A table that only grows: privileges taken away, declared beside the triggers.

The triggers (django-pgtrigger) stop whoever holds the privilege, the missing privilege stops
whoever could switch a trigger off for a session. Both come with the migration.
"""

from __future__ import annotations

from typing import Any

import pgtrigger
from django.db import models
from django.db.backends.ddl_references import Statement, Table


def grow_only() -> list[pgtrigger.Trigger]:
    """Triggers that refuse UPDATE, DELETE and TRUNCATE, for everybody."""
    return [
        pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        pgtrigger.Trigger(
            name="no_truncate",
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=pgtrigger.Truncate,
            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
        ),
    ]


class AppendOnly(models.BaseConstraint):
    """REVOKE UPDATE, DELETE and TRUNCATE from the roles that serve and work."""

    def _sql(self, model: Any, schema_editor: Any, verb: str) -> Statement:
        return Statement(
            f"{verb} ON %(table)s {'FROM' if verb.startswith('REVOKE') else 'TO'}"
            " tanggap_app, tanggap_worker",
            table=Table(model._meta.db_table, schema_editor.quote_name),
        )

    def constraint_sql(self, model: Any, schema_editor: Any) -> None:  # type: ignore[override]
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))

    def create_sql(self, model: Any, schema_editor: Any) -> Statement:  # type: ignore[override]
        return self._sql(model, schema_editor, "REVOKE UPDATE, DELETE, TRUNCATE")

    def remove_sql(self, model: Any, schema_editor: Any) -> Statement:  # type: ignore[override]
        return self._sql(model, schema_editor, "GRANT UPDATE, DELETE")

    def validate(self, model: Any, instance: Any, exclude: Any = None, using: Any = None) -> None:
        """The database decides; there is nothing to validate in a form."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AppendOnly) and self.name == other.name

    __hash__ = models.BaseConstraint.__hash__
