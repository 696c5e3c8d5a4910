"""The web application for granian: `tanggap serve` starts it."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tanggap.settings")
application = get_asgi_application()
