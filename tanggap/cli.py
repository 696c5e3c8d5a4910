"""The `tanggap` command."""
from __future__ import annotations
import os, sys
from tanggap.core import database

def main(argv: list[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tanggap.settings")
    from django.core.management import execute_from_command_line
    database.ensure_running()
    if words and words[0] == "django":
        execute_from_command_line(["tanggap django", *words[1:]])
    return 0
