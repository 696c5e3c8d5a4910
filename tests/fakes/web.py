"""A website with a feed, and a WebSub hub, on loopback. The hub does what the standard says:
it asks at the callback before it believes a subscription, and signs what it sends."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Web:
    """`feed` is what stands at /umpan; forms that came to the hub at /hub are in `forms`."""

    feed: bytes = b""
    kind: str = "application/feed+json"
    etag: str = '"satu"'
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang: float = 0.0

    def __post_init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

            def do_GET(self) -> None:
                web.requests.append(("GET", self.path, dict(self.headers)))
                if web.hang:
                    time.sleep(web.hang)
                same = self.headers.get("If-None-Match") == web.etag
                self.answer(304 if same else web.status, b"" if same else web.feed)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                web.requests.append(("POST", self.path, dict(self.headers)))
                web.forms.append({k: v[-1] for k, v in parse_qs(body.decode()).items()})
                self.answer(202, b"")

            def answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", web.kind)
                self.send_header("Content-Length", str(len(body)))
                if web.etag:
                    self.send_header("ETag", web.etag)
                for name, value in web.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.address = f"{self.url}/umpan"
        self.hub = f"{self.url}/hub"

    def __enter__(self) -> Web:
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.http.shutdown()
        self.http.server_close()

    # --- the hub ----------------------------------------------------------------------------------

    def question(self, challenge: str = "tantangan", lease: int = 864000) -> tuple[str, str]:
        """Where the hub asks about the last subscription, and its query."""
        form = self.forms[-1]
        query = (
            f"hub.mode=subscribe&hub.topic={form['hub.topic']}"
            f"&hub.challenge={challenge}&hub.lease_seconds={lease}"
        )
        return urlsplit(form["hub.callback"]).path, query

    def signed(self, body: bytes, method: str = "sha256") -> dict[str, str]:
        """Headers of what the hub sends."""
        return signature(body, self.forms[-1]["hub.secret"], method)


def signature(body: bytes, secret: str, method: str = "sha256") -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()
    return {"X-Hub-Signature": f"{method}={digest}"}
