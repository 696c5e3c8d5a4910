"""The channel against a server that refuses what the real one refuses, and loses answers."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tanggap.channels.base import (
    Context,
    Credentials,
    Draft,
    Media,
    NotFound,
    Posted,
    Ready,
    Sent,
    Target,
)
from tanggap.channels.bluesky import text
from tanggap.channels.bluesky.answers import judge
from tanggap.channels.bluesky.channel import POST, Bluesky
from tanggap.channels.bluesky.pull import item
from tanggap.channels.bluesky.tid import tid
from tanggap.channels.errors import (
    ChannelError,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from tanggap.core.http import Answer, Client, Rules
from tests.fakes.bluesky_server import TID, BlueskyServer

SAMPLES = Path(__file__).parent / "samples"
FAMILY = "👨‍👩‍👧‍👦"


def channel(server: BlueskyServer, given: dict[str, str] | None = None, **more: Any) -> Bluesky:
    """The channel, connected as the caller would: a session first, then who it is."""
    rules = Rules(frozenset({f"127.0.0.1:{server.port}"}))
    secret = {"server": server.url, "handle": server.me.handle, "app_password": server.password}
    secret |= given or {}

    def opened(secret: dict[str, str]) -> Bluesky:
        http = Client(server.url, token=Bluesky.token(secret), rules=rules, **more)
        return Bluesky(Context(Credentials(secret), datetime.now(UTC), http))

    if "access_jwt" not in secret:
        secret |= dict(opened(secret).renew())
    one = opened(secret)
    me = one.verify()
    return Bluesky(replace(one.context, limits=me.limits, account_id=me.account_id))


def post(one: Bluesky, draft: Draft, key: str = "kunci-1") -> Posted:
    ready = one.prepare(draft, None)
    assert isinstance(ready, Ready)
    if draft.reply_to:
        return one.reply(draft.reply_to, ready, key)
    return one.publish(ready, key)


def sent(draft: Draft, key: str = "kunci-1", ago: float = 1, **more: Any) -> Sent:
    return Sent(draft, datetime.now(UTC) - timedelta(seconds=ago), key, **more)


def picture(
    alt: str = "Peta jalan", data: bytes = b"\x89PNG....", mime: str = "image/png"
) -> Media:
    digest = hashlib.sha256(data).hexdigest()
    return Media(digest, "peta.png", mime, len(data), alt, lambda: io.BytesIO(data))


# --- sessions ------------------------------------------------------------------------------------


def test_a_session_is_carried_on_and_only_then_logged_in_anew(bluesky_fake: BlueskyServer) -> None:
    one = channel(bluesky_fake)
    first = dict(one.context.credentials)
    assert first["expires_in"] == "7200"
    second = dict(channel(bluesky_fake, first).renew())
    assert bluesky_fake.count("com.atproto.server.createSession") == 1
    assert second["access_jwt"] != first["access_jwt"]
    # A refresh that was used up, or refused by name, is followed by the app password.
    channel(bluesky_fake, first).renew()
    assert bluesky_fake.count("com.atproto.server.createSession") == 2
    bluesky_fake.password = "lain"
    with pytest.raises(NotAuthorised) as got:
        channel(bluesky_fake, first).renew()
    assert "abcd-efgh" not in str(got.value) + repr(one.context)


def test_a_session_that_has_ended_is_no_refusal_of_the_credentials(
    bluesky_fake: BlueskyServer,
) -> None:
    one = channel(bluesky_fake)
    bluesky_fake.sessions = dict.fromkeys(bluesky_fake.sessions, "used")
    for act in (one.verify, lambda: one.publish(Ready(Draft("Halo")), "k")):
        with pytest.raises(Unavailable) as got:
            act()
        assert got.value.code == "session_ended"
    assert bluesky_fake.posts() == []


def test_a_life_that_makes_no_sense_is_two_hours(bluesky_fake: BlueskyServer) -> None:
    bluesky_fake.knobs.life = -5
    assert channel(bluesky_fake).context.credentials["expires_in"] == "7200"


# --- text ----------------------------------------------------------------------------------------


def test_facets_count_in_bytes() -> None:
    words = f"{FAMILY} Halo @warga.example, baca https://lumbung.example/jalan?a=1. #JalanRusak!"
    found = text.facets(words, {"warga.example": "did:plc:warga"})
    raw = words.encode()
    shown = [raw[one["index"]["byteStart"] : one["index"]["byteEnd"]].decode() for one in found]
    assert shown == ["@warga.example", "https://lumbung.example/jalan?a=1", "#JalanRusak"]
    assert found[0]["features"][0]["did"] == "did:plc:warga"
    assert found[1]["features"][0]["uri"] == "https://lumbung.example/jalan?a=1"
    assert found[2]["features"][0]["tag"] == "JalanRusak"


def test_what_is_no_mention_and_no_hashtag_stays_text() -> None:
    for words in (
        "surel a@b.example",
        "#1 dan #",
        "nomor#dua",
        "@siti",
        "https://a.example/#b/@c.d",
    ):
        found = text.facets(words, {"b.example": "did:plc:x", "c.d": "did:plc:y"})
        kinds = {one["features"][0]["$type"].rpartition("#")[2] for one in found}
        assert kinds <= {"link"}, words
    assert text.facets("@siti.example", {}) == []


def test_both_counters_hold(bluesky_fake: BlueskyServer) -> None:
    one = channel(bluesky_fake)
    assert one.count(Draft("a" * 299 + FAMILY)) == 300
    assert isinstance(one.prepare(Draft("a" * 299 + FAMILY)), Ready)
    for words in ("a" * 301, FAMILY * 121):
        assert one.count(Draft(words)) > 300
        with pytest.raises(Rejected) as got:
            one.prepare(Draft(words))
        assert got.value.code == "too_long"
    post(one, Draft(FAMILY * 120))


# --- send ----------------------------------------------------------------------------------------


def test_a_record_is_named_by_the_key_alone() -> None:
    names = {tid(f"kunci-{n}") for n in range(2000)}
    assert len(names) == 2000 and all(TID.fullmatch(name) for name in names)
    assert tid("kunci-1") == tid("kunci-1")
    # Never in the future: the time that the name pretends to hold is of 2023.
    assert max(names) < "3kkkkkkkkkkkk"


def test_a_post_with_everything(bluesky_fake: BlueskyServer) -> None:
    warga = bluesky_fake.person("warga.example")
    one = channel(bluesky_fake)
    draft = Draft(
        "Halo @warga.example, @takada.example #Jalan https://a.example", media=(picture(),)
    )
    done = post(one, draft)
    (row,) = bluesky_fake.posts()
    assert row["uri"] == done.remote_id and row["value"]["text"] == draft.text
    assert done.url == f"https://bsky.app/profile/{bluesky_fake.me.did}/post/{tid('kunci-1')}"
    first, *others = row["value"]["facets"]
    assert first["features"][0]["did"] == warga.did and len(others) == 2
    (image,) = row["value"]["embed"]["images"]
    assert image["alt"] == "Peta jalan" and image["image"]["size"] == 8
    assert row["value"]["langs"] == ["id"]
    assert done.rate is not None and (done.rate.scope, done.rate.limit) == ("posts", 2500)


def test_a_repeat_is_the_same_record(bluesky_fake: BlueskyServer) -> None:
    one = channel(bluesky_fake)
    ready = one.prepare(Draft("Jalan ditutup"))
    first, again = one.publish(ready, "k"), one.publish(ready, "k")
    assert (first.remote_id, len(bluesky_fake.puts)) == (again.remote_id, 1)
    # Later, by another worker: its bytes differ by the time, and nothing is written over.
    later = Bluesky(replace(one.context, now=one.context.now + timedelta(minutes=3)))
    with pytest.raises(OutcomeUnknown) as got:
        later.publish(ready, "k")
    assert got.value.code == "already_there" and len(bluesky_fake.puts) == 1
    found = later.confirm(sent(ready.draft, "k"))
    assert isinstance(found, Posted) and found.remote_id == first.remote_id


@pytest.mark.parametrize(
    "fault", ["accept_timeout", "accept_reset", "accept_500", "accept_garbage"]
)
def test_an_answer_that_is_lost_is_looked_up_under_our_name(
    bluesky_fake: BlueskyServer, fault: str
) -> None:
    one = channel(bluesky_fake, timeout=1.0)
    draft = Draft("Jalan ditutup")
    ready = one.prepare(draft)
    bluesky_fake.knobs.next_put = fault
    with pytest.raises(OutcomeUnknown):
        one.publish(ready, "k")
    found = channel(bluesky_fake).confirm(sent(draft, "k"))
    assert isinstance(found, Posted) and [found.remote_id] == bluesky_fake.puts


@pytest.mark.parametrize("fault", ["timeout", "reset", "html_502"])
def test_what_never_came_is_not_found(bluesky_fake: BlueskyServer, fault: str) -> None:
    one = channel(bluesky_fake, timeout=1.0)
    bluesky_fake.knobs.next_put = fault
    with pytest.raises(OutcomeUnknown):
        one.publish(Ready(Draft("Halo")), "k")
    found = channel(bluesky_fake).confirm(sent(Draft("Halo"), "k"))
    assert isinstance(found, NotFound) and found.complete


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ((400, "InvalidRequest"), Rejected),
        ((401, "AuthenticationRequired"), NotAuthorised),
        ((400, "AccountTakedown"), NotAuthorised),
        ((400, "ExpiredToken"), Unavailable),
        ((400, "BlobNotFound"), Unavailable),
        ((413, "PayloadTooLarge"), Rejected),
        ((429, "RateLimitExceeded"), RateLimited),
        ((500, "InternalServerError"), OutcomeUnknown),
        ((502, "UpstreamFailure"), OutcomeUnknown),
    ],
)
def test_what_the_answers_mean(
    bluesky_fake: BlueskyServer, said: tuple[int, str], error: type[ChannelError]
) -> None:
    one = channel(bluesky_fake)
    bluesky_fake.knobs.next_put = said
    with pytest.raises(error) as got:
        one.publish(Ready(Draft("Halo")), "k")
    assert got.value.status == said[0] and got.value.rate is not None
    assert bluesky_fake.posts() == []


def test_a_proxy_says_nothing_about_the_network() -> None:
    import httpx

    page = Answer(400, httpx.Headers({}), b"<html>", "https://a.example/")
    assert type(judge(page, "posts", datetime.now(UTC), sending=True)) is OutcomeUnknown
    assert type(judge(page, "reads", datetime.now(UTC), sending=False)) is Unavailable


def test_a_reply_names_its_parent_and_the_first_post(bluesky_fake: BlueskyServer) -> None:
    one = channel(bluesky_fake)
    root = post(one, Draft("Jalan ditutup"))
    asked = bluesky_fake.says("warga.example", "Sampai kapan?", to=root.remote_id)
    done = post(one, Draft("Sampai Jumat.", reply_to=Target(asked, "warga.example")), "k2")
    reply = bluesky_fake.records[done.remote_id]["value"]["reply"]
    assert (reply["parent"]["uri"], reply["root"]["uri"]) == (asked, root.remote_id)
    # The part of a thread: its parent was not known when it was prepared.
    ready = one.prepare(Draft("Bagian dua"))
    to = Target(done.remote_id)
    part = one.reply(to, replace(ready, draft=replace(ready.draft, reply_to=to)), "k3")
    below = bluesky_fake.records[part.remote_id]["value"]["reply"]
    assert (below["parent"]["uri"], below["root"]["uri"]) == (done.remote_id, root.remote_id)
    with pytest.raises(Rejected):
        post(one, Draft("x", reply_to=Target("at://did:plc:x/app.bsky.feed.post/3k")), "k4")


def test_a_post_made_by_hand_meanwhile_counts_and_a_taken_one_never(
    bluesky_fake: BlueskyServer,
) -> None:
    one = channel(bluesky_fake)
    by_hand = post(one, Draft("Jalan ditutup"), "tangan")
    found = one.confirm(sent(Draft("Jalan ditutup"), "k"))
    assert isinstance(found, Posted) and found.remote_id == by_hand.remote_id
    taken = frozenset({by_hand.remote_id})
    assert isinstance(one.confirm(sent(Draft("Jalan ditutup"), "k", taken=taken)), NotFound)
    assert isinstance(one.confirm(sent(Draft("Jalan ditutup!"), "k")), NotFound)
    assert isinstance(one.confirm(sent(Draft("Jalan ditutup"), "k", ago=-3600)), NotFound)
    assert isinstance(one.confirm(sent(Draft("Jalan ditutup"), "tangan", taken=taken)), NotFound)


def test_refused_before_anything_is_sent(bluesky_fake: BlueskyServer) -> None:
    one = channel(bluesky_fake)
    big = picture(data=b"x" * 2_000_001)
    for draft, code in (
        (Draft(" "), "empty"),
        (Draft("a", visibility="direct"), "not_public"),
        (Draft("a", media=(picture(),) * 5), "too_many_media"),
        (Draft("a", media=(picture(mime="video/mp4"),)), "media_type"),
        (Draft("a", media=(big,)), "media_too_large"),
    ):
        with pytest.raises(Rejected) as got:
            one.prepare(draft)
        assert got.value.code == code
    assert bluesky_fake.count("com.atproto.repo.uploadBlob") == 0


def test_measure_and_remove(bluesky_fake: BlueskyServer) -> None:
    one = channel(bluesky_fake)
    done = post(one, Draft("Jalan ditutup"))
    bluesky_fake.likes[done.remote_id] = 7
    bluesky_fake.says("warga.example", "Kapan?", to=done.remote_id)
    values = one.metrics(done).values
    assert values == {"replies": 1, "reblogs": 0, "favourites": 7, "quotes": 0}
    # A person's proof link holds the record's name only.
    pasted = Posted(done.remote_id.rpartition("/")[2], done.url)
    assert one.metrics(pasted).values["favourites"] == 7
    assert one.remove(done).already is False and one.remove(done).already is True
    with pytest.raises(Rejected) as got:
        one.metrics(done)
    assert got.value.status == 404 and got.value.said


# --- listen --------------------------------------------------------------------------------------


def test_everything_is_heard_once(bluesky_fake: BlueskyServer) -> None:
    one = channel(bluesky_fake)
    root = post(one, Draft("Jalan ditutup")).remote_id
    called = bluesky_fake.says("siti.example", "@diskominfo.lumbung.example lampu mati")
    bluesky_fake.knobs.unnotified = True
    quiet = bluesky_fake.says("budi.example", "Kapan dibuka?", to=root, picture="a.jpg")
    deeper = bluesky_fake.says("ani.example", "Ya, kapan?", to=quiet)
    bluesky_fake.notify("like", "siti.example", subject=root)
    bluesky_fake.notify("follow", "budi.example")
    got = one.fetch("")
    heard = {row.remote_id: row for row in got.items}
    assert set(heard) == {called, quiet, deeper}
    assert (heard[deeper].root, heard[deeper].in_reply_to) == (root, quiet)
    assert heard[quiet].media[0].url == "https://cdn.example/a.jpg"
    assert (heard[called].kind, heard[called].root) == ("mention", called)
    assert sorted(row.kind for row in got.reactions) == ["favourite", "follow"]
    assert json.loads(heard[quiet].raw)["record"]["text"] == "Kapan dibuka?"
    again = one.fetch(got.cursor)
    assert not again.more
    assert {row.remote_id for row in again.items} <= set(heard)
    assert all(row.fingerprint == heard[row.remote_id].fingerprint for row in again.items)


def test_a_flood_is_walked_back_to_what_is_known(bluesky_fake: BlueskyServer) -> None:
    one = channel(bluesky_fake)
    first = bluesky_fake.says("siti.example", "@diskominfo.lumbung.example satu")
    cursor = one.fetch("").cursor
    wanted = {
        bluesky_fake.says(f"w{n}.example", f"@diskominfo.lumbung.example {n}") for n in range(620)
    }
    heard: set[str] = set()
    for _ in range(4):
        got = one.fetch(cursor)
        heard |= {row.remote_id for row in got.items}
        cursor = got.cursor
        if not got.more:
            break
        # They go on writing while we walk.
        wanted.add(bluesky_fake.says("lagi.example", "@diskominfo.lumbung.example lagi"))
    heard |= {row.remote_id for row in one.fetch(cursor).items}
    assert heard - {first} == wanted


def test_what_cannot_be_read_is_kept_apart(bluesky_fake: BlueskyServer) -> None:
    one = channel(bluesky_fake)
    uri = bluesky_fake.says("siti.example", "@diskominfo.lumbung.example halo")
    bluesky_fake.views[uri]["record"] = {"text": 7}
    got = one.fetch("")
    assert got.items == () and len(got.unreadable) == 1


def test_the_samples_read_as_they_say() -> None:
    thread = json.loads((SAMPLES / "thread.json").read_text())["thread"]
    found = item(thread["replies"][0]["post"])
    assert found.text == "Sampai kapan ditutup?" and found.author.handle == "warga.example"
    assert found.root == thread["post"]["uri"] and found.language == "id"
    notes = json.loads((SAMPLES / "notifications.json").read_text())["notifications"]
    assert [one["reason"] for one in notes] == ["reply", "like"]
    assert POST in notes[0]["uri"]


def test_a_network_that_asks_to_wait(bluesky_fake: BlueskyServer) -> None:
    one = channel(bluesky_fake)
    bluesky_fake.knobs.limited = True
    with pytest.raises(RateLimited) as got:
        one.fetch("")
    assert got.value.retry_at > datetime.now(UTC) + timedelta(minutes=50)
    bluesky_fake.knobs.headers = False
    with pytest.raises(RateLimited) as got:
        one.publish(Ready(Draft("Halo")), "k")
    assert got.value.scope == "posts" and got.value.retry_at > datetime.now(UTC)
