"""Whose request it is behind a reverse proxy: limits on guessing count by the citizen's address.

`TANGGAP_PROXIES` says how many proxies of ours stand before Tanggap. Each of them adds the address
that it saw at the end of X-Forwarded-For, so that the address to trust stands that many places from
the end; whatever the client itself wrote stands before it.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase

Respond = Callable[[HttpRequest], HttpResponseBase]


def address(forwarded: str, proxies: int) -> str:
    """The client's address as our outermost proxy saw it; "" when the header is too short.

    >>> address("6.6.6.6, 10.1.2.3", 1)
    '10.1.2.3'
    """
    seen = [part.strip() for part in forwarded.split(",") if part.strip()]
    return seen[-proxies] if 0 < proxies <= len(seen) else ""


def real_address(get_response: Respond) -> Respond:
    """Middleware: REMOTE_ADDR is the client's, not the proxy's."""
    proxies = settings.PROXIES
    if not proxies:
        raise MiddlewareNotUsed

    def respond(request: HttpRequest) -> HttpResponseBase:
        found = address(request.META.get("HTTP_X_FORWARDED_FOR", ""), proxies)
        if found:
            request.META["REMOTE_ADDR"] = found
        return get_response(request)

    return respond
