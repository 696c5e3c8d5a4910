"""Row-level security as a model constraint, so that the migration that makes a table also walls it.

Declared once on `Scoped`; makemigrations carries it. Policies (DESIGN section 6):
- the owner (who migrates, and as whom SECURITY DEFINER functions run) sees every row;
- the worker sees every row: it claims due work of all agencies in one batch;
- the app sees rows of `tanggap.readable` and writes rows of `tanggap.writable`; unset means none.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.ddl_references import Statement, Table


class RowSecurity(models.BaseConstraint):
    """ENABLE and FORCE row-level security on the table, by the column `agency_id`."""

    def __init__(self, *, name: str, column: str = "agency_id", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.column = column

    def _sql(self, model: Any, schema_editor: Any) -> Statement:
        table = Table(model._meta.db_table, schema_editor.quote_name)
        return Statement(
            """
            ALTER TABLE %(table)s ENABLE ROW LEVEL SECURITY;
            ALTER TABLE %(table)s FORCE ROW LEVEL SECURITY;
            CREATE POLICY owner ON %(table)s TO CURRENT_USER USING (true) WITH CHECK (true);
            CREATE POLICY worker ON %(table)s TO tanggap_worker USING (true) WITH CHECK (true);
            CREATE POLICY app_read ON %(table)s FOR SELECT TO tanggap_app
              USING (%(column)s = ANY ((SELECT tanggap_readable())::bigint[]));
            CREATE POLICY app_insert ON %(table)s FOR INSERT TO tanggap_app
              WITH CHECK (%(column)s = ANY ((SELECT tanggap_writable())::bigint[]));
            CREATE POLICY app_update ON %(table)s FOR UPDATE TO tanggap_app
              USING (%(column)s = ANY ((SELECT tanggap_writable())::bigint[]))
              WITH CHECK (%(column)s = ANY ((SELECT tanggap_writable())::bigint[]));
            CREATE POLICY app_delete ON %(table)s FOR DELETE TO tanggap_app
              USING (%(column)s = ANY ((SELECT tanggap_writable())::bigint[]));
            """,
            table=table,
            column=self.column,
        )

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        schema_editor.deferred_sql.append(self._sql(model, schema_editor))
        return None

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        return self._sql(model, schema_editor)

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        return Statement(
            """
            DROP POLICY owner ON %(table)s; DROP POLICY worker ON %(table)s;
            DROP POLICY app_read ON %(table)s; DROP POLICY app_insert ON %(table)s;
            DROP POLICY app_update ON %(table)s; DROP POLICY app_delete ON %(table)s;
            ALTER TABLE %(table)s NO FORCE ROW LEVEL SECURITY;
            ALTER TABLE %(table)s DISABLE ROW LEVEL SECURITY;
            """,
            table=Table(model._meta.db_table, schema_editor.quote_name),
        )

    def validate(self, model: Any, instance: Any, exclude: Any = None, using: Any = None) -> None:
        """The database decides; there is nothing to validate in a form."""

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        if self.column != "agency_id":
            kwargs["column"] = self.column
        return path, args, kwargs

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, RowSecurity)
            and self.name == other.name
            and self.column == other.column
        )

    __hash__ = models.BaseConstraint.__hash__
