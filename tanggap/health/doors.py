"""Two addresses for machines, answered before anything else looks at the request.

`/sehat` says only whether this process can work: 200 "ok" or 503 "not ok", to anybody, under any
host name, as load balancers ask. `/metrics` answers whoever holds TANGGAP_METRICS_TOKEN as a bearer
token; without one it does not exist. Neither opens a session, sets a cookie or reads a person.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse

from tanggap.core import clock
from tanggap.core.models import Agency
from tanggap.core.scope import Scope, enter
from tanggap.health import machine, metrics

ALIVE, FIGURES = "/sehat", "/metrics"
log = logging.getLogger(__name__)
# Migrations do not go away while a process runs, so that this is asked until it is true once.
_ready = False


def doors(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Middleware, first in the list."""

    def answer(request: HttpRequest) -> Any:
        path = request.path_info.rstrip("/")
        if path == ALIVE:
            return _plain(*((200, "ok\n") if alive() else (503, "not ok\n")))
        if path == FIGURES:
            return _figures(request)
        return get_response(request)

    return answer


def alive() -> bool:
    """Whether the database answers and has the tables of this version."""
    global _ready
    try:
        if not _ready:
            _ready = machine.waiting_migrations() == 0
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        log.error("The database does not answer: %s", type(error).__name__)
        return False
    return _ready


def _figures(request: HttpRequest) -> HttpResponse:
    token = settings.METRICS_TOKEN
    if not token:
        return _plain(404, "Not found.\n")
    kind, _space, given = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        answer = _plain(401, "A bearer token is needed.\n")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    everything = Scope(readable=frozenset(Agency.objects.values_list("pk", flat=True)))
    with enter(everything):
        said = metrics.text(None, clock.now())
    return _plain(200, said, metrics.CONTENT_TYPE)


def _plain(status: int, said: str, content_type: str = "text/plain; charset=utf-8") -> HttpResponse:
    answer = HttpResponse(said, content_type=content_type, status=status)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
