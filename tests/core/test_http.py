"""The way out, against real servers on loopback that drip, hang, reset, redirect and flood."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tanggap.core import http

Serve = Callable[[socket.socket, bytes], None]


@contextmanager
def server(serve: Serve, *, read: bool = True) -> Iterator[tuple[int, list[bytes]]]:
    """A TCP server: reads one request head, notes it, and lets `serve` answer as it likes."""
    seen: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def one(conn: socket.socket) -> None:
        with conn, suppress(OSError):
            head = b""
            while read and b"\r\n\r\n" not in head:
                part = conn.recv(65536)
                if not part:
                    return
                head += part
            seen.append(head)
            serve(conn, head)

    def loop() -> None:
        with suppress(OSError):
            while not over.is_set():
                conn, _ = listener.accept()
                threading.Thread(target=one, args=(conn,), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()
    try:
        yield listener.getsockname()[1], seen
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def answer(body: bytes = b"{}", status: str = "200 OK", extra: str = "") -> Serve:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode()
    return lambda conn, _: conn.sendall(head + body)


def client(port: int, **more: object) -> http.Client:
    rules = http.Rules(frozenset({f"127.0.0.1:{port}"}))
    return http.Client(f"http://127.0.0.1:{port}", rules=rules, **more)  # type: ignore[arg-type]


def test_reads_json_and_keeps_host() -> None:
    with server(answer(b'{"a": 1}')) as (port, seen):
        got = client(port, token="rahasia").get("/api", params={"q": "x"})
    assert got.json() == {"a": 1}
    assert b"GET /api?q=x HTTP/1.1" in seen[0]
    assert f"host: 127.0.0.1:{port}".encode() in seen[0].lower()
    assert b"Bearer rahasia" in seen[0]


def test_a_dripping_body_ends_at_the_total_deadline() -> None:
    def drip(conn: socket.socket, _: bytes) -> None:
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _n in range(1000):
            conn.sendall(b"x")
            time.sleep(0.05)

    with server(drip) as (port, _):
        start = time.monotonic()
        with pytest.raises(http.Interrupted) as got:
            client(port, timeout=0.4).get("/")
        assert time.monotonic() - start < 1.0
    assert got.value.reason == "timeout"


def test_a_hanging_server_after_the_request_is_interrupted() -> None:
    with server(lambda conn, _: time.sleep(2)) as (port, seen):
        with pytest.raises(http.Interrupted):
            client(port, timeout=0.3).send("POST", "/x", json={"a": 1})
        assert len(seen) == 1


def test_a_reset_after_the_request_is_interrupted() -> None:
    def reset(conn: socket.socket, _: bytes) -> None:
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    with server(reset) as (port, seen):
        with pytest.raises(http.Interrupted):
            client(port).send("POST", "/x", data={"a": "1"})
        assert len(seen) == 1, "never repeated"


def test_connection_refused_means_nothing_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(http.NothingSent) as got:
        client(port).send("POST", "/x")
    assert got.value.reason == "connect"


def test_unknown_name_means_nothing_sent() -> None:
    with pytest.raises(http.NothingSent) as got:
        http.Client("https://tidak-ada.invalid", timeout=5).send("POST", "/")
    assert got.value.reason in ("dns", "timeout")


def test_failed_tls_means_nothing_sent() -> None:
    def not_tls(conn: socket.socket, _: bytes) -> None:
        conn.recv(10)
        conn.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with server(not_tls, read=False) as (port, _):
        rules = http.Rules(frozenset({f"127.0.0.1:{port}"}))
        with pytest.raises(http.NothingSent) as got:
            http.Client(f"https://127.0.0.1:{port}", rules=rules).send("POST", "/")
    assert got.value.reason == "tls"


def test_a_hanging_tls_handshake_ends_at_the_deadline_with_nothing_sent() -> None:
    with server(lambda conn, _: time.sleep(2), read=False) as (port, _):
        rules = http.Rules(frozenset({f"127.0.0.1:{port}"}))
        start = time.monotonic()
        with pytest.raises(http.NothingSent):
            http.Client(f"https://127.0.0.1:{port}", rules=rules, timeout=0.3).send("POST", "/")
        assert time.monotonic() - start < 1.0


def test_a_slow_name_lookup_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: time.sleep(3) or [])
    start = time.monotonic()
    with pytest.raises(http.NothingSent) as got:
        http.Client("https://lambat.example", timeout=0.3).send("POST", "/")
    assert got.value.reason == "timeout" and time.monotonic() - start < 1.0


def test_an_expired_window_sends_no_byte() -> None:
    with server(answer()) as (port, seen):
        with pytest.raises(http.NothingSent):
            client(port, until=time.monotonic() - 1).send("POST", "/x")
        assert seen == []


def test_a_gigabyte_is_cut_off() -> None:
    sent = 0

    def flood(conn: socket.socket, _: bytes) -> None:
        nonlocal sent
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while sent < 1_000_000_000:
            sent += conn.send(b"x" * 1_000_000)

    with server(flood) as (port, _), pytest.raises(http.Interrupted) as got:
        client(port, max_bytes=100_000).get("/")
    assert got.value.reason == "too_large"
    assert sent < 50_000_000


def test_500_is_an_answer() -> None:
    with server(answer(b"oops", "500 Internal Server Error")) as (port, seen):
        got = client(port).send("POST", "/x")
        assert got.status == 500 and len(seen) == 1
        with pytest.raises(http.Unreadable):
            got.json()


def test_a_send_is_never_redirected() -> None:
    with server(answer(b"", "307 Temporary Redirect", "Location: /y\r\n")) as (port, seen):
        assert client(port).send("POST", "/x", data={"a": "1"}).status == 307
        assert len(seen) == 1


def test_a_read_follows_on_the_same_host_only() -> None:
    def hop(conn: socket.socket, head: bytes) -> None:
        if b"GET /x" in head:
            answer(b"", "302 Found", "Location: /y\r\n")(conn, head)
        elif b"GET /away" in head:
            answer(b"", "302 Found", "Location: http://example.org/\r\n")(conn, head)
        elif b"GET /round" in head:
            answer(b"", "302 Found", "Location: /round\r\n")(conn, head)
        else:
            answer(b"ok")(conn, head)

    with server(hop) as (port, _seen):
        assert client(port).get("/x").body == b"ok"
        with pytest.raises(http.Interrupted) as got:
            client(port).get("/away")
        assert got.value.reason == "redirect"
        with pytest.raises(http.Interrupted):
            client(port).get("/round")


def test_a_token_never_goes_to_another_origin() -> None:
    with pytest.raises(http.Blocked):
        http.Client("https://a.example", token="t").get("https://b.example/x")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0",
        "fc00::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::",
        "2001:db8::1", "ff02::1", "fd00:ec2::254", "::127.0.0.1",
    ],
)  # fmt: skip
def test_guard_knows_what_is_not_public(address: str) -> None:
    assert not http.public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "103.1.2.3", "2606:4700::1111", "64:ff9b::808:808"])
def test_guard_lets_public_addresses_through(address: str) -> None:
    assert http.public(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://localhost/", "https://2130706433/", "https://0x7f.1/",
        "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://169.254.169.254/",
        "http://example.org/", "ftp://example.org/", "https://user:pw@example.org/",
    ],
)  # fmt: skip
def test_guard_refuses(url: str) -> None:
    with pytest.raises(http.Blocked):
        http.Client(url, timeout=5).get("/")


def test_an_exception_is_exact_to_host_and_port() -> None:
    with server(answer()) as (port, seen):
        rules = http.Rules(frozenset({f"127.0.0.1:{port + 1}"}))
        with pytest.raises(http.Blocked):
            http.Client(f"https://127.0.0.1:{port}", rules=rules).get("/")
        assert seen == []


def test_one_private_address_among_public_ones_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(2, 1, 6, "", ("8.8.8.8", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: rows)
    with pytest.raises(http.Blocked):
        http.Client("https://campur.example").get("/")


def test_the_name_is_looked_up_once_and_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    with server(answer(b"hai")) as (port, seen):

        def lookup(host: str, *a: object, **k: object) -> list[object]:
            asked.append(host)
            return [(2, 1, 6, "", ("127.0.0.1" if len(asked) == 1 else "10.0.0.1", port))]

        rules = http.Rules(frozenset({f"situs.example:{port}"}))
        real = socket.create_connection

        def connect(address: tuple[str, int], timeout: float) -> socket.socket:
            assert address == ("127.0.0.1", port)
            sock = socket.socket()
            sock.settimeout(timeout)
            sock.connect(address)
            return sock

        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        monkeypatch.setattr(socket, "create_connection", connect)
        got = http.Client(f"http://situs.example:{port}", rules=rules).get("/")
        monkeypatch.setattr(socket, "create_connection", real)
    assert got.body == b"hai" and asked == ["situs.example"]
    assert f"host: situs.example:{port}".encode() in seen[0].lower()


def test_a_proxy_carries_plain_requests_and_refusals_send_nothing() -> None:
    with server(answer(b"lewat")) as (port, seen):
        rules = http.Rules(frozenset({"dalam.example:80"}), f"http://127.0.0.1:{port}")
        assert http.Client("http://dalam.example", rules=rules).get("/x").body == b"lewat"
        assert seen[0].startswith(b"GET http://dalam.example/x HTTP/1.1")
    with server(answer(b"", "403 Forbidden")) as (port, seen):
        rules = http.Rules(proxy=f"http://127.0.0.1:{port}")
        with pytest.raises(http.NothingSent):
            http.Client("https://luar.example", token="rahasia", rules=rules).send("POST", "/x")
        assert seen[0].startswith(b"CONNECT luar.example:443") and b"rahasia" not in seen[0]
        with pytest.raises(http.Blocked):
            http.Client("https://169.254.169.254", rules=rules).get("/")
        with pytest.raises(http.Blocked):
            http.Client("https://localhost", rules=rules).get("/")


def test_secrets_stay_out_of_reprs_logs_and_errors(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with server(answer(b'{"access_token": "bocor"}')) as (port, _):
        visitor = client(port, token="rahasia")
        got = visitor.get("/?sandi=rahasia")
        assert "rahasia" not in repr(visitor) and "bocor" not in repr(got)
        assert "rahasia" not in repr(got)
    with pytest.raises(http.HttpError) as wrong:
        visitor.get("/?sandi=rahasia")
    assert "rahasia" not in str(wrong.value) + repr(wrong.value)
    assert "rahasia" not in caplog.text and "bocor" not in caplog.text


def test_configure_refuses_what_it_cannot_mean() -> None:
    before = http.rules()
    with pytest.raises(ValueError):
        http.configure(private_hosts=["localhost"])
    with pytest.raises(ValueError):
        http.configure(proxy="socks5://x")
    assert http.rules() == before


def certificate(name: str, folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "cert.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


def test_tls_keeps_the_name_checks_it_and_tells_before_from_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate("situs.example", tmp_path)
    there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    there.load_cert_chain(pem)
    names: list[str | None] = []
    there.sni_callback = lambda sock, name, context: names.append(name)
    heads: list[bytes] = []

    def serve(conn: socket.socket, _: bytes) -> None:
        with there.wrap_socket(conn, server_side=True) as secure:
            heads.append(secure.recv(65536))
            if b"/putus" not in heads[-1]:
                answer(b"aman")(secure, b"")

    with server(serve, read=False) as (port, _):
        rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        real = socket.getaddrinfo

        def lookup(host: str, *args: Any, **more: Any) -> Any:
            return rows if host.endswith(".example") else real(host, *args, **more)

        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        rules = http.Rules(frozenset({f"situs.example:{port}", f"lain.example:{port}"}))
        here = ssl.create_default_context(cafile=pem)
        site = http.Client(f"https://situs.example:{port}", rules=rules, tls=here)
        assert site.get("/x").body == b"aman"
        assert names == ["situs.example"]
        assert f"host: situs.example:{port}".encode() in heads[0].lower()
        with pytest.raises(http.Interrupted):
            site.send("POST", "/putus")
        sent = len(heads)
        for stranger in (
            http.Client(f"https://lain.example:{port}", rules=rules, tls=here),
            http.Client(f"https://situs.example:{port}", rules=rules),
        ):
            with pytest.raises(http.NothingSent) as got:
                stranger.send("POST", "/x")
            assert got.value.reason == "tls"
        assert len(heads) == sent
