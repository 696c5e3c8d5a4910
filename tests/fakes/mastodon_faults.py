"""Many accounts on one server of the Mastodon API, in a process of its own, that misbehaves by
script. For benches: one event loop, as lean as it can be. Its log is the oracle.

    server = FaultServer(accounts=50, script=script, log=Path("server.jsonl"), speed=30)
    server.start()      # forks; `server.url`
    server.stop()       # kills the process; the log is whole

`script(text, nth)` names what happens to the nth POST (from 0) of a text:

- "ok", "slow";
- "commit_…": it is published, and the answer is lost: "timeout" (silence), "reset", "500",
  "garbage" (an unreadable 200), "cut" (a body that ends early), "html" (a proxy's page);
- "lag_reset", "lag_500", "lag_timeout": the same, and it is listed only later;
- "late": silence, and it is published after the client has hung up;
- "drop_reset", "drop_500", "drop_timeout", "drop_html": nothing is published, nothing is told;
- "429_reset", "429_after", "429_plain": too many requests, with and without a time.

Account n has the token "token-n" and the id n. Odd accounts ignore Idempotency-Key. Accounts in
`blind` cannot be read back: their lists are refused for ever. All times are seconds of the
injected clock, which runs `speed` times as fast as the machine's.
"""

from __future__ import annotations

import asyncio
import html
import json
import os
import random
import re
import signal
import socket
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Script = Callable[[str, int], str]
HANG = 45.0
"""Seconds of silence: longer than any sender waits."""
WINDOW = 300.0
PAGE = 40


class Clock:
    """Wall time that begins at `at` and runs `speed` times as fast as the machine's own clock."""

    def __init__(self, at: datetime, speed: float = 1.0) -> None:
        self.at, self.speed, self.begun = at, speed, time.monotonic()

    def monotonic(self) -> float:
        return (time.monotonic() - self.begun) * self.speed

    def now(self) -> datetime:
        return self.at + timedelta(seconds=self.monotonic())


def well(text: str, nth: int) -> str:
    """A script in which nothing goes wrong."""
    return "ok"


