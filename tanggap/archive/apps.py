"""The archive names the key file of the process as soon as the application is ready."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings

from tanggap.core import secrets


class ArchiveConfig(AppConfig):
    name = "tanggap.archive"

    def ready(self) -> None:
        secrets.use(settings.KEY_FILE)
