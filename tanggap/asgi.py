"""The web application for granian: `tanggap serve` starts it."""

from __future__ import annotations

import os
import warnings

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tanggap.settings")
# Static files are small and read from one place: handing them out in a thread is what we want.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")
django.setup(set_prefix=False)

from tanggap.api import door  # noqa: E402 (reads models)
from tanggap.desk.live import ending, serve  # noqa: E402 (they read models)

ending.listen()
application = door.before(serve.application(serve.Pages()))