class FaultServer:
    """See above. `limit`: posts an account may make in five minutes, told in every answer."""

    def __init__(
        self,
        *,
        accounts: int,
        clock: Clock,
        log: Path,
        script: Script = well,
        latency: float = 0.0,
        limit: int = 0,
        blind: frozenset[int] = frozenset(),
        flaky: float = 0.0,
        seed: int = 1,
    ) -> None:
        self.accounts, self.clock, self.log, self.script = accounts, clock, log, script
        self.latency, self.limit, self.blind, self.flaky = latency, limit, blind, flaky
        self.dice = random.Random(seed)
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(512)
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.pid = 0
        self._posts: list[dict[str, Any]] = []
        self._by_key: dict[tuple[int, str], dict[str, Any]] = {}
        self._seen: dict[str, int] = {}
        self._media: dict[str, dict[str, Any]] = {}
        self._used: dict[int, tuple[float, int]] = {}
        self._next = 1000

    def start(self) -> None:
        self.pid = os.fork()
        if self.pid:
            return
        # The parent's way to end us is SIGKILL; Ctrl-C is for the parent alone.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._file = self.log.open("a", buffering=1)
        try:
            asyncio.run(self._serve())
        finally:
            os._exit(1)

    def stop(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0

    def events(self) -> list[dict[str, Any]]:
        """Everything that happened, oldest first."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    # --- inside -----------------------------------------------------------------------------------

    async def _serve(self) -> None:
        self.socket.setblocking(False)
        server = await asyncio.start_server(self._connection, sock=self.socket)
        parent = os.getppid()
        async with server:
            # Whoever made us may be killed himself.
            while os.getppid() == parent:
                await asyncio.sleep(1)

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.clock.speed)

    def _say(self, **fact: Any) -> None:
        self._file.write(json.dumps({"at": round(self.clock.monotonic(), 2), **fact}) + "\n")

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *rest = head.split("\r\n")
            method, target, _version = line.split(" ")
            headers = {
                name.lower(): value.strip()
                for name, _colon, value in (one.partition(":") for one in rest if one)
            }
            body = await reader.readexactly(int(headers.get("content-length") or 0))
            if headers.get("transfer-encoding") == "chunked":
                body = await self._chunks(reader)
            await self._route(method, target, headers, body, writer)
        except (asyncio.IncompleteReadError, ConnectionError, OSError):
            pass
        finally:
            writer.close()

    async def _chunks(self, reader: asyncio.StreamReader) -> bytes:
        out = b""
        while size := int((await reader.readline()).strip() or b"0", 16):
            out += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return out

    def _give(
        self,
        writer: asyncio.StreamWriter,
        found: Any,
        status: int = 200,
        headers: dict[str, str] | None = None,
        cut: int = 0,
    ) -> None:
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json", "Connection: close"]
        lines += [
            f"Content-Length: {len(body)}",
            f"Date: {format_datetime(self.clock.now(), True)}",
        ]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + (body[:-cut] if cut else body))

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def _route(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes,
        writer: asyncio.StreamWriter,
    ) -> None:
        parts = urlsplit(target)
        path, query = parts.path, {k: v[-1] for k, v in parse_qs(parts.query).items()}
        if path == "/api/v2/instance":
            return self._give(writer, self._instance())
        account = int(headers.get("authorization", "Bearer token--1").rpartition("-")[2])
        if path == "/api/v1/accounts/verify_credentials":
            return self._give(writer, self._account(account))
        if path == "/api/v1/statuses" and method == "POST":
            return await self._post(
                account, json.loads(body), headers.get("idempotency-key", ""), writer
            )
        if path == "/api/v2/media" and method == "POST":
            return await self._upload(body, writer)
        if found := re.fullmatch(r"/api/v1/media/(\w+)", path):
            return self._look(found[1], writer)
        if found := re.fullmatch(r"/api/v1/accounts/(\w+)/statuses", path):
            return await self._list(account, query, writer)
        if found := re.fullmatch(r"/api/v1/statuses/(\w+)/context", path):
            return await self._context(account, found[1], writer)
        if (found := re.fullmatch(r"/api/v1/statuses/(\w+)", path)) and method == "DELETE":
            self._posts = [one for one in self._posts if one["id"] != found[1]]
            self._say(kind="removed", id=found[1])
            return self._give(writer, {})
        self._give(writer, {"error": "Record not found"}, 404)

    def _instance(self) -> dict[str, Any]:
        return {
            "version": "4.5.2",
            "configuration": {
                "statuses": {"max_characters": 500, "max_media_attachments": 4},
                "media_attachments": {"supported_mime_types": ["image/png"]},
            },
        }

    def _account(self, number: int) -> dict[str, Any]:
        return {"id": str(number), "acct": f"akun{number}", "url": f"{self.url}/@akun{number}"}

    # --- publishing -------------------------------------------------------------------------------

    async def _post(
        self, account: int, given: dict[str, Any], key: str, writer: asyncio.StreamWriter
    ) -> None:
        text = given["status"]
        nth = self._seen.get(text, 0)
        self._seen[text] = nth + 1
        fault = self.script(text, nth)
        fact = {"kind": "post", "account": account, "text": text, "nth": nth, "fault": fault}
        if self.latency:
            await self._sleep(self.latency)
        if fault.startswith("429"):
            self._say(**fact, id=None)
            return self._give(writer, {"error": "Too many requests"}, 429, self._when(fault))
        if fault.startswith("drop"):
            self._say(**fact, id=None)
            return await self._lose(fault, None, writer)
        if fault == "late":
            # Nobody listens any more when it is done.
            await self._sleep(HANG * self.dice.uniform(0.8, 2))
        status = self._by_key.get((account, key)) if account % 2 == 0 else None
        if status is None:
            status = self._commit(account, given, fault)
            self._by_key[account, key] = status
            self._say(**fact, id=status["id"])
        else:
            self._say(**fact, id=status["id"], again=True)
        if fault == "slow":
            await self._sleep(self.dice.uniform(3, 20))
        if fault in ("ok", "slow"):
            return self._give(writer, self._shown(status), 200, self._limits(account))
        await self._lose(fault, status, writer)

    def _commit(self, account: int, given: dict[str, Any], fault: str) -> dict[str, Any]:
        self._next += 1
        media = [self._media[one] for one in given.get("media_ids") or []]
        status = {
            "id": str(self._next),
            "created_at": _iso(self.clock.now()),
            "account": self._account(account),
            "content": f"<p>{html.escape(given['status'], quote=False)}</p>",
            "visibility": given["visibility"],
            "in_reply_to_id": given.get("in_reply_to_id"),
            "media_attachments": [
                {"id": one["id"], "type": "image", "description": one["alt"]} for one in media
            ],
            "url": f"{self.url}/@akun{account}/{self._next}",
            # Silence lasts 30 s; looks follow 15, 60 and 180 s later.
            "listed_from": self.clock.monotonic()
            + (self.dice.uniform(40, 140) if fault.startswith("lag") else 0),
        }
        self._posts.append(status)
        return status

    async def _lose(
        self, fault: str, status: dict[str, Any] | None, writer: asyncio.StreamWriter
    ) -> None:
        how = fault.partition("_")[2]
        if how == "reset":
            self._reset(writer)
        elif how == "500":
            self._give(writer, {"error": "An unexpected error occurred"}, 500)
        elif how == "garbage":
            self._give(writer, b'{"id": "12')
        elif how == "cut":
            self._give(writer, self._shown(status or {}), cut=20)
        elif how == "html":
            self._give(writer, b"<html>Bad gateway</html>", 502)
        else:
            await self._sleep(HANG)

    def _when(self, fault: str) -> dict[str, str]:
        if fault == "429_reset":
            return {"X-RateLimit-Reset": _iso(self.clock.now() + timedelta(seconds=45))}
        return {"Retry-After": "30"} if fault == "429_after" else {}

    def _limits(self, account: int) -> dict[str, str]:
        if not self.limit:
            return {}
        begun, used = self._used.get(account, (self.clock.monotonic(), 0))
        if self.clock.monotonic() - begun > WINDOW:
            begun, used = self.clock.monotonic(), 0
        self._used[account] = (begun, used + 1)
        left = timedelta(seconds=begun + WINDOW - self.clock.monotonic())
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - used - 1)),
            "X-RateLimit-Reset": _iso(self.clock.now() + left),
        }

    def _shown(self, status: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in status.items() if name != "listed_from"}

    # --- reading back -----------------------------------------------------------------------------

    async def _refuses(self, account: int, what: str, writer: asyncio.StreamWriter) -> bool:
        refused = account in self.blind or self.dice.random() < self.flaky
        self._say(kind="read", what=what, account=account, refused=refused)
        if refused:
            how = self.dice.choice(["500", "reset", "garbage", "html"])
            await self._lose(f"read_{how}", None, writer)
        return refused

    async def _list(
        self, account: int, query: dict[str, str], writer: asyncio.StreamWriter
    ) -> None:
        if await self._refuses(account, "list", writer):
            return
        below = int(query.get("max_id") or 10**12)
        mine, at = str(account), self.clock.monotonic()
        rows = [
            self._shown(one)
            for one in reversed(self._posts)
            if one["account"]["id"] == mine and int(one["id"]) < below and one["listed_from"] <= at
        ]
        self._give(writer, rows[:PAGE])

    async def _context(self, account: int, below: str, writer: asyncio.StreamWriter) -> None:
        if await self._refuses(account, "context", writer):
            return
        at = self.clock.monotonic()
        rows = [
            self._shown(one)
            for one in self._posts
            if one["in_reply_to_id"] == below and one["listed_from"] <= at
        ]
        self._give(writer, {"ancestors": [], "descendants": rows})

    # --- media ------------------------------------------------------------------------------------

    async def _upload(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        if self.dice.random() < self.flaky:
            return await self._lose(self.dice.choice(["x_500", "x_reset"]), None, writer)
        said = re.search(rb'name="description"\r\n\r\n(.*?)\r\n--', body, re.S)
        self._next += 1
        made = str(self._next)
        alt = said[1].decode() if said else ""
        # Processed late, as films are: the third question is answered yes.
        self._media[made] = {"id": made, "alt": alt, "left": 2}
        self._give(writer, {"id": made, "type": "image", "url": None}, 202)

    def _look(self, made: str, writer: asyncio.StreamWriter) -> None:
        found = self._media[made]
        found["left"] -= 1
        url = None if found["left"] > 0 else f"{self.url}/media/{made}.png"
        self._give(
            writer, {"id": made, "type": "image", "url": url}, 206 if found["left"] > 0 else 200
        )


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
