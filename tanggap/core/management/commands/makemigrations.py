"""makemigrations that lays the ground around core's first migration whenever it is made anew."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import makemigrations

from tanggap.core.ground import AfterTables, BeforeTables


# pgtrigger has put its own detector there, which knows about triggers.
class Autodetector(makemigrations.Command.autodetector):  # type: ignore[misc, valid-type]
    def changes(self, *args: Any, **kwargs: Any) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = super().changes(*args, **kwargs)
        for migration in found.get("core", []):
            if migration.initial and migration.name.startswith("0001_"):
                migration.operations.insert(0, BeforeTables())
        first = [migration for migration in found.get("core", []) if migration.initial]
        if first:
            first[-1].operations.append(AfterTables())
        return found


class Command(makemigrations.Command):
    autodetector = Autodetector  # type: ignore[valid-type, assignment, misc]
