"""migrate, told of our autodetector (Django wants both commands to have the same one), and without
rendering models anew for each index and table; afterwards every function that runs as the owner
finds no temporary table before ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.state import ModelState, ProjectState

from tanggap.core.ground import TEMPORARY_LAST
from tanggap.core.management.commands.makemigrations import Autodetector


class Command(migrate.Command):
    autodetector = Autodetector  # type: ignore[assignment]

    def handle(self, *args: Any, **options: Any) -> None:
        with added_in_place():
            super().handle(*args, **options)
        if not (options["plan"] or options["check_unapplied"]):
            with connections[options["database"]].cursor() as cursor:
                cursor.execute(TEMPORARY_LAST)


@contextmanager
def added_in_place() -> Iterator[None]:
    """Indexes, constraints and new models join a migration's state where they stand.

    Django renders anew every model that a changed one touches, and here nearly all touch the
    agency: of half a minute for an empty database most went there. What it asks of the models
    afterwards, their `_meta`, is the same; nothing points to a model that is new.
    """
    plain = ProjectState._append_option, ProjectState.add_model  # type: ignore[attr-defined]
    ProjectState._append_option, ProjectState.add_model = _append, _add  # type: ignore
    try:
        yield
    finally:
        ProjectState._append_option, ProjectState.add_model = plain  # type: ignore


def _append(state: ProjectState, app: str, model: str, option: str, what: Any) -> None:
    known = state.models[app, model].options
    known[option] = [*known[option], what]
    if "apps" in state.__dict__:
        meta: Any = state.apps.get_model(app, model)._meta
        setattr(meta, option, [*getattr(meta, option), what])
        meta.__dict__.pop("total_unique_constraints", None)


def _add(state: ProjectState, model: ModelState) -> None:
    key = model.app_label, model.name_lower
    state.models[key] = model
    if state._relations is not None:  # type: ignore[attr-defined]
        state.resolve_model_relations(key)  # type: ignore[attr-defined]
    if "apps" in state.__dict__:
        state.apps.render_multiple([model])  # type: ignore[attr-defined]
