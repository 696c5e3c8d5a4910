"""The door for networks: POST /pintu/<channel>/<token> leaves a body, GET answers a network's
question whether a subscription is ours. Verify, store, answer; inbox/door.py says how.

Two ways in lead to the same function. A server that knows ASGI comes straight here (`before`),
past sessions, languages and cookies, of which a machine has none, and reads no more than a body may
hold; any other server comes through the view.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tanggap.core import clock
from tanggap.execution.inbox import door

log = logging.getLogger(__name__)
PREFIX = "/pintu/"
THREADS = 2
"""Batches that are stored at once: one is made ready while another is committed. Each thread keeps
its connection."""
TOGETHER = 32
"""Bodies of one batch, or fewer where they are large."""
LARGE = 1 << 20
"""Bytes after which a batch takes no more."""
MOST_WAITING = 512
"""Bodies in memory; who comes after them is told to come again."""
MOST_QUERY = 8192
Application = Callable[[Any, Any, Any], Awaitable[None]]
LATER = door.Answer(503)
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
        if large:
            answer = door.Answer(413)
        else:
            brought = door.Knock(channel, token, headers, body)
            (answer,) = door.knock([brought], now=clock.now())
    elif request.method == "GET":
        answer = door.asked(channel, token, request.GET.dict(), now=clock.now())
    else:
        answer = door.Answer(405)
    return HttpResponse(answer.text, content_type="text/plain; charset=utf-8", status=answer.status)


def before(application: Application) -> Application:
    """The whole application, with the door in front of it."""

    row = Row()

    async def both(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await _straight(row, scope, receive, send)
        else:
            await application(scope, receive, send)

    return both


async def _straight(row: Row, scope: Any, receive: Any, send: Any) -> None:
    channel, _slash, token = scope["path"][len(PREFIX) :].strip("/").partition("/")
    method = scope["method"]
    body, whole = (await _read(receive)) if method == "POST" else (b"", True)
    if not token or "/" in token:
        answer = door.NOBODY
    elif not whole:
        answer = door.Answer(413)
    elif method == "POST":
        answer = await row.answer(door.Knock(channel, token, _named(scope), body))
    elif method == "GET":
        query = parse_qsl(scope["query_string"][:MOST_QUERY].decode("latin-1"))
        answer = await _in_thread(_asked, (channel, token, dict(query)))
    else:
        answer = door.Answer(405)
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


class Row:
    """Who waits at the door of one event loop. What comes while the database is at work waits, and
    goes in together with whatever else came meanwhile: a flood costs few commits, and one body
    alone waits for nobody."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[door.Knock, asyncio.Future[door.Answer]]] = deque()
        self.working: set[asyncio.Task[None]] = set()

    async def answer(self, knock: door.Knock) -> door.Answer:
        if len(self.waiting) >= MOST_WAITING:
            return LATER
        future: asyncio.Future[door.Answer] = asyncio.get_running_loop().create_future()
        self.waiting.append((knock, future))
        if len(self.working) < THREADS:
            task = asyncio.create_task(self._work())
            self.working.add(task)
            task.add_done_callback(self.working.discard)
        return await future

    async def _work(self) -> None:
        while self.waiting:
            some = [self.waiting.popleft()]
            size = len(some[0][0].body)
            while self.waiting and len(some) < TOGETHER and size < LARGE:
                some.append(self.waiting.popleft())
                size += len(some[-1][0].body)
            knocks = [knock for knock, _future in some]
            answers = await _in_thread(_knocked, knocks)
            for (_knock, future), answer in zip(some, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


T = TypeVar("T")


async def _in_thread(work: Callable[[Any], T], given: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(_threads, work, given)


def _knocked(knocks: list[door.Knock]) -> list[door.Answer]:
    """In a thread of the door's own. Where they cannot go in together, each goes by itself."""
    found = _patiently(lambda: door.knock(knocks, now=clock.now()))
    if found is not None:
        return found
    if len(knocks) == 1:
        return [LATER]
    return [_knocked([one])[0] for one in knocks]


def _asked(given: tuple[str, str, dict[str, str]]) -> door.Answer:
    """A network's question, likewise."""
    return _patiently(lambda: door.asked(*given, now=clock.now())) or LATER


def _patiently(work: Callable[[], T]) -> T | None:
    """The thread keeps its connection. One that broke meanwhile is made anew, and the question
    asked again: nothing here counts twice. None where that fails as well."""
    try:
        return work()
    except (OperationalError, InterfaceError):
        connection.close()
    except Exception:
        log.exception("The door could not answer.")
        connection.close()
        return None
    try:
        return work()
    except Exception:
        # Not stored: the network keeps it and comes again.
        log.exception("The door could not answer.")
        connection.close()
        return None


def _named(scope: Any) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


urlpatterns = [path("pintu/<slug:channel>/<slug:token>", view, name="door")]
