"""Whatever comes from outside: no exception but ours, no hang, no more memory than the cap.

Every parser of foreign bytes that channels have, under bytes and records that nobody would send.
"""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tanggap.channels.base import Context, Credentials, Fetched
from tanggap.channels.bluesky import pull as bluesky
from tanggap.channels.bluesky.channel import Bluesky
from tanggap.channels.bluesky.text import facets, handles
from tanggap.channels.errors import ChannelError, Rejected
from tanggap.channels.mastodon import pull as mastodon
from tanggap.channels.mastodon import text as mastodon_text
from tanggap.channels.website.channel import Website
from tanggap.channels.website.feeds import MOST, parse, plain
from tanggap.core.http import Answer

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
BASE = "https://lumbung.example/umpan"
UNREADABLE = (KeyError, ValueError, TypeError, AttributeError)
"""What `_Pull.take` of both networks keeps apart."""
quick = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["at://did:plc:x/app.bsky.feed.post/3k", "2026-11-22T04:00:00Z", "<p>a</p>"])
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def record_of(*names: str) -> Any:
    """Objects with the names that a parser looks for, holding anything."""
    inner = st.fixed_dictionaries({}, optional=dict.fromkeys(names, anything))
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, anything | inner))


def xml(body: str) -> bytes:
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{body}</channel></rss>'.encode(
        "utf-8", "surrogatepass"
    )


# --- feeds and what comes to the door ------------------------------------------------------------


@quick
@given(st.binary(max_size=400) | anything.map(lambda one: json.dumps(one).encode()))
def test_bytes_of_a_feed(body: bytes) -> None:
    try:
        found = parse(body, kind="", base=BASE, now=NOW)
    except ChannelError as error:
        assert type(error) is Rejected
    else:
        assert all(one.remote_id and one.text and one.at <= NOW for one in found.items)


@quick
@given(
    st.lists(
        record_of(
            "id",
            "url",
            "title",
            "content_text",
            "content_html",
            "date_published",
            "authors",
            "author",
            "name",
            "attachments",
            "image",
            "language",
            "summary",
        ),
        max_size=4,
    ),
    anything,
)
def test_entries_of_a_json_feed(rows: list[Any], hubs: Any) -> None:
    body = {"version": "https://jsonfeed.org/version/1.1", "items": rows, "hubs": hubs}
    found = parse(json.dumps(body).encode(), kind="", base=BASE, now=NOW)
    assert len(found.items) + len(found.unreadable) == len(rows)


PIECES = st.sampled_from(
    ["<item>", "</item>", "<guid>", "</guid>", "<title>", "</title>", "<![CDATA[", "]]>", "&amp;",
     "&x;", "<!DOCTYPE a [", "<!ENTITY x 'y'>", "]>", "<link/>", "<pubDate>0</pubDate>", "a", "<",
     "<atom:link rel='hub' href='x'/>", "<description>&lt;p&gt;", "</description>", "\x00", "é"]
)  # fmt: skip


@quick
@given(st.lists(PIECES, max_size=40).map("".join))
def test_entries_of_an_xml_feed(body: str) -> None:
    try:
        found = parse(xml(body), kind="application/rss+xml", base=BASE, now=NOW)
    except ChannelError as error:
        assert type(error) is Rejected
    else:
        assert all(one.remote_id and one.text for one in found.items)


@quick
@given(st.text(max_size=200), st.sampled_from(["<", "&", "<p", "<b><i>", "</", "<!--", "&#"]))
def test_markup_in_words(text: str, mark: str) -> None:
    assert isinstance(plain(mark * 50 + text + mark), str)
    assert isinstance(mastodon_text.plain(mark * 50 + text), str)


def test_large_and_deep_things_stay_within_the_cap() -> None:
    bombs = (
        b"{" + b"[" * (MOST - 1),
        b'{"version":"https://jsonfeed.org/version/1.1","items":' + b"[" * 100_000,
        xml("<item>" * 2_000),
        xml("<a>" * 2_000 + "</a>" * 2_000),
        xml("<item><guid>1</guid><description>" + "&lt;b&gt;" * 5_000 + "</description></item>"),
        b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
        + b"".join(b'<!ENTITY a%d "&a%d;&a%d;">' % (n, n - 1, n - 1) for n in range(1, 40))
        + b']><rss version="2.0"><channel><item><guid>&a39;</guid></item></channel></rss>',
        b"x" * (MOST + 1),
    )
    for body in bombs:
        tracemalloc.start()
        try:
            parse(body, kind="", base=BASE, now=NOW)
        except Rejected:
            pass
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # What a parser builds of a feed is a multiple of it, but never of what it pretends to be.
        assert peak < 20 * MOST, body[:60]


@quick
@given(
    st.dictionaries(st.sampled_from(["x-hub-signature", "content-type", "link"]), st.text()),
    st.binary(max_size=200),
    st.dictionaries(st.sampled_from(["secret", "topic", "token"]), st.text()),
)
def test_what_comes_to_the_door(headers: dict[str, str], body: bytes, kept: dict[str, str]) -> None:
    assert Website.genuine(headers, body, kept) is False
    query = {f"hub.{name}": value for name, value in kept.items()} | headers
    assert Website.welcome(query, kept) is None
    opened = Website(Context(Credentials({"feed": BASE}), NOW))
    try:
        assert isinstance(opened.receive(headers, body), Fetched)
    except ChannelError as error:
        assert type(error) is Rejected


# --- records of networks -------------------------------------------------------------------------


@quick
@given(
    record_of(
        "uri",
        "author",
        "record",
        "did",
        "handle",
        "displayName",
        "text",
        "createdAt",
        "reply",
        "root",
        "parent",
        "langs",
        "embed",
        "images",
        "media",
        "fullsize",
        "indexedAt",
    )
)
def test_posts_of_the_at_protocol(view: dict[str, Any]) -> None:
    try:
        found = bluesky.item(view)
    except UNREADABLE:
        return
    assert found.remote_id and found.fingerprint and found.author.id


@quick
@given(anything)
def test_a_whole_pull_of_the_at_protocol(answer: Any) -> None:
    class Says:
        def get(self, path: str, **more: Any) -> Answer:
            import httpx

            body = json.dumps(answer).encode()
            return Answer(200, httpx.Headers(), body, f"https://a.example{path}")

    try:
        found = bluesky.pull(Says(), "did:plc:me", json.dumps(answer), NOW)  # type: ignore[arg-type]
    except ChannelError:
        return
    assert isinstance(found, Fetched)


@quick
@given(st.text(max_size=200))
def test_words_with_links_and_names(words: str) -> None:
    size = len(words.encode("utf-8", "surrogatepass"))
    if size == len(words.encode("utf-8", "replace")):
        for one in facets(words, dict.fromkeys(handles(words), "did:plc:x")):
            assert 0 <= one["index"]["byteStart"] < one["index"]["byteEnd"] <= size
    assert Bluesky.kind


@quick
@given(
    record_of(
        "id",
        "account",
        "acct",
        "username",
        "display_name",
        "content",
        "created_at",
        "edited_at",
        "visibility",
        "spoiler_text",
        "in_reply_to_id",
        "media_attachments",
        "language",
        "url",
    )
)
def test_statuses_of_the_mastodon_protocol(status: dict[str, Any]) -> None:
    try:
        found = mastodon.item(status, "mention", "")
    except UNREADABLE:
        return
    assert found.fingerprint
