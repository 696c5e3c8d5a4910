"""Refuse what no text of ours can hold: a NUL byte, which PostgreSQL has no place for.

Browsers never send one. It is answered with 400 for every address at once, so that no view has to
think of it.
"""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict

NUL = "\x00"


def readable(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware, after the CSRF check, which reads the form anyway."""

    def serve(request: HttpRequest) -> HttpResponse:
        if NUL in request.path or _holds(request.GET) or _holds(request.POST):
            raise BadRequest("A NUL byte is in the request.")
        return get_response(request)

    return serve


def _holds(given: QueryDict) -> bool:
    return any(NUL in value for values in given.lists() for value in values[1])
