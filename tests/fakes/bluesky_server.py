"""A scriptable server of the AT protocol at the network's edge: a PDS with its AppView in one.

It runs in a thread on loopback. Its own log is the oracle: `requests` holds every request as
(method, name of the procedure), `records` what really stands in our repository, `puts` every
record that ever became a post. What it refuses, it refuses as the real server does (npm
@atproto/pds 0.5.35; the story marked `pds` compares the two).

Values of `knobs.next_put`, each used once: "accept_timeout", "accept_reset", "accept_500",
"accept_garbage" (it is a post, and the answer is lost), "reset", "timeout" (nothing happened),
"html_502", or (status, name of an error).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import regex

POST = "app.bsky.feed.post"
TID = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")


@dataclass
class Knobs:
    """How this server behaves."""

    next_put: Any = None
    hang: float = 1.5
    slow: float = 0.0
    life: int = 7200
    page: int = 50
    unnotified: bool = False
    """The next reply is seen in its thread and in no notification."""
    limited: bool = False
    headers: bool = True
    refresh_refused: str = ""
    """The name of the error with which every refresh is refused."""


@dataclass
class Person:
    """Somebody on the network."""

    did: str
    handle: str
    name: str


@dataclass
class BlueskyServer:
    """One server with our account `me` and as many citizens as are named."""

    knobs: Knobs = field(default_factory=Knobs)
    password: str = "abcd-efgh-ijkl-mnop"

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.requests: list[tuple[str, str]] = []
        self.records: dict[str, dict[str, Any]] = {}
        self.puts: list[str] = []
        self.blobs: dict[str, dict[str, Any]] = {}
        self.notifications: list[dict[str, Any]] = []
        self.people: dict[str, Person] = {}
        self.views: dict[str, dict[str, Any]] = {}
        self.likes: dict[str, int] = {}
        self.serial = 0
        self.sessions: dict[str, str] = {}
        self.me = self.person("diskominfo.lumbung.example", "Diskominfo")
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> BlueskyServer:
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.http.shutdown()
        self.http.server_close()

    # --- the oracle and the citizens --------------------------------------------------------------

    def count(self, name: str) -> int:
        """How many requests of this procedure came."""
        return sum(1 for _method, asked in self.requests if asked == name)

    def posts(self) -> list[dict[str, Any]]:
        """What stands in our repository now."""
        return [row for uri, row in self.records.items() if f"/{POST}/" in uri]

    def person(self, handle: str, name: str = "") -> Person:
        for known in self.people.values():
            if known.handle == handle:
                return known
        did = "did:plc:" + _letters(handle, 24)
        self.people[did] = Person(did, handle, name or handle)
        return self.people[did]

    def says(
        self, who: str, text: str, *, to: str = "", at: datetime | None = None, picture: str = ""
    ) -> str:
        """A citizen writes; gives the post's address. Replies to us are notified."""
        with self.lock:
            person = self.person(who)
            moment = _iso(at or datetime.now(UTC))
            record: dict[str, Any] = {"$type": POST, "text": text, "createdAt": moment}
            if to:
                parent = self.records.get(to) or self.views[to]
                above = (parent.get("value") or parent.get("record") or {}).get("reply")
                ref = {"uri": to, "cid": parent["cid"]}
                record["reply"] = {"parent": ref, "root": (above or {}).get("root") or ref}
            uri = f"at://{person.did}/{POST}/{self.tid()}"
            view: dict[str, Any] = {
                "uri": uri,
                "cid": cid(record),
                "author": _author(person),
                "record": record,
                "indexedAt": moment,
                "replyCount": 0,
                "repostCount": 0,
                "likeCount": 0,
                "quoteCount": 0,
            }
            if picture:
                view["embed"] = {
                    "$type": "app.bsky.embed.images#view",
                    "images": [
                        {
                            "thumb": f"https://cdn.example/{picture}",
                            "fullsize": f"https://cdn.example/{picture}",
                            "alt": "foto",
                        }
                    ],
                }
            self.views[uri] = view
            ours = f"at://{self.me.did}/"
            if self.knobs.unnotified:
                self.knobs.unnotified = False
            elif to.startswith(ours):
                self.notify("reply", who, uri, record, subject=to)
            elif f"@{self.me.handle}" in text:
                self.notify("mention", who, uri, record)
            return uri

    def notify(
        self, reason: str, who: str, uri: str = "", record: Any = None, subject: str = ""
    ) -> None:
        person = self.person(who)
        row = {
            "uri": uri or f"at://{person.did}/app.bsky.feed.{reason}/{self.tid()}",
            "cid": cid({"reason": reason, "who": who, "n": self.serial}),
            "author": _author(person),
            "reason": reason,
            "record": record or {"$type": f"app.bsky.feed.{reason}"},
            "isRead": False,
            "indexedAt": _iso(datetime.now(UTC)),
        }
        self.notifications.append(row | ({"reasonSubject": subject} if subject else {}))

    def tid(self) -> str:
        self.serial += 1
        number = (int(time.time() * 1_000_000) << 10) + self.serial
        letters = "234567abcdefghijklmnopqrstuvwxyz"
        return "".join(letters[(number >> shift) & 31] for shift in range(60, -1, -5))

    # --- inside -----------------------------------------------------------------------------------

    def view(self, uri: str) -> dict[str, Any] | None:
        """A post as the AppView shows it."""
        row = self.records.get(uri)
        found = self.views.get(uri)
        if row is not None:
            found = {
                "uri": uri,
                "cid": row["cid"],
                "author": _author(self.me),
                "record": row["value"],
                "indexedAt": row["value"]["createdAt"],
                "repostCount": 0,
                "likeCount": self.likes.get(uri, 0),
                "quoteCount": 0,
            }
        return None if found is None else found | {"replyCount": len(self.replies(uri))}

    def replies(self, uri: str) -> list[str]:
        every = {one: view["record"] for one, view in self.views.items()}
        every |= {one: row["value"] for one, row in self.records.items()}
        return [
            one
            for one, record in every.items()
            if (record.get("reply") or {}).get("parent", {}).get("uri") == uri
        ]

    def thread(self, uri: str, depth: int) -> dict[str, Any]:
        below = [self.thread(one, depth - 1) for one in self.replies(uri)] if depth else []
        return {
            "$type": "app.bsky.feed.defs#threadViewPost",
            "post": self.view(uri),
            "replies": below,
        }


