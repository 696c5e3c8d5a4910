"""Feeds of three kinds as items, and the two questions of WebSub."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tanggap.channels.base import Context, Credentials, Hub
from tanggap.channels.errors import RateLimited, Rejected, Unavailable
from tanggap.channels.website.channel import LEASE_S, Website
from tanggap.channels.website.feeds import ID, MOST, Feed, parse, plain, short
from tanggap.core import http
from tanggap.core.http import Client
from tests.fakes.web import Web, signature

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
BASE = "https://lumbung.example/umpan"


def read(name: str) -> Feed:
    return parse((SAMPLES / name).read_bytes(), kind="", base=BASE, now=NOW)


@pytest.fixture
def web() -> Any:
    before = http.rules()
    with Web((SAMPLES / "feed.json").read_bytes()) as found:
        http.configure(private_hosts=[f"127.0.0.1:{found.port}"])
        yield found
    http.configure(private_hosts=before.private_hosts, proxy=before.proxy)


def channel(web: Web) -> Website:
    given = {"server": web.url, "feed": web.address, "handle": "lumbung.example"}
    assert Website.base_url(given) == web.url
    return Website(Context(Credentials(given), NOW, Client(web.url)))


# --- feeds ---------------------------------------------------------------------------------------


def test_a_json_feed() -> None:
    found = read("feed.json")
    (one,) = found.items
    assert one.text == "Kapan Jalan Melati dibuka?\n\nAnak saya lewat situ."
    assert (one.kind, one.root) == ("comment", "https://lumbung.example/jalan-melati")
    assert one.at == datetime(2026, 11, 21, 2, 10, tzinfo=UTC)
    assert (one.author.handle, one.author.id) == ("Warga", "lumbung.example/warga")
    assert found.hub == Hub("https://hub.example/", "https://lumbung.example/komentar.json")
    assert len(found.unreadable) == 1 and b"tanpa-id" in found.unreadable[0]


def test_rss_comments_are_one_thread_a_page() -> None:
    found = read("comments.rss")
    (one,) = found.items
    assert one.text.endswith("Lampu di Jalan Melati mati & gelap.")
    assert one.root == "https://lumbung.example/jalan-melati/" and one.author.handle == "Siti"
    assert one.remote_id == "https://lumbung.example/?p=7#comment-12"
    assert found.hub == Hub("https://hub.example/", "https://lumbung.example/comments/feed/")


def test_an_atom_feed() -> None:
    (one,) = read("news.atom").items
    assert one.text == "Warga Lumbung menunggu jalan dibuka\n\nJalan Melati ditutup sejak Senin."
    assert (one.kind, one.author.url) == ("mention", "https://koran.example/redaksi")


def test_what_is_no_feed_is_refused() -> None:
    for body in (b"", b"<html><p>x</p></html>", b"{}", b'{"version": 3, "items": []}', b"\xff\xfe"):
        with pytest.raises(Rejected):
            parse(body, kind="", base=BASE, now=NOW)
    with pytest.raises(Rejected) as got:
        parse(b"{" + b" " * MOST, kind="", base=BASE, now=NOW)
    assert got.value.code == "too_large"


def test_no_file_and_no_address_is_opened(tmp_path: Path) -> None:
    secret = tmp_path / "rahasia"
    secret.write_text("rahasia sekali")
    body = (
        f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file://{secret}">]>'
        '<rss version="2.0"><channel><title>t</title><item><guid>1</guid><title>a &x; b</title>'
        "</item></channel></rss>"
    ).encode()
    found = parse(body, kind="", base=BASE, now=NOW)
    assert all("rahasia sekali" not in one.text for one in found.items)
    with pytest.raises(Rejected):
        parse(str(secret).encode(), kind="", base=BASE, now=NOW)


def test_words_without_markup_stay_as_they_are() -> None:
    assert plain("2 < 3 dan a & b") == "2 < 3 dan a & b"
    assert plain("<p>satu<br>dua</p><script>x()</script><p>tiga</p>") == "satu\ndua\n\ntiga"
    assert short("x" * ID) == "x" * ID and short("x" * (ID + 1)).startswith("urn:sha256:")


# --- pulling -------------------------------------------------------------------------------------


def test_a_feed_that_has_not_changed_is_not_read_again(web: Web) -> None:
    one = channel(web)
    assert one.verify().handle == "lumbung.example"
    first = one.fetch("")
    assert len(first.items) == 1 and json.loads(first.cursor)["e"] == web.etag
    again = one.fetch(first.cursor)
    assert again.items == () and again.cursor == first.cursor
    web.etag = '"dua"'
    assert len(one.fetch(first.cursor).items) == 1


def test_a_site_that_is_gone_silent_or_busy(web: Web) -> None:
    one, web.etag = channel(web), ""
    for status, error in ((404, Rejected), (500, Unavailable), (403, Unavailable)):
        web.status = status
        with pytest.raises(error):
            one.fetch("")
    web.status, web.headers = 429, {"Retry-After": "120"}
    with pytest.raises(RateLimited) as got:
        one.fetch("")
    assert (got.value.retry_at - NOW).total_seconds() == 120


# --- WebSub --------------------------------------------------------------------------------------


def test_the_hub_is_found_and_asked(web: Web) -> None:
    one = channel(web)
    assert one.discover() == Hub("https://hub.example/", "https://lumbung.example/komentar.json")
    web.headers = {"Link": f'<{web.hub}>; rel="hub", <{web.address}>; rel="self"'}
    hub = one.discover()
    assert hub == Hub(web.hub, web.address)
    one.subscribe(hub, "https://tanggap.example/pintu/x", "rahasia")
    (form,) = web.forms
    assert form["hub.mode"] == "subscribe" and form["hub.topic"] == web.address
    assert form["hub.secret"] == "rahasia" and form["hub.lease_seconds"] == str(LEASE_S)


def test_only_the_topic_that_we_asked_for_is_welcome() -> None:
    kept = {"topic": "https://a.example/umpan", "secret": "s"}
    asked = {
        "hub.mode": "subscribe",
        "hub.topic": "https://a.example/umpan",
        "hub.challenge": "abc",
        "hub.lease_seconds": "60",
    }
    said = Website.welcome(asked, kept)
    assert said is not None and (said.text, said.lease_s) == ("abc", 60)
    for wrong in (
        {"hub.topic": "https://b.example/"},
        {"hub.mode": "unsubscribe"},
        {"hub.mode": "denied"},
        {"hub.challenge": ""},
    ):
        assert Website.welcome({**asked, **wrong}, kept) is None
    assert Website.welcome(asked, {}) is None


def test_a_signature_is_over_the_raw_bytes() -> None:
    kept, body = {"secret": "rahasia"}, b'{"a": 1}\n'
    for method in ("sha1", "sha256", "sha384", "sha512"):
        headers = {"x-hub-signature": signature(body, "rahasia", method)["X-Hub-Signature"]}
        assert Website.genuine(headers, body, kept), method
        assert not Website.genuine(headers, body + b" ", kept)
        assert not Website.genuine(headers, body, {"secret": "lain"})
        assert not Website.genuine(headers, body, {})
    for wrong in ("", "sha256", "md5=00", "sha256=", "sha256=é"):
        assert not Website.genuine({"x-hub-signature": wrong}, body, kept)
