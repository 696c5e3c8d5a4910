"""The one way out to the network: every outbound HTTP request of Tanggap goes through here.

What it promises, whatever the other side does:

- a hard total deadline by the monotonic clock, over name lookup, connect, TLS, sending and a body
  that drips (`timeout` seconds, and never later than `until`);
- a cap on the size of the answer;
- a guard: the name is looked up once, every address found must be public, and the connection goes
  to exactly that address, with Host and SNI kept. Exceptions are exact `host:port` values
  (`configure(private_hosts=...)`); only those may use plain http;
- no redirects on anything but GET and HEAD, none to another host, none from https to http;
- no retries, no kept connections (a stale one would make a failure ambiguous), no cookies;
- tokens and bodies in no log line, no repr, no error.

Errors say what the sender needs to know, which is whether the other side can have acted::

    HttpError
    ├── NothingSent     surely before the first byte of the request: name, connect, TLS, deadline
    │   └── Blocked     the guard refused the address
    ├── Interrupted     bytes may have gone: timeout, reset, broken answer, answer too large
    └── Unreadable      the answer is whole, but is not the JSON that was expected

With an egress proxy the proxy looks names up and is the guard for them (as Smokescreen is);
addresses written as numbers and local names are still refused here.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, cast

import httpcore
import httpx

TIMEOUT = 20.0
"""Seconds for one request, from name lookup to the last byte of the answer."""
MAX_BYTES = 8 * 1024 * 1024
"""Largest answer body, in bytes, unless the caller asks for less or more."""
MAX_HOPS = 3
USER_AGENT = "Tanggap (+https://github.com/tanggap)"
LOCAL_NAMES = ("localhost", ".localhost", ".local", ".internal", ".lan", ".home.arpa")

# At debug level this logger writes the headers of answers; they may hold cookies and tokens.
logging.getLogger("httpcore").setLevel(logging.WARNING)

NothingReason = Literal["dns", "connect", "tls", "timeout", "proxy", "blocked"]
InterruptedReason = Literal["timeout", "reset", "protocol", "too_large", "redirect"]


class HttpError(Exception):
    """Base of this module's errors. `reason` is a code, `host` the host that was meant."""

    def __init__(self, reason: str, host: str, detail: str = "") -> None:
        self.reason, self.host, self.detail = reason, host, detail
        super().__init__(f"{reason} ({host})" + (f": {detail}" if detail else ""))


class NothingSent(HttpError):
    """It failed before the first byte of the request: the other side cannot have acted."""


class Blocked(NothingSent):
    """The guard refused: not a public address, not https, or not a plain URL."""


class Interrupted(HttpError):
    """It failed after bytes may have gone: whether the other side acted is not known."""


class Unreadable(HttpError):
    """A whole answer that is not JSON of the expected kind. `status` is its HTTP status."""

    def __init__(self, host: str, status: int) -> None:
        self.status = status
        super().__init__("unreadable", host, f"status {status}")


@dataclass(frozen=True)
class Rules:
    """What the installation allows: exact `host:port` values, and an egress proxy's URL."""

    private_hosts: frozenset[str] = frozenset()
    proxy: str = field(default="", repr=False)


_rules = Rules()


def configure(*, private_hosts: Iterable[str] = (), proxy: str = "") -> Rules:
    """Set the installation's rules once, at start. Returns them (`tanggap doctor` shows them).

    ValueError when an entry is not `host:port`, or the proxy is not an http:// URL.
    """
    global _rules
    hosts = frozenset(entry.strip().lower() for entry in private_hosts if entry.strip())
    for entry in hosts:
        name, colon, port = entry.rpartition(":")
        if not (colon and name and port.isdigit()):
            raise ValueError(f"private host {entry!r} is not host:port")
    if proxy and not proxy.startswith("http://"):
        raise ValueError("the egress proxy must be an http:// URL")
    _rules = Rules(hosts, proxy)
    return _rules


def rules() -> Rules:
    """The rules in force."""
    return _rules