def cid(value: Any) -> str:
    """A content's name: the same for the same content."""
    digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()
    return "bafyrei" + base64.b32encode(digest).decode().lower().rstrip("=")


def _letters(text: str, length: int) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:length]


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _author(person: Person) -> dict[str, Any]:
    return {"did": person.did, "handle": person.handle, "displayName": person.name}


class _Gone(Exception):
    """The connection was broken on purpose."""


class _Refused(Exception):
    def __init__(self, error: str, message: str = "", status: int = 400) -> None:
        self.error, self.message, self.status = error, message or error, status
        super().__init__(error)


def _handler(server: BlueskyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        fake = server

    return Handler


class _Handler(BaseHTTPRequestHandler):
    fake: BlueskyServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Its log is `requests`, not the terminal."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        fake = self.fake
        parts = urlsplit(self.path)
        name = parts.path.removeprefix("/xrpc/")
        self.query = parse_qs(parts.query)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with fake.lock:
            fake.requests.append((method, name))
        if fake.knobs.slow:
            time.sleep(fake.knobs.slow)
        act = getattr(self, "x_" + name.replace(".", "_"), None)
        with suppress(_Gone, OSError):
            try:
                if act is None:
                    raise _Refused("MethodNotImplemented", status=501)
                if fake.knobs.limited:
                    raise _Refused("RateLimitExceeded", "Rate Limit Exceeded", 429)
                if name not in (
                    "com.atproto.server.createSession",
                    "com.atproto.server.refreshSession",
                    "com.atproto.identity.resolveHandle",
                ):
                    self._session("access")
                with fake.lock:
                    self._give(act(body))
            except _Page:
                self._give(b"<html>Bad gateway</html>", 502)
            except _Refused as no:
                self._give({"error": no.error, "message": no.message}, no.status)

    def _give(self, found: Any, status: int = 200) -> None:
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.fake.knobs.headers:
            reset = datetime.now(UTC) + timedelta(hours=1)
            self.send_header("RateLimit-Limit", "5000")
            self.send_header("RateLimit-Remaining", "4990")
            self.send_header("RateLimit-Reset", str(int(reset.timestamp())))
            self.send_header("RateLimit-Policy", "5000;w=3600")
        self.end_headers()
        self.wfile.write(body)

    def _one(self, name: str) -> str:
        return self.query.get(name, [""])[-1]

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RD)
        self.connection.close()
        raise _Gone

    def _hang(self) -> None:
        self.fake.lock.release()
        try:
            time.sleep(self.fake.knobs.hang)
        finally:
            self.fake.lock.acquire()
        raise _Gone

    # --- sessions ---------------------------------------------------------------------------------

    def _session(self, kind: str) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not token:
            raise _Refused("AuthMissing", "Authentication Required", 401)
        known = self.fake.sessions.get(token)
        if known is None:
            raise _Refused("InvalidToken", "Token could not be verified")
        if known != kind:
            raise _Refused("ExpiredToken", "Token has expired")

    def _tokens(self) -> dict[str, Any]:
        fake = self.fake
        fake.serial += 1
        now = int(time.time())
        said = {"iat": now, "exp": now + fake.knobs.life, "n": fake.serial}
        body = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
        access, refresh = f"kepala.{body}.ekor", f"segar.{body}.ekor"
        fake.sessions |= {access: "access", refresh: "refresh"}
        return {
            "accessJwt": access,
            "refreshJwt": refresh,
            "did": fake.me.did,
            "handle": fake.me.handle,
            "active": True,
        }

    def x_com_atproto_server_createSession(self, body: bytes) -> Any:
        given = json.loads(body)
        right = given.get("identifier") in (self.fake.me.handle, self.fake.me.did)
        if not right or given.get("password") != self.fake.password:
            raise _Refused("AuthenticationRequired", "Invalid identifier or password", 401)
        return self._tokens()

    def x_com_atproto_server_refreshSession(self, body: bytes) -> Any:
        if self.fake.knobs.refresh_refused:
            raise _Refused(self.fake.knobs.refresh_refused, "Token has been revoked")
        self._session("refresh")
        token = self.headers["Authorization"].removeprefix("Bearer ")
        self.fake.sessions[token] = "used"
        return self._tokens()

    def x_com_atproto_server_getSession(self, body: bytes) -> Any:
        return {"did": self.fake.me.did, "handle": self.fake.me.handle, "active": True}

    def x_com_atproto_identity_resolveHandle(self, body: bytes) -> Any:
        for one in self.fake.people.values():
            if one.handle == self._one("handle"):
                return {"did": one.did}
        raise _Refused("InvalidRequest", "Unable to resolve handle")

    # --- the repository ---------------------------------------------------------------------------

    def x_com_atproto_repo_uploadBlob(self, body: bytes) -> Any:
        mime = self.headers.get("Content-Type", "")
        blob = {
            "$type": "blob",
            "ref": {"$link": "bafkrei" + _letters(body.hex(), 52)},
            "mimeType": mime,
            "size": len(body),
        }
        self.fake.blobs[blob["ref"]["$link"]] = blob  # type: ignore[index]
        return {"blob": blob}

    def x_com_atproto_repo_putRecord(self, body: bytes) -> Any:
        fake, given = self.fake, json.loads(body)
        fault, fake.knobs.next_put = fake.knobs.next_put, None
        if isinstance(fault, tuple):
            raise _Refused(fault[1], status=fault[0])
        if fault == "reset":
            self._reset()
        if fault == "timeout":
            self._hang()
        if fault == "html_502":
            raise _Page()
        if given["repo"] != fake.me.did:
            raise _Refused("AuthenticationRequired", status=401)
        self._valid(given["collection"], given["rkey"], given["record"])
        uri = f"at://{fake.me.did}/{given['collection']}/{given['rkey']}"
        made = {"uri": uri, "cid": cid(given["record"]), "validationStatus": "valid"}
        known = fake.records.get(uri)
        if known is not None and known["cid"] == made["cid"]:
            return made
        if known is not None and "swapRecord" in given and given["swapRecord"] is None:
            raise _Refused("InvalidSwap", f"Record was at {known['cid']}")
        fake.records[uri] = {"uri": uri, "cid": made["cid"], "value": given["record"]}
        fake.puts.append(uri)
        if fault == "accept_timeout":
            self._hang()
        if fault == "accept_reset":
            self._reset()
        if fault == "accept_500":
            raise _Refused("InternalServerError", "Internal Server Error", 500)
        if fault == "accept_garbage":
            return b'{"uri": "at'
        return made | {"commit": {"cid": made["cid"], "rev": fake.tid()}}

    def _valid(self, collection: str, rkey: str, record: dict[str, Any]) -> None:
        def wrong(why: str) -> _Refused:
            return _Refused("InvalidRequest", f"Invalid {collection} record: {why}")

        if collection != POST or record.get("$type") != POST:
            raise wrong("type")
        if not TID.fullmatch(rkey):
            raise wrong("rkey")
        text = record["text"]
        size = len(text.encode())
        if len(regex.findall(r"\X", text)) > 300 or size > 3000:
            raise wrong("text is too long")
        if len(record.get("langs", [])) > 3:
            raise wrong("langs")
        for facet in record.get("facets", []):
            start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
            if not 0 <= start < end <= size:
                raise wrong("facet")
            text.encode()[start:end].decode()
        images = (record.get("embed") or {}).get("images", [])
        if len(images) > 4:
            raise wrong("images")
        for one in images:
            kept = self.fake.blobs.get(one["image"]["ref"]["$link"])
            if kept is None:
                raise _Refused("BlobNotFound", "Could not find blob")
            if kept["size"] > 2_000_000:
                raise wrong("image is too big")
        for ref in (record.get("reply") or {}).values():
            if not ref["uri"].startswith("at://") or not ref["cid"]:
                raise wrong("reply")

    def x_com_atproto_repo_getRecord(self, body: bytes) -> Any:
        uri = f"at://{self._one('repo')}/{self._one('collection')}/{self._one('rkey')}"
        if uri in self.fake.records:
            return self.fake.records[uri]
        if uri in self.fake.views:
            view = self.fake.views[uri]
            return {"uri": uri, "cid": view["cid"], "value": view["record"]}
        raise _Refused("RecordNotFound", f"Could not locate record: {uri}")

    def x_com_atproto_repo_listRecords(self, body: bytes) -> Any:
        rows = sorted(self.fake.records.values(), key=lambda row: row["uri"], reverse=True)
        return {"records": rows[: int(self._one("limit") or 50)]}

    def x_com_atproto_repo_deleteRecord(self, body: bytes) -> Any:
        given = json.loads(body)
        uri = f"at://{given['repo']}/{given['collection']}/{given['rkey']}"
        gone = self.fake.records.pop(uri, None)
        return {"commit": {"cid": cid(uri), "rev": self.fake.tid()}} if gone else {}

    # --- the view of the network ------------------------------------------------------------------

    def x_app_bsky_notification_listNotifications(self, body: bytes) -> Any:
        rows = list(reversed(self.fake.notifications))
        start = int(self._one("cursor") or 0)
        size = min(int(self._one("limit") or 50), self.fake.knobs.page)
        found: dict[str, Any] = {"notifications": rows[start : start + size]}
        if start + size < len(rows):
            found["cursor"] = str(start + size)
        return found

    def x_app_bsky_feed_getAuthorFeed(self, body: bytes) -> Any:
        views = [self.fake.view(uri) for uri in reversed(self.fake.puts)]
        found = [{"post": view} for view in views if view is not None]
        return {"feed": found[: int(self._one("limit") or 50)]}

    def x_app_bsky_feed_getPostThread(self, body: bytes) -> Any:
        uri = self._one("uri")
        if self.fake.view(uri) is None:
            raise _Refused("NotFound", f"Post not found: {uri}")
        return {"thread": self.fake.thread(uri, int(self._one("depth") or 6))}

    def x_app_bsky_feed_getPosts(self, body: bytes) -> Any:
        uris = self.query.get("uris", [])
        if len(uris) > 25:
            raise _Refused("InvalidRequest", "uris too long")
        views = [self.fake.view(uri) for uri in uris]
        return {"posts": [view for view in views if view is not None]}


class _Page(_Refused):
    """A page of some proxy in between."""

    def __init__(self) -> None:
        super().__init__("", status=502)
