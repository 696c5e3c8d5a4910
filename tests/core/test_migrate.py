"""The quick way by which an index or a table joins the state of a migration gives what Django's own
gives."""

from __future__ import annotations

from django.db import models
from django.db.migrations.state import ModelState, ProjectState

from tanggap.core.management.commands.migrate import added_in_place


def _grown() -> ProjectState:
    state = ProjectState()
    state.add_model(ModelState("zoo", "Keeper", [("id", models.BigAutoField(primary_key=True))]))
    keeper = models.ForeignKey("zoo.Keeper", models.CASCADE)
    fields = [("id", models.BigAutoField(primary_key=True)), ("keeper", keeper)]
    state.add_model(ModelState("zoo", "Animal", fields, {"indexes": [], "constraints": []}))
    # Rendered, as when a migration runs.
    assert state.apps.get_model("zoo", "Animal")._meta.total_unique_constraints == []
    state.add_index("zoo", "animal", models.Index("keeper", name="by_keeper"))
    state.add_constraint(
        "zoo", "animal", models.UniqueConstraint(fields=["keeper"], name="one_each")
    )
    seen = models.ForeignKey("zoo.Animal", models.CASCADE, related_name="visits")
    again = models.ForeignKey("zoo.Visit", models.CASCADE, null=True)
    key = ("id", models.BigAutoField(primary_key=True))
    state.add_model(ModelState("zoo", "Visit", [key, ("animal", seen), ("before", again)]))
    return state


def test_the_state_is_the_same():
    plain = _grown()
    with added_in_place():
        quick = _grown()
    assert quick == plain
    here, there = (one.apps.get_model("zoo", "Animal")._meta for one in (quick, plain))
    assert here.indexes == there.indexes and len(here.indexes) == 1
    assert here.constraints == there.constraints and len(here.constraints) == 1
    assert here.total_unique_constraints == there.total_unique_constraints != []


def test_a_new_table_and_the_one_that_it_points_to_know_each_other():
    plain = _grown()
    with added_in_place():
        quick = _grown()
    for name in ("Keeper", "Animal", "Visit"):
        here, there = (one.apps.get_model("zoo", name)._meta for one in (quick, plain))
        told = [
            [
                (field.name, field.is_relation and field.related_model._meta.label)
                for field in fields
            ]
            for fields in (here.get_fields(), there.get_fields())
        ]
        assert told[0] == told[1]
    visit, animal = (quick.apps.get_model("zoo", name) for name in ("Visit", "Animal"))
    assert animal._meta.get_field("visits").related_model is visit
    assert visit._meta.get_field("animal").related_model is animal


def test_django_is_itself_again():
    before = ProjectState._append_option, ProjectState.add_model
    with added_in_place():
        assert ProjectState._append_option is not before[0]
        assert ProjectState.add_model is not before[1]
    assert (ProjectState._append_option, ProjectState.add_model) == before