@dataclass(frozen=True)
class Answer:
    """A whole answer: `status`, `headers` (case does not matter), `body` in bytes."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(repr=False)
    host: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON. Raises Unreadable."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as wrong:
            raise Unreadable(self.host, self.status) from wrong

    def text(self) -> str:
        """The body as text, with unreadable bytes replaced."""
        return self.body.decode("utf-8", "replace")


class Client:
    """Requests to one origin. `base_url` is the origin; `token` becomes a Bearer header.

    `until` is an instant of `time.monotonic()` after which no request may be under way.
    A full URL is accepted in place of a path only when its origin is the same, so that a token
    never leaves its host.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str = "",
        timeout: float = TIMEOUT,
        until: float | None = None,
        max_bytes: int = MAX_BYTES,
        rules: Rules | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.base = _url(base_url)
        self._token = token
        self.timeout = timeout
        self.until = until
        self.max_bytes = max_bytes
        self._rules = rules
        self._tls = tls

    def __repr__(self) -> str:
        return f"<Client {self.base.scheme}://{self.base.netloc.decode()}>"

    __str__ = __repr__

    def get(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One read; follows up to three redirects on the same host, inside one deadline."""
        deadline = self._deadline()
        request = self._request("GET", path, params=params, headers=headers)
        for _ in range(MAX_HOPS + 1):
            answer = self._once(request, deadline)
            if answer.status not in (301, 302, 303, 307, 308) or "location" not in answer.headers:
                return answer
            request = self._request("GET", self._next(answer), headers=headers)
        raise Interrupted("redirect", self.base.host, "too many redirects")

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """One request that may change something. Never repeated, never redirected: a 3xx comes
        back as it is."""
        request = self._request(
            method, path, json=json, data=data, files=files, content=content, headers=headers
        )
        return self._once(request, self._deadline(timeout))

    def _deadline(self, timeout: float | None = None) -> float:
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        return end if self.until is None else min(end, self.until)

    def _request(self, method: str, path: str, **kwargs: Any) -> httpx.Request:
        url = self.base.join(path)
        if (url.scheme, url.host, url.port) != (self.base.scheme, self.base.host, self.base.port):
            raise Blocked("blocked", url.host, "another origin than the client's")
        headers = {
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        headers.update(kwargs.pop("headers", None) or {})
        return httpx.Request(method, url, headers=headers, **kwargs)

    def _next(self, answer: Answer) -> str:
        target = httpx.URL(answer.url).join(answer.headers["location"])
        if target.host != self.base.host or target.scheme != self.base.scheme:
            raise Interrupted("redirect", self.base.host, "redirected to another host")
        return str(target)

    def _once(self, request: httpx.Request, deadline: float) -> Answer:
        wire = _Wire(request.url, deadline, self._rules or _rules)
        host = request.url.host
        try:
            with _pool(wire, self._tls or _tls()) as pool:
                answer = pool.handle_request(
                    httpcore.Request(
                        request.method,
                        httpcore.URL(
                            scheme=request.url.raw_scheme,
                            host=request.url.raw_host,
                            port=request.url.port,
                            target=request.url.raw_path,
                        ),
                        headers=request.headers.raw,
                        content=cast("Iterable[bytes]", request.stream),
                    )
                )
                body = _read(answer, self.max_bytes, host)
                return Answer(
                    answer.status, httpx.Headers(answer.headers), body, str(request.url), host
                )
        except HttpError:
            raise
        except (httpcore.TimeoutException, TimeoutError):
            kind = Interrupted if wire.written else NothingSent
            raise kind("timeout", host) from None
        except httpcore.ProxyError:
            kind = Interrupted if wire.written else NothingSent
            raise kind("proxy", host) from None
        except (httpcore.ProtocolError, httpcore.NetworkError, OSError) as wrong:
            if not wire.written:
                raise NothingSent(wire.stage, host) from None
            broken = isinstance(wrong, httpcore.ProtocolError)
            raise Interrupted("protocol" if broken else "reset", host) from None


def _url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as wrong:
        raise Blocked("blocked", "", "not a URL") from wrong
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise Blocked("blocked", url.host, "not a plain http or https address")
    return url


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def _pool(wire: _Wire, tls: ssl.SSLContext) -> httpcore.ConnectionPool:
    if wire.rules.proxy:
        return httpcore.HTTPProxy(
            wire.rules.proxy, ssl_context=tls, max_keepalive_connections=0, network_backend=wire
        )
    return httpcore.ConnectionPool(
        ssl_context=tls, max_keepalive_connections=0, network_backend=wire
    )


def _read(answer: httpcore.Response, most: int, host: str) -> bytes:
    body = bytearray()
    for chunk in answer.iter_stream():
        body += chunk
        if len(body) > most:
            raise Interrupted("too_large", host, f"more than {most} bytes")
    return bytes(body)


def public(address: str) -> bool:
    """Whether an IP address is one that the guard lets through: public, also inside IPv6
    wrappers."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip in ipaddress.ip_network("64:ff9b::/96") or ip in ipaddress.ip_network("::/96"):
            inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
        if any(part is not None and not public(str(part)) for part in inner):
            return False
        if ip in ipaddress.ip_network("64:ff9b::/96"):
            return True
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def allowed(host: str, port: int, addresses: Sequence[str], private_hosts: frozenset[str]) -> bool:
    """The guard's decision: every address public, or `host:port` named as an exception."""
    if f"{host}:{port}" in private_hosts:
        return True
    return bool(addresses) and all(public(address) for address in addresses)


class _Wire(httpcore.NetworkBackend):
    """Sockets for one request: one deadline, a pinned address, and the note of the first byte."""

    def __init__(self, url: httpx.URL, deadline: float, rules: Rules) -> None:
        self.host, self.deadline, self.rules = url.host, deadline, rules
        self.secure = url.scheme == "https"
        self.port = url.port or (443 if self.secure else 80)
        self.written = False
        self.stage: NothingReason = "connect"
        named = f"{self.host}:{self.port}" in rules.private_hosts
        if not self.secure and not named:
            raise Blocked("blocked", self.host, "plain http is not allowed")
        if not named and rules.proxy:
            self._refuse_local()

    def _refuse_local(self) -> None:
        name = self.host.rstrip(".").lower()
        try:
            local = not public(name)
        except ValueError:
            # Not an address: a name of digits would be read as one by some resolvers.
            local = name.endswith(LOCAL_NAMES) or "." not in name or name[-1].isdigit()
        if local:
            raise Blocked("blocked", self.host, "not a public address")

    def left(self) -> float:
        """Seconds left. Raises TimeoutError when there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.stage = "dns"
        addresses = _lookup(host, port, self.left())
        # Through a proxy this is the proxy's own address, which the installation named itself.
        if not self.rules.proxy and not allowed(
            self.host, port, addresses, self.rules.private_hosts
        ):
            raise Blocked("blocked", self.host, "not a public address")
        self.stage = "connect"
        last: OSError = ConnectionError("no address")
        for address in addresses:
            try:
                sock = socket.create_connection((address, port), self.left())
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return _Stream(self, sock)
            except TimeoutError:
                raise
            except OSError as wrong:
                last = wrong
        raise last

    def connect_unix_socket(self, path: str, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        raise Blocked("blocked", self.host, "not a network address")

    def sleep(self, seconds: float) -> None:
        raise AssertionError("this transport never sleeps")


class _Stream(httpcore.NetworkStream):
    def __init__(self, wire: _Wire, sock: socket.socket, tls: bool = False) -> None:
        self._wire, self._sock, self._is_tls = wire, sock, tls

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._sock.settimeout(self._wire.left())
        return self._sock.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            self._sock.settimeout(self._wire.left())
            # Bytes before TLS to an https address are only the CONNECT that a proxy reads.
            if self._is_tls or not self._wire.secure:
                self._wire.written = True
            rest = rest[self._sock.send(rest) :]

    def close(self) -> None:
        self._sock.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        self._wire.stage = "tls"
        try:
            self._sock.settimeout(self._wire.left())
            sock = ssl_context.wrap_socket(self._sock, server_hostname=server_hostname)
        except BaseException:
            self.close()
            raise
        return _Stream(self._wire, sock, tls=True)

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object" and isinstance(self._sock, ssl.SSLSocket):
            return self._sock
        return None


def _lookup(host: str, port: int, left: float) -> list[str]:
    """Addresses of a name within `left` seconds. The system's lookup cannot be interrupted, so
    it runs beside and is left behind when it is too slow. An address needs none."""
    with suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    found: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put(list(dict.fromkeys(str(row[4][0]) for row in rows)))
        except (OSError, UnicodeError) as wrong:
            found.put(wrong if isinstance(wrong, OSError) else OSError(str(wrong)))

    threading.Thread(target=ask, daemon=True, name="lookup").start()
    try:
        result = found.get(timeout=left)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(result, OSError):
        raise result
    return result
