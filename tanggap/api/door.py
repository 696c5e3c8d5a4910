"""The door for networks: POST /pintu/<channel>/<token> leaves a body, GET answers a network's
question whether a subscription is ours. Verify, store, answer; inbox/door.py says how.

Two ways in lead to the same function. A server that knows ASGI comes straight here (`before`),
past sessions, languages and cookies, of which a machine has none, and reads no more than a body may
hold; any other server comes through the view.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tanggap.core import clock
from tanggap.execution.inbox import door

log = logging.getLogger(__name__)
PREFIX = "/pintu/"
THREADS = 4
"""Bodies that are stored at once; each thread keeps a connection."""
MOST_QUERY = 8192
Application = Callable[[Any, Any, Any], Awaitable[None]]
_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="door")


@csrf_exempt
def view(request: HttpRequest, channel: str, token: str) -> HttpResponse:
    """The door by way of Django."""
    if request.method == "POST":
        size = request.headers.get("content-length", "0")
        plain = size.isascii() and size.isdigit() and len(size) < 12
        large = not plain or int(size) > door.MOST
        body = b"" if large else request.read(door.MOST + 1)
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = door.Answer(413) if large else _took(channel, token, headers, body)
    elif request.method == "GET":
        answer = door.asked(channel, token, request.GET.dict(), now=clock.now())
    else:
        answer = door.Answer(405)
    return HttpResponse(answer.text, content_type="text/plain; charset=utf-8", status=answer.status)


def before(application: Application) -> Application:
    """The whole application, with the door in front of it."""

    async def both(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await _straight(scope, receive, send)
        else:
            await application(scope, receive, send)

    return both


async def _straight(scope: Any, receive: Any, send: Any) -> None:
    channel, _slash, token = scope["path"][len(PREFIX) :].strip("/").partition("/")
    body, whole = (await _read(receive)) if scope["method"] == "POST" else (b"", True)
    if not token or "/" in token:
        answer = door.NOBODY
    elif not whole:
        answer = door.Answer(413)
    else:
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(_threads, _answer, scope, channel, token, body)
    text = answer.text.encode()
    head = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": head})
    await send({"type": "http.response.body", "body": text})


async def _read(receive: Any) -> tuple[bytes, bool]:
    """The body, and whether it was read to its end: no more than a body may hold is kept."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"", False
        part = message.get("body", b"")
        size += len(part)
        if size > door.MOST:
            return b"", False
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts), True


def _answer(scope: Any, channel: str, token: str, body: bytes) -> door.Answer:
    """In a thread of the door's own, which keeps its connection. One that broke meanwhile is made
    anew, and the question asked again: nothing here counts twice."""
    try:
        return _told(scope, channel, token, body)
    except (OperationalError, InterfaceError):
        connection.close()
    try:
        return _told(scope, channel, token, body)
    except Exception:
        # Not stored: the network keeps it and comes again.
        log.exception("The door could not answer.")
        connection.close()
        return door.Answer(503)


def _told(scope: Any, channel: str, token: str, body: bytes) -> door.Answer:
    if scope["method"] == "POST":
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        return _took(channel, token, headers, body)
    if scope["method"] == "GET":
        asked = parse_qsl(scope["query_string"][:MOST_QUERY].decode("latin-1"))
        return door.asked(channel, token, dict(asked), now=clock.now())
    return door.Answer(405)


def _took(channel: str, token: str, headers: Mapping[str, str], body: bytes) -> door.Answer:
    return door.knock(channel, token, headers, body, now=clock.now())


urlpatterns = [path("pintu/<slug:channel>/<slug:token>", view, name="door")]
