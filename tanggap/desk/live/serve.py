"""The web application's outermost layer: pages go to Django in a bounded pool of threads, streams
are written here by the event loop alone.

A stream begins as a request like any other, through Django and the desk's door. Only when that has
ended, its thread and its database connection are free again, does the stream begin.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.core.handlers.asgi import ASGIHandler

from tanggap.desk.live import grant, hub

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

THREADS = 16
"""Pages at once in one process, each thread with a database connection that it keeps. PostgreSQL is
told to take 80; a page that waits for a network holds a thread as long as that may last."""
ALIVE_S = 15.0
"""A line of comment after so long without an event: proxies and browsers see that it lives."""
PATH = "/peristiwa/"


class Pages(ASGIHandler):
    """Django's own handler, with threads that stay.

    Django gives every request a new thread, whose database connection can serve no other: each
    page would open one, and a crowd would open one a head.
    """

    def __init__(self) -> None:
        super().__init__()
        self.free: asyncio.LifoQueue[ThreadSensitiveContext] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.free is None:
            self.free = asyncio.LifoQueue()
            for _number in range(THREADS):
                self.free.put_nowait(ThreadSensitiveContext())
        context = await self.free.get()
        token = SyncToAsync.thread_sensitive_context.set(context)
        try:
            await self.handle(scope, receive, send)
        finally:
            SyncToAsync.thread_sensitive_context.reset(token)
            self.free.put_nowait(context)


def application(pages: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Put the streams before `pages`, an ASGI application."""

    async def serve(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "GET":
            await _stream(pages, scope, receive, send)
        else:
            await pages(scope, receive, send)

    return serve


async def _stream(
    pages: Callable[..., Awaitable[None]], scope: Any, receive: Receive, send: Send
) -> None:
    answered: list[Message] = []

    async def keep(message: Message) -> None:
        answered.append(message)

    with grant.taking() as granted:
        await pages(scope, receive, keep)
    if not granted or not answered or answered[0]["status"] != 200:
        for message in answered:
            await send(message)
        return
    start, *body = answered
    length = (b"content-length",)
    start["headers"] = [
        *((name, value) for name, value in start["headers"] if name.lower() not in length),
        (b"X-Accel-Buffering", b"no"),
    ]
    stream = hub.Stream(granted[0], asyncio.get_running_loop())
    hub.join(stream)
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await send(start)
        first = b"".join(one.get("body", b"") for one in body)
        await send({"type": "http.response.body", "body": first, "more_body": True})
        while not stream.ended:
            ready = asyncio.ensure_future(stream.ready.wait())
            await asyncio.wait((ready, gone), timeout=ALIVE_S, return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
            if gone.done():
                return
            await send(
                {"type": "http.response.body", "body": _lines(stream.take()), "more_body": True}
            )
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        hub.leave(stream)
        gone.cancel()


def _lines(told: list[tuple[hub.Event, int]]) -> bytes:
    """As server-sent events; a comment when there are none."""
    if not told:
        return b":\n\n"
    return "".join(
        f"event: {kind}\n"
        + (f"id: {version}\n" if version else "")
        + f"data: {json.dumps({'id': pk} if pk else {})}\n\n"
        for (kind, pk), version in told
    ).encode()


async def _disconnected(receive: Receive) -> None:
    with suppress(Exception):
        while (await receive())["type"] != "http.disconnect":
            pass
