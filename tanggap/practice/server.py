"""The practice network's own process: a Mastodon-API server, and a wire that can be cut.

Run as `python -m tanggap.practice.server CONFIG.json`; prints one JSON line when it is ready and
ends when its standard input closes, so that it never outlives whoever started it.

Two ports on loopback. The **outside** port is the wire by which the agency reaches the network:
`POST /api/v1/_mock/line {"state": "open" | "cut" | "losing", "count": n}` leaves it open, refuses
every connection, or lets the next n posts through and loses the answers (the post is made, the
sender does not learn it). The **inside** port is never cut: citizens write there.

`POST /api/v1/_mock/clock {"seconds": n}` moves the network's clock ahead of the wall clock, so
that what is written after "fourteen working days pass" carries a time after them.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sys
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import uvicorn
from fastapi import FastAPI, HTTPException, Request
from mastodon_mock.app import create_app
from mastodon_mock.config import MastodonMockConfig
from mastodon_mock.db import models as mock_models

from tanggap.practice import batched

HOST = "127.0.0.1"
POST_REQUEST = b"POST /api/v1/statuses "
CHUNK = 65536


class ShiftedTime(datetime):
    """Stands in for `datetime` where the server asks what time it is."""

    ahead = timedelta(0)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + ShiftedTime.ahead


class Line:
    """The wire from the agency to the network."""

    def __init__(self, port: int, inside: int) -> None:
        self.port, self.inside = port, inside
        self.state, self.losing = "cut", 0
        self._listener: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def set(self, state: str, count: int = 1) -> None:
        if state == "cut":
            await self._cut()
        else:
            if self._listener is None:
                self._listener = await asyncio.start_server(
                    self._carry, HOST, self.port, reuse_address=True
                )
            self.losing = count if state == "losing" else 0
        self.state = state

    async def _cut(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for writer in list(self._open):
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lose = asyncio.Event()
        self._open.add(writer)
        try:
            there, back = await asyncio.open_connection(HOST, self.inside)
            self._open.add(back)
            ways = [
                asyncio.create_task(self._forward(reader, back, lose)),
                asyncio.create_task(self._answer(there, writer, lose)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            back.transport.abort()
            self._open.discard(back)
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort() if lose.is_set() else writer.close()

    async def _forward(
        self, reader: asyncio.StreamReader, back: asyncio.StreamWriter, lose: asyncio.Event
    ) -> None:
        while data := await _read(reader):
            if self.losing and data.startswith(POST_REQUEST):
                self.losing -= 1
                lose.set()
            back.write(data)
            await back.drain()

    async def _answer(
        self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, lose: asyncio.Event
    ) -> None:
        while data := await _read(there):
            if lose.is_set():
                return
            writer.write(data)
            await writer.drain()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(CHUNK)
    except OSError:
        return b""


def add_controls(app: FastAPI, line: Line) -> None:
    """The practice network's own switches, beside the server's `/api/v1/_mock/faults`."""

    @app.post("/api/v1/_mock/line")
    async def set_line(request: Request) -> dict[str, object]:
        body = await request.json()
        if body.get("state") not in {"open", "cut", "losing"}:
            raise HTTPException(422, "state is open, cut or losing")
        await line.set(body["state"], int(body.get("count", 1)))
        return {"state": line.state, "losing": line.losing}

    @app.post("/api/v1/_mock/clock")
    async def set_clock(request: Request) -> dict[str, str]:
        body = await request.json()
        ShiftedTime.ahead = timedelta(seconds=float(body.get("seconds", 0)))
        return {"now": mock_models.utcnow().isoformat()}


async def serve(config_path: Path) -> None:
    """Serve until standard input closes. The config names `port` (0: any free one)."""
    settings = json.loads(config_path.read_text(encoding="utf-8"))
    # Held bound and silent: a cut wire refuses connections and nobody else takes its port.
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((HOST, settings.pop("port", 0)))
    port = held.getsockname()[1]
    keep = settings.pop("keep", False)
    inside = socket.socket()
    inside.bind((HOST, 0))

    config = MastodonMockConfig.model_validate(
        {**settings, "domain": f"{HOST}:{port}", "url_scheme": "http"}
    )
    setattr(mock_models, "datetime", ShiftedTime)  # noqa: B010
    app = create_app(config)
    batched.install()
    line = Line(port, inside.getsockname()[1])
    add_controls(app, line)

    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False))
    serving = asyncio.create_task(server.serve(sockets=[inside]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    await line.set("open")
    print(
        json.dumps({"url": f"http://{HOST}:{port}", "inside": f"http://{HOST}:{line.inside}"}),
        flush=True,
    )
    gone = asyncio.create_task(asyncio.to_thread(sys.stdin.buffer.read))
    await asyncio.wait([serving, gone], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await line.set("cut")
    await serving
    held.close()
    # The folder was made for this run; nobody else will clear it when the starter has died.
    if not keep:
        shutil.rmtree(config_path.parent, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
