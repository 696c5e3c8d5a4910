"""migrate, told of our autodetector (Django wants both commands to have the same one); afterwards
every function that runs as the owner finds no temporary table before ours."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from tanggap.core.ground import TEMPORARY_LAST
from tanggap.core.management.commands.makemigrations import Autodetector


class Command(migrate.Command):
    autodetector = Autodetector  # type: ignore[assignment]

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if not (options["plan"] or options["check_unapplied"]):
            with connections[options["database"]].cursor() as cursor:
                cursor.execute(TEMPORARY_LAST)
