"""The database walls off agencies by itself: these tests ask it, past all our querysets."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import ProgrammingError, connection, models, transaction
from django.test.utils import isolate_apps

from tanggap.core.models import Agency, DayOverride
from tanggap.core.rowsecurity import RowSecurity
from tanggap.core.scope import NOBODY, Scope, enter, scoped

pytestmark = pytest.mark.django_db


@pytest.fixture
def days(agency, other):
    return [
        DayOverride.objects.create(agency=owner, day=date(2026, 11, 23), working=False, reason="x")
        for owner in (agency, other)
    ]


def whole(agency: Agency) -> Scope:
    ids = frozenset({agency.pk})
    return Scope(agency=agency, readable=ids, writable=ids)


def test_nothing_is_visible_without_a_scope(days):
    assert DayOverride.objects.count() == 2
    with enter(NOBODY):
        assert DayOverride.objects.count() == 0
    assert scoped(DayOverride, None).count() == 0
    assert scoped(DayOverride, NOBODY).count() == 0


def test_another_agency_is_invisible(agency, days):
    with enter(whole(agency)):
        assert list(DayOverride.objects.all()) == [days[0]]
        assert not DayOverride.objects.filter(pk=days[1].pk).update(reason="y")
        assert DayOverride.objects.filter(pk=days[1].pk).delete()[0] == 0
    assert DayOverride.objects.count() == 2


def test_insert_for_another_agency_is_refused(agency, other):
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        enter(whole(agency)),
    ):
        DayOverride.objects.create(agency=other, day=date(2026, 1, 1), working=True, reason="x")


def test_a_row_cannot_be_given_to_another_agency(agency, other, days):
    with pytest.raises(ProgrammingError, match="row-level security"), enter(whole(agency)):
        DayOverride.objects.filter(pk=days[0].pk).update(agency=other)


def test_reading_does_not_give_writing(agency, days):
    with enter(Scope(readable=frozenset({agency.pk}))):
        assert DayOverride.objects.count() == 1
        assert DayOverride.objects.update(reason="y") == 0


def test_leaving_a_scope_restores_the_one_before(agency, other, days):
    with enter(whole(agency)):
        with enter(whole(other)):
            assert DayOverride.objects.get() == days[1]
        assert DayOverride.objects.get() == days[0]
        with pytest.raises(ZeroDivisionError), enter(whole(other)):
            raise ZeroDivisionError
        assert DayOverride.objects.get() == days[0]
    assert DayOverride.objects.count() == 2


def test_agencies_are_public_but_change_only_in_scope(agency, other):
    with enter(whole(agency)):
        assert {agency.slug, other.slug} <= set(Agency.objects.values_list("slug", flat=True))
        assert Agency.objects.filter(pk=other.pk).update(name="x") == 0
        assert Agency.objects.filter(pk=agency.pk).update(name="x") == 1
        child = {"kind": "unit", "autonomous": False, "name": "U", "short_name": "U"}
        Agency.objects.create(parent=agency, slug="u", code="U", **child)
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            Agency.objects.create(parent=other, slug="v", code="V", **child)


def test_policies_are_evaluated_once_per_statement(agency, days):
    with enter(whole(agency)), connection.cursor() as cursor:
        cursor.execute("EXPLAIN (COSTS OFF) SELECT * FROM core_dayoverride")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "InitPlan" in plan


@isolate_apps("tanggap.core")
def test_the_constraint_can_be_taken_off_and_put_back():
    """What the migrations RemoveConstraint and AddConstraint do, on a table of the owner's."""

    class Thing(models.Model):
        agency_id = models.BigIntegerField()

        class Meta:
            app_label = "core"
            db_table = "core_thing"

    walls = RowSecurity(name="core_thing_rows")
    state = "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = 'core_thing'"
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        with connection.schema_editor() as editor:
            editor.create_model(Thing)
            editor.add_constraint(Thing, walls)
        cursor.execute(state)
        assert cursor.fetchone() == (True, True)
        with connection.schema_editor() as editor:
            editor.remove_constraint(Thing, walls)
        cursor.execute(state)
        assert cursor.fetchone() == (False, False)
        with connection.schema_editor() as editor:
            editor.add_constraint(Thing, walls)
        cursor.execute(state)
        assert cursor.fetchone() == (True, True)
