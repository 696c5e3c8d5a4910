"""What the first migration of core lays before and after its tables: roles, grants, functions.

`makemigrations` adds these operations by itself when core's first migration is made anew
(management/commands/makemigrations.py), so that regenerating it loses nothing.
"""

from __future__ import annotations

from typing import Any

from django.db import NotSupportedError
from django.db.migrations.operations.base import Operation
from psycopg import errors

ROLES = ("tanggap_app", "tanggap_worker")

# Two migrations of one server at once (parallel tests) meet in the shared catalogue.
CREATE_ROLE = """
DO $do$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
    CREATE ROLE {role} NOLOGIN;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $do$
"""

GRANT_ROLE = """
DO $do$ BEGIN
  IF NOT pg_has_role(current_user, '{role}', 'MEMBER') THEN
    GRANT {role} TO CURRENT_USER;
  END IF;
END $do$
"""

# Sub-selects in the policies make the planner evaluate these once, not once per row.
FUNCTION = """
CREATE FUNCTION tanggap_{kind}() RETURNS bigint[]
LANGUAGE sql STABLE PARALLEL SAFE AS $function$
  SELECT coalesce(
    string_to_array(nullif(current_setting('tanggap.{kind}', true), ''), ',')::bigint[], '{{}}')
$function$
"""

GRANTS = """
GRANT USAGE ON SCHEMA {schema} TO tanggap_app, tanggap_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema}
  TO tanggap_app, tanggap_worker;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO tanggap_app, tanggap_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tanggap_app, tanggap_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}
  GRANT USAGE, SELECT ON SEQUENCES TO tanggap_app, tanggap_worker;
"""

# Row-level security cannot use the full-text index unless `@@` is known not to leak its input.
LEAKPROOF = "ALTER FUNCTION pg_catalog.ts_match_vq(tsvector, tsquery) LEAKPROOF"

# Sign-in finds a person's memberships before it knows an agency, past row-level security.
MEMBERSHIPS = """
CREATE FUNCTION core_memberships(person bigint) RETURNS SETOF core_membership
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $function$
  SELECT * FROM core_membership WHERE person_id = person
$function$;
REVOKE ALL ON FUNCTION core_memberships(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core_memberships(bigint) TO tanggap_app, tanggap_worker;
"""

# Names of agencies are public, so that every role reads them; the app changes only its own, and
# adds units only below its own.
AGENCIES = """
ALTER TABLE core_agency ENABLE ROW LEVEL SECURITY;
ALTER TABLE core_agency FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON core_agency TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY worker ON core_agency TO tanggap_worker USING (true) WITH CHECK (true);
CREATE POLICY app_read ON core_agency FOR SELECT TO tanggap_app USING (true);
CREATE POLICY app_insert ON core_agency FOR INSERT TO tanggap_app
  WITH CHECK (parent_id = ANY ((SELECT tanggap_writable())::bigint[]));
CREATE POLICY app_update ON core_agency FOR UPDATE TO tanggap_app
  USING (id = ANY ((SELECT tanggap_writable())::bigint[]))
  WITH CHECK (id = ANY ((SELECT tanggap_writable())::bigint[]));
CREATE POLICY app_delete ON core_agency FOR DELETE TO tanggap_app
  USING (id = ANY ((SELECT tanggap_writable())::bigint[]));
"""


# A SECURITY DEFINER function looks tables up by a path that its caller must not lead. Whoever may
# make temporary tables could otherwise put one in front of ours: pg_temp comes first unless a path
# names it. The migrate command runs this after every migration, so that none forgets it.
TEMPORARY_LAST = """
DO $do$ DECLARE one record; BEGIN
  FOR one IN
    SELECT p.oid::regprocedure AS name, n.nspname AS home
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.prosecdef AND n.nspname = current_schema()
      AND p.proowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
      AND NOT coalesce(p.proconfig, '{}')
        @> ARRAY[format('search_path=%I, pg_temp', n.nspname)]
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', one.name, one.home);
  END LOOP;
END $do$
"""


class _Forward(Operation):
    """Runs once, before or after the tables of core; dropping the database undoes it."""

    reduces_to_sql = True
    reversible = False

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models stay as they are."""

    def database_backwards(self, *args: Any) -> None:
        raise NotSupportedError("Drop the database instead.")


class BeforeTables(_Forward):
    """Roles, what they may do with tables made from now on, functions of row-level security."""

    def database_forwards(
        self, app_label: str, editor: Any, from_state: Any, to_state: Any
    ) -> None:
        connection = editor.connection
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user, current_schema()")
            user, schema = cursor.fetchone()
            try:
                for role in ROLES:
                    cursor.execute(CREATE_ROLE.format(role=role))
                    cursor.execute(GRANT_ROLE.format(role=role))
            except Exception as error:
                if not isinstance(error.__cause__, errors.InsufficientPrivilege):
                    raise
                raise NotSupportedError(
                    f"The database user {user} may not make the roles {' and '.join(ROLES)}. "
                    "Let an administrator run in psql, once for this server: "
                    "CREATE ROLE tanggap_app NOLOGIN; CREATE ROLE tanggap_worker NOLOGIN; "
                    f'GRANT tanggap_app, tanggap_worker TO "{user}"; then migrate again.'
                ) from error
            cursor.execute(GRANTS.format(schema=connection.ops.quote_name(schema)))
            for kind in ("readable", "writable"):
                cursor.execute(FUNCTION.format(kind=kind))
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            if cursor.fetchone()[0]:
                cursor.execute(LEAKPROOF)
            cursor.execute(
                "SELECT name FROM pg_available_extensions"
                " WHERE name IN ('pg_trgm', 'unaccent') AND installed_version IS NULL"
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {name}")

    def describe(self) -> str:
        return "Make roles, grants and the functions of row-level security"


class AfterTables(_Forward):
    """The function by which sign-in finds memberships, and the walls of the agencies' own table."""

    def database_forwards(
        self, app_label: str, editor: Any, from_state: Any, to_state: Any
    ) -> None:
        editor.execute(MEMBERSHIPS, params=None)
        editor.execute(AGENCIES, params=None)

    def describe(self) -> str:
        return "Let sign-in find memberships; wall the agencies' table"
