"""Live screens: one stream of server-sent events for each page that somebody looks at.

    event: conversation          event: presence            event: all
    data: {"id": 12}             data: {"id": 12}           data: {}

An event names what changed and nothing of it; the page asks for the part that it shows, through the
same door as always. `all` says that too much happened to name it. Why it is built so:
docs/why/0040-live-screens.md.

grant.py what one stream may hear · hub.py reads the database once for all streams of the process ·
serve.py writes the streams, outside Django's threads · this file is the door.
"""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.urls import path
from django.views.decorators.http import require_GET

from tanggap.core.scope import Scope
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.live import grant
from tanggap.execution.inbox import presence, queries

AGAIN_MS = 2000
"""When a browser comes back after its stream ended."""
SELDOM_MS = 15_000
"""The same where nothing streams (a server that is not ours): a slow heartbeat."""


@require_GET
@desk("today")
def events(request: DeskRequest) -> HttpResponse:
    """Opens the stream; with `?percakapan=12` its reader has that conversation before them."""
    scope, asked = request.scope, request.GET.get("percakapan", "")
    looking = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 12 else 0
    if asked and not looking:
        raise Http404
    if looking:
        looking = _look(scope, looking, request)
    streams = grant.offer(
        grant.Grant(
            person=request.user.pk,
            membership=scope.membership.pk if scope.membership else 0,
            session=request.session.session_key or "",
            agencies=scope.readable,
            hears=scope.may("inbox.read"),
            hears_sealed=scope.may("integrity"),
            conversation=looking,
        )
    )
    return HttpResponse(
        f"retry: {AGAIN_MS if streams else SELDOM_MS}\n\n", content_type="text/event-stream"
    )


def _look(scope: Scope, pk: int, request: DeskRequest) -> int:
    """Who looks is told to those who look at the same; a sealed report tells nobody."""
    found = queries.conversation(scope, pk) if scope.may("inbox.read") else None
    if found is not None:
        presence.beat(found, request.user, now=request.now)
        return found.pk
    if queries.conversation(scope, pk, sealed_ones=True) is None:
        raise Http404
    return 0


urlpatterns = [path("", events, name="live")]
