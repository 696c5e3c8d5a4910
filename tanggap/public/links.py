"""A short link on the agency's own domain: count the day, go on. Nothing about the person is kept.

No cookie, no address, no referrer; only "so many on this day" (messaging.ShortLinkDay).
"""

from __future__ import annotations

import json
from pathlib import Path

from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path

from tanggap.core import clock
from tanggap.core.models import Agency
from tanggap.core.scope import Scope, enter
from tanggap.messaging.links import click
from tanggap.messaging.models import ShortLink

# Programs that fetch a link to draw a preview are no readers.
PROGRAMS = tuple(
    json.loads((Path(__file__).parent / "data" / "previewers.json").read_text())["words"]
)


def follow(request: HttpRequest, code: str) -> HttpResponse:
    """Send the reader on; 404 in words when there is no such link."""
    scope = _scope(code)
    if scope is not None and scope.agency is not None:
        with enter(scope):
            link = ShortLink.objects.filter(code=code).first()
            if link is not None:
                if request.method == "GET" and not program(request):
                    click(link, clock.now())
                answer = HttpResponseRedirect(link.target)
                answer["Cache-Control"] = "no-store"
                answer["Referrer-Policy"] = "no-referrer"
                return answer
    return render(request, "404.html", status=404)


def _scope(code: str) -> Scope | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT monitoring_link_agency(%s)", [code])
        found = cursor.fetchone()[0]
    if found is None:
        return None
    ids = frozenset({found})
    return Scope(agency=Agency.objects.get(pk=found), readable=ids, writable=ids)


def program(request: HttpRequest) -> bool:
    """Whether no person reads this, by the name that the program gives itself."""
    name = request.headers.get("User-Agent", "").lower()
    return not name or any(word in name for word in PROGRAMS)


urlpatterns = [path("k/<slug:code>", follow, name="link")]
