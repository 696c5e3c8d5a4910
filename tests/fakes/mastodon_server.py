"""A scriptable server of the Mastodon API at the network's edge, for what the practice mock
cannot do.

It runs in a thread on loopback and lies in the ways that real servers do. Its own log is the
oracle: `requests` holds every request as (method, path), `posts` what it really published.

    with MastodonServer(Knobs(max_characters=5000, idempotent=False)) as server:
        server.url, server.token, server.posts, server.count("POST", "/api/v1/statuses")

Knobs may be changed while it runs (`server.knobs.next_post = "reset"`). Values of `next_post`,
each used once:

- "accept_timeout", "accept_reset", "accept_500", "accept_garbage": publishes, then falls silent,
  resets, answers 500, or answers an unreadable 200;
- "reset", "timeout": nothing published;
- a number: that status in the network's shape; "html_502": that status with a page of a proxy.
"""

from __future__ import annotations

import html
import json
import re
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

URL = re.compile(r"https?://[^\s<>\"]+")
MENTION = re.compile(r"(?<![\w/@])@(\w+)(?:@([\w.-]+))?")


@dataclass
class Knobs:
    """How this server differs from others."""

    version: str = "4.5.2"
    max_characters: int = 500
    reserved: int = 23
    max_media: int = 4
    description_limit: int = 1500
    image_size: int = 10_000_000
    v1_only: bool = False
    media_v1_only: bool = False
    idempotent: bool = True
    unprocessed_polls: int = 0
    forgets_media: bool = False
    bad_token_status: int = 401
    bad_token_error: str = "The access token is invalid"
    next_post: str | int | None = None
    next_headers: dict[str, str] = field(default_factory=dict)
    hang: float = 1.5
    slow: float = 0.0
    lag: int = 0
    """A new post is left out of the next `lag` lists and threads."""
    rewrite: str = "short"
    """How links are shown: "short" (as Mastodon), "plain", "redirector", "unlinked"."""
    private_listed: bool = True
    min_id: bool = True
    conversations: bool = True
    page: int = 40
    rate_headers: str = "iso"
    """"iso", "epoch" or "none"."""
    clock: timedelta = timedelta(0)
    metrics: tuple[str, ...] = ("replies", "reblogs", "favourites")


@dataclass
class Account:
    """Somebody on this server."""

    id: str
    acct: str
    name: str
    token: str = ""


