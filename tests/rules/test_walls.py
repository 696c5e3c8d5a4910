"""Every table that belongs to an agency is walled off, for its owner too."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection

from tanggap.core.ground import AfterTables, BeforeTables
from tanggap.core.migrations import __path__ as core_migrations
from tanggap.core.models import Scoped

SCOPED = [model for model in apps.get_models() if issubclass(model, Scoped)]
POLICIES = {"owner", "worker", "app_read", "app_insert", "app_update", "app_delete"}


@pytest.mark.django_db
@pytest.mark.parametrize("model", SCOPED, ids=lambda model: model._meta.label)
def test_every_scoped_table_is_walled(model):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = %s::regclass",
            [model._meta.db_table],
        )
        assert cursor.fetchone() == (True,)
        cursor.execute(
            "SELECT policyname FROM pg_policies WHERE tablename = %s", [model._meta.db_table]
        )
        assert {name for (name,) in cursor.fetchall()} >= POLICIES


@pytest.mark.django_db
def test_every_table_with_an_agency_is_scoped():
    """A model with an agency that forgot to be Scoped would be open to all."""
    forgotten = [
        model._meta.label
        for model in apps.get_models()
        if any(field.attname == "agency_id" for field in model._meta.concrete_fields)
        and not any(type(rule).__name__ == "RowSecurity" for rule in model._meta.constraints)
    ]
    assert forgotten == []


def test_every_table_that_speaks_of_an_agencys_row_is_walled():
    """What only links two rows, as Django makes it for many to many, tells of them as well."""
    open_ = [
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        if any(
            field.is_relation and field.related_model in SCOPED
            for field in model._meta.concrete_fields
        )
        and not any(type(rule).__name__ == "RowSecurity" for rule in model._meta.constraints)
    ]
    assert open_ == [], "give it a Scoped model of its own (through=)"


@pytest.mark.django_db
def test_no_temporary_table_stands_before_ours_in_a_function_of_the_owner(agency):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.proname, p.proconfig FROM pg_proc p"
            " JOIN pg_namespace n ON n.oid = p.pronamespace"
            " WHERE p.prosecdef AND n.nspname = current_schema()"
        )
        found = dict(cursor.fetchall())
        assert {"core_memberships", "followup_case_agency"} <= set(found)
        led = {
            name: config
            for name, config in found.items()
            if not any(one.endswith(", pg_temp") for one in config or ())
        }
        assert led == {}
        # As anybody could try who serves a page.
        cursor.execute("SET LOCAL ROLE tanggap_app")
        cursor.execute("CREATE TEMP TABLE followup_case (number text, agency_id bigint)")
        cursor.execute("GRANT SELECT ON followup_case TO PUBLIC")
        cursor.execute("INSERT INTO pg_temp.followup_case VALUES ('XXX-0000', %s)", [agency.pk])
        cursor.execute("SELECT followup_case_agency('XXX-0000')")
        assert cursor.fetchone() == (None,)


@pytest.mark.django_db
def test_the_roles_of_the_product_are_not_powerful():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'tanggap\\_%%'"
            " AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolcanlogin)"
        )
        assert cursor.fetchall() == []


def test_cores_first_migration_lays_the_ground():
    from importlib import import_module

    first = import_module("tanggap.core.migrations.0001_initial").Migration
    assert core_migrations
    assert isinstance(first.operations[0], BeforeTables)
    assert isinstance(first.operations[-1], AfterTables)
