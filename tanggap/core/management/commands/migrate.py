"""migrate, told of our autodetector; Django wants both commands to have the same one."""

from __future__ import annotations

from django.core.management.commands import migrate

from tanggap.core.management.commands.makemigrations import Autodetector


class Command(migrate.Command):
    autodetector = Autodetector  # type: ignore[assignment]
