"""The quick way by which an index joins the state of a migration gives what Django's own gives."""

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


def test_django_is_itself_again():
    before = ProjectState._append_option
    with added_in_place():
        assert ProjectState._append_option is not before
    assert ProjectState._append_option is before
