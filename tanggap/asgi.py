"""The web application for granian: `tanggap serve` starts it."""

from __future__ import annotations

import os
import warnings

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tanggap.settings")
# Static files are small and read from one place: handing them out in a thread is what we want.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")
application = get_asgi_application()