class MastodonServer:
    """One server with two accounts: `me`, who holds `token`, and as many citizens as are named."""

    token = "token-dinas"
    client_id, client_secret, code = "klien", "rahasia-klien", "kode-sekali"

    def __init__(self, knobs: Knobs | None = None) -> None:
        self.knobs = knobs or Knobs()
        self.lock = threading.RLock()
        self.requests: list[tuple[str, str]] = []
        self.keys: list[str] = []
        self.posts: list[dict[str, Any]] = []
        self.statuses: dict[str, dict[str, Any]] = {}
        self.notifications: list[dict[str, Any]] = []
        self.media: dict[str, dict[str, Any]] = {}
        self.by_key: dict[str, str] = {}
        self.accounts: dict[str, Account] = {}
        self.hidden: dict[str, int] = {}
        self.verifier = ""
        self._ids = 1000
        self.me = self.account("diskominfo", "Diskominfo")
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> MastodonServer:
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.http.shutdown()
        self.http.server_close()

    # --- the oracle and the citizens --------------------------------------------------------------

    def count(self, method: str, path: str) -> int:
        """How many requests of this method came to this path."""
        return self.requests.count((method, path))

    def mutations(self) -> list[tuple[str, str]]:
        """Every request that may change something."""
        return [one for one in self.requests if one[0] not in ("GET", "HEAD")]

    def account(self, acct: str, name: str = "") -> Account:
        """The account of this handle; made when there is none."""
        for known in self.accounts.values():
            if known.acct == acct:
                return known
        made = Account(self._id(), acct, name or acct)
        self.accounts[made.id] = made
        return made

    def says(
        self,
        who: str,
        text: str,
        *,
        reply_to: str = "",
        visibility: str = "public",
        notify: bool | None = None,
        content: str = "",
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """A citizen writes. They are notified of to us when they call us (or `notify`)."""
        with self.lock:
            status = self._status(
                self.account(who), text, visibility, reply_to or None, [], at=at, content=content
            )
            called = "@diskominfo" in text if notify is None else notify
            if called:
                self.notify("mention", who, status)
            return status

    def notify(self, kind: str, who: str, status: dict[str, Any] | None = None) -> None:
        """Tell our account of something."""
        self.notifications.append(
            {
                "id": self._id(),
                "type": kind,
                "created_at": _iso(self._now()),
                "group_key": "x",
                "account": _account(self.account(who), self.url),
                "status_id": status["id"] if status else None,
            }
        )

    def edit(self, status_id: str, text: str) -> None:
        """Its author changes a post."""
        with self.lock:
            status = self.statuses[status_id]
            status["text"], status["content"] = text, self._html(text)
            status["edited_at"] = _iso(self._now())

    # --- inside -----------------------------------------------------------------------------------

    def _id(self) -> str:
        with self.lock:
            self._ids += 1
            return str(self._ids)

    def _now(self) -> datetime:
        return datetime.now(UTC) + self.knobs.clock

    def _status(
        self,
        author: Account,
        text: str,
        visibility: str,
        reply_to: str | None,
        media: list[dict[str, Any]],
        *,
        at: datetime | None = None,
        content: str = "",
    ) -> dict[str, Any]:
        made = self._id()
        status = {
            "id": made,
            "uri": f"{self.url}/users/{author.acct}/statuses/{made}",
            "url": f"{self.url}/@{author.acct}/{made}",
            "created_at": _iso(at or self._now()),
            "edited_at": None,
            "account": _account(author, self.url),
            "content": content or self._html(text),
            "text": text,
            "visibility": visibility,
            "sensitive": False,
            "spoiler_text": "",
            "language": "id",
            "in_reply_to_id": reply_to,
            "media_attachments": media,
            "emojis": [],
            "tags": [],
            "mentions": [],
        }
        self.statuses[made] = status
        return status

    def _html(self, text: str) -> str:
        def link(found: re.Match[str]) -> str:
            url, way = found[0], self.knobs.rewrite
            bare = re.sub(r"^https?://", "", url)
            if way == "unlinked":
                return url
            if way == "plain":
                return f'<a href="{url}">{url}</a>'
            if way == "redirector":
                return f'<a href="https://keluar.example/?u={len(url)}">{bare[:20]}…</a>'
            scheme, whole = url[: len(url) - len(bare)], html.unescape(bare)
            return (
                f'<a href="{url}" rel="nofollow noopener">'
                f'<span class="invisible">{scheme}</span>'
                f'<span class="ellipsis">{html.escape(whole[:30])}</span>'
                f'<span class="invisible">{html.escape(whole[30:])}</span></a>'
            )

        def called(found: re.Match[str]) -> str:
            return (
                f'<span class="h-card"><a href="{self.url}/@{found[1]}" class="u-url mention">'
                f"@<span>{found[1]}</span></a></span>"
            )

        out = URL.sub(link, html.escape(text, quote=False))
        out = re.sub(r"(<a.*?</a>)|" + MENTION.pattern, lambda m: m[1] or called(_shift(m)), out)
        out = re.sub(
            r"(<.*?>)|(?<![\w&/])#(\w+)",
            lambda m: m[1] or f'<a href="{self.url}/tags/{m[2]}">#<span>{m[2]}</span></a>',
            out,
        )
        parts = re.split(r"\n\s*\n", out)
        return "".join("<p>" + part.replace("\n", "<br />") + "</p>" for part in parts)

    def shown(self, status: dict[str, Any]) -> dict[str, Any]:
        """A post as the API shows it."""
        given = {key: value for key, value in status.items() if key != "text"}
        replies = sum(one["in_reply_to_id"] == status["id"] for one in self.statuses.values())
        numbers = {"replies": replies, "reblogs": 2, "favourites": 3, "quotes": 1}
        return given | {f"{name}_count": numbers[name] for name in self.knobs.metrics}

    def listed(self, statuses: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What is visible yet; every look brings the late ones nearer."""
        out = []
        for status in statuses:
            left = self.hidden.get(status["id"], 0)
            if left > 0:
                self.hidden[status["id"]] = left - 1
            else:
                out.append(self.shown(status))
        return out

    def descendants(self, status_id: str) -> list[dict[str, Any]]:
        """Everything below a post, in order."""
        below, found = {status_id}, []
        for status in sorted(self.statuses.values(), key=lambda one: int(one["id"])):
            if status["in_reply_to_id"] in below:
                below.add(status["id"])
                found.append(status)
        return found

    def ancestors(self, status_id: str) -> list[dict[str, Any]]:
        """Everything above a post, the first one first."""
        found: list[dict[str, Any]] = []
        at = self.statuses.get(self.statuses[status_id]["in_reply_to_id"] or "")
        while at is not None:
            found.insert(0, at)
            at = self.statuses.get(at["in_reply_to_id"] or "")
        return found


def _shift(found: re.Match[str]) -> re.Match[str]:
    again = MENTION.match(found[0])
    assert again is not None
    return again


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _account(account: Account, url: str) -> dict[str, Any]:
    return {
        "id": account.id,
        "username": account.acct.partition("@")[0],
        "acct": account.acct,
        "display_name": account.name,
        "url": f"{url}/@{account.acct}",
        "bot": False,
    }


def _form(body: bytes) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(body.decode()).items()}


class _Gone(Exception):
    """The connection was broken on purpose."""


def _handler(server: MastodonServer) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        pass

    Handler.fake = server
    return Handler


class _Handler(BaseHTTPRequestHandler):
    fake: MastodonServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Its log is `requests`, not the terminal."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Its own clock, also in the Date header."""
        at = time.time() if timestamp is None else timestamp
        return super().date_time_string(int(at + self.fake.knobs.clock.total_seconds()))

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        fake = self.fake
        parts = urlsplit(self.path)
        self.query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self._chunks()
        with fake.lock:
            fake.requests.append((method, parts.path))
        if fake.knobs.slow:
            time.sleep(fake.knobs.slow)
        with suppress(_Gone, OSError):
            self._route(method, parts.path, body)

    def _chunks(self) -> bytes:
        out = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            out += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return out

    def _give(self, found: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        reset = datetime.now(UTC) + timedelta(minutes=5)
        way = self.fake.knobs.rate_headers
        if way != "none" and "X-RateLimit-Reset" not in (headers or {}):
            self.send_header("X-RateLimit-Limit", "300")
            self.send_header("X-RateLimit-Remaining", "250")
            shown = _iso(reset) if way == "iso" else str(int(reset.timestamp()))
            self.send_header("X-RateLimit-Reset", shown)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int, error: str) -> None:
        self._give({"error": error}, status)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RD)
        self.connection.close()
        raise _Gone

    def _route(self, method: str, path: str, body: bytes) -> None:
        fake, knobs = self.fake, self.fake.knobs
        if path == "/api/v2/instance" and not knobs.v1_only:
            return self._give(self._instance())
        if path == "/api/v1/instance":
            return self._give(self._instance())
        if path == "/api/v1/apps" and method == "POST":
            form = _form(body)
            if not form.get("redirect_uris"):
                return self._refuse(422, "Validation failed: Redirect URI can't be blank")
            app = {"client_id": fake.client_id, "client_secret": fake.client_secret, "id": "1"}
            return self._give(app | {"name": form["client_name"]})
        if path == "/oauth/token" and method == "POST":
            return self._token(_form(body))
        if path not in ("/api/v2/instance",) and path.startswith("/api/"):
            if self.headers.get("Authorization") != f"Bearer {fake.token}":
                return self._refuse(knobs.bad_token_status, knobs.bad_token_error)
            with fake.lock:
                return self._api(method, path, body)
        return self._refuse(404, "Not Found")

    def _token(self, form: dict[str, str]) -> None:
        fake = self.fake
        wanted = {
            "code": fake.code,
            "client_id": fake.client_id,
            "client_secret": fake.client_secret,
        }
        if any(form.get(name) != value for name, value in wanted.items()):
            said = "The code is invalid or expired"
            return self._give({"error": "invalid_grant", "error_description": said}, 400)
        fake.verifier = form.get("code_verifier", "")
        found = {"access_token": fake.token, "token_type": "Bearer", "scope": "read write"}
        return self._give(found | {"created_at": 1})

    def _instance(self) -> dict[str, Any]:
        knobs = self.fake.knobs
        return {
            "domain": "desa.example",
            "version": knobs.version,
            "configuration": {
                "statuses": {
                    "max_characters": knobs.max_characters,
                    "max_media_attachments": knobs.max_media,
                    "characters_reserved_per_url": knobs.reserved,
                },
                "media_attachments": {
                    "supported_mime_types": ["image/jpeg", "image/png"],
                    "image_size_limit": knobs.image_size,
                    "video_size_limit": 40_000_000,
                    "description_limit": knobs.description_limit,
                },
            },
        }

    def _api(self, method: str, path: str, body: bytes) -> None:
        fake, knobs = self.fake, self.fake.knobs
        if path == "/api/v1/accounts/verify_credentials":
            return self._give(_account(fake.me, fake.url))
        if path in ("/api/v1/media", "/api/v2/media") and method == "POST":
            if path == "/api/v2/media" and knobs.media_v1_only:
                return self._refuse(404, "Not Found")
            return self._upload(body)
        if found := re.fullmatch(r"/api/v1/media/(\w+)", path):
            return self._look(found[1])
        if path == "/api/v1/statuses" and method == "POST":
            return self._post(json.loads(body))
        if found := re.fullmatch(r"/api/v1/accounts/(\w+)/statuses", path):
            return self._own(found[1])
        if path == "/api/v1/notifications":
            return self._notifications()
        if path == "/api/v1/conversations" and knobs.conversations:
            direct = [one for one in fake.statuses.values() if one["visibility"] == "direct"]
            newest = sorted(direct, key=lambda one: -int(one["id"]))
            shown = [{"id": one["id"], "last_status": fake.shown(one)} for one in newest]
            return self._give(shown[: knobs.page])
        if found := re.fullmatch(r"/api/v1/statuses/(\w+)(/context)?", path):
            return self._status(method, found[1], bool(found[2]))
        return self._refuse(404, "Record not found")

    def _status(self, method: str, status_id: str, context: bool) -> None:
        fake = self.fake
        if status_id not in fake.statuses:
            return self._refuse(404, "Record not found")
        if method == "DELETE":
            return self._give(fake.shown(fake.statuses.pop(status_id)))
        if not context:
            return self._give(fake.shown(fake.statuses[status_id]))
        return self._give(
            {
                "ancestors": [fake.shown(one) for one in fake.ancestors(status_id)],
                "descendants": fake.listed(fake.descendants(status_id)),
            }
        )

    def _own(self, account_id: str) -> None:
        fake = self.fake
        rows = [one for one in fake.statuses.values() if one["account"]["id"] == account_id]
        if not fake.knobs.private_listed:
            rows = [one for one in rows if one["visibility"] in ("public", "unlisted")]
        self._page(rows, fake.listed)

    def _notifications(self) -> None:
        fake = self.fake

        def shown(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [
                row | {"status": fake.shown(fake.statuses[row["status_id"]])}
                if row["status_id"] in fake.statuses
                else row
                for row in rows
            ]

        self._page(list(fake.notifications), shown)

    def _page(self, rows: list[dict[str, Any]], shown: Any) -> None:
        rows.sort(key=lambda one: -int(one["id"]))
        limit = min(int(self.query.get("limit", "20")), self.fake.knobs.page)
        if high := self.query.get("max_id"):
            rows = [one for one in rows if int(one["id"]) < int(high)]
        if (low := self.query.get("min_id")) and self.fake.knobs.min_id:
            rows = [one for one in rows if int(one["id"]) > int(low)][-limit:]
        self._give(shown(rows[:limit]))

    def _upload(self, body: bytes) -> None:
        fake = self.fake
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + body)
        parts = {
            part.get_param("name", header="content-disposition"): part for part in message.walk()
        }
        data = parts["file"].get_payload(decode=True)
        if len(data) > fake.knobs.image_size:
            return self._refuse(422, "Validation failed: File file size must be less than 10 MB")
        words = parts.get("description")
        alt = bytes(words.get_payload(decode=True)).decode() if words is not None else ""
        made = fake._id()
        fake.media[made] = {
            "id": made,
            "type": "image",
            "url": f"{fake.url}/media/{made}.png",
            "description": alt,
            "polls": fake.knobs.unprocessed_polls,
        }
        if fake.knobs.unprocessed_polls:
            return self._give({"id": made, "type": "image", "url": None}, 202)
        return self._give({k: v for k, v in fake.media[made].items() if k != "polls"})

    def _look(self, media_id: str) -> None:
        fake = self.fake
        if fake.knobs.forgets_media:
            fake.media.pop(media_id, None)
            fake.knobs.forgets_media = False
        if media_id not in fake.media:
            return self._refuse(404, "Record not found")
        found = fake.media[media_id]
        found["polls"] -= 1
        if found["polls"] > 0:
            return self._give({"id": media_id, "type": "image", "url": None}, 206)
        return self._give({k: v for k, v in found.items() if k != "polls"})

    def _post(self, given: dict[str, Any]) -> None:
        fake, knobs = self.fake, self.fake.knobs
        fault, knobs.next_post = knobs.next_post, None
        key = self.headers.get("Idempotency-Key", "")
        fake.keys.append(key)
        if isinstance(fault, int):
            said = knobs.bad_token_error if fault in (400, 401, 403) else "An error occurred"
            return self._give({"error": said}, fault, knobs.next_headers)
        if fault == "reset":
            return self._reset()
        if fault == "timeout":
            return self._hang()
        if fault and fault.startswith("html_"):
            return self._give(b"<html>Bad gateway</html>", int(fault[5:]))
        if knobs.idempotent and key in fake.by_key:
            return self._give(fake.shown(fake.statuses[fake.by_key[key]]))
        if len(given["status"]) > knobs.max_characters:
            return self._refuse(422, "Validation failed: Text character limit exceeded")
        if len(given.get("media_ids") or []) > knobs.max_media:
            return self._refuse(422, "Validation failed: Cannot attach more files")
        answered = given.get("in_reply_to_id")
        if answered and answered not in fake.statuses:
            return self._refuse(404, "The post you are trying to reply to does not exist.")
        media = [
            {k: v for k, v in fake.media[one].items() if k != "polls"}
            for one in given.get("media_ids") or []
        ]
        status = fake._status(fake.me, given["status"], given["visibility"], answered, media)
        fake.by_key[key] = status["id"]
        fake.posts.append(status)
        if knobs.lag:
            fake.hidden[status["id"]] = knobs.lag
        if fault == "accept_timeout":
            return self._hang()
        if fault == "accept_reset":
            return self._reset()
        if fault == "accept_500":
            return self._refuse(500, "An unexpected error occurred")
        if fault == "accept_garbage":
            return self._give(b'{"id": "12')
        return self._give(fake.shown(status))

    def _hang(self) -> None:
        self.fake.lock.release()
        try:
            time.sleep(self.fake.knobs.hang)
        finally:
            self.fake.lock.acquire()
        raise _Gone
