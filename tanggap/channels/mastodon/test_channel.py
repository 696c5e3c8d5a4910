"""The channel against the real mock and against a server that lies as real servers do."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tanggap.channels import oauth
from tanggap.channels.base import (
    Context,
    Credentials,
    Draft,
    Later,
    Media,
    NotFound,
    Posted,
    Ready,
    Sent,
    Target,
)
from tanggap.channels.errors import (
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from tanggap.channels.mastodon import text
from tanggap.channels.mastodon.answers import judge
from tanggap.channels.mastodon.channel import Mastodon
from tanggap.channels.mastodon.limits import DEFAULTS, limits_of
from tanggap.channels.mastodon.pull import item, when
from tanggap.core.http import Answer, Client, Rules
from tests.fakes.mastodon_mock import MastodonMock
from tests.fakes.mastodon_server import MastodonServer

SAMPLES = Path(__file__).parent / "samples"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")
SIDES = ("fake", "mock")


@pytest.fixture(params=SIDES)
def server(request: pytest.FixtureRequest) -> MastodonServer | MastodonMock:
    """Each of the two servers."""
    found: MastodonServer | MastodonMock = request.getfixturevalue(f"mastodon_{request.param}")
    return found


def way_out(server: MastodonServer | MastodonMock, token: str = "", **more: Any) -> Client:
    rules = Rules(frozenset({f"127.0.0.1:{server.port}"}))
    return Client(server.url, token=token or server.token, rules=rules, **more)


def channel(server: MastodonServer | MastodonMock, token: str = "", **more: Any) -> Mastodon:
    """The channel, connected as the caller would: verify first, then with its limits and id."""
    http = way_out(server, token, **more)
    context = Context(Credentials({"server": server.url}), datetime.now(UTC), http)
    if token:
        return Mastodon(context)
    me = Mastodon(context).verify()
    return Mastodon(replace(context, limits=me.limits, account_id=me.account_id))


def picture(alt: str = "Peta jalan", data: bytes = PNG, mime: str = "image/png") -> Media:
    digest = hashlib.sha256(data).hexdigest()
    return Media(digest, "peta.png", mime, len(data), alt, lambda: io.BytesIO(data))


def post(one: Mastodon, draft: Draft, key: str = "kunci-1") -> Posted:
    ready = one.prepare(draft, None)
    assert isinstance(ready, Ready)
    if draft.reply_to:
        return one.reply(draft.reply_to, ready, key)
    return one.publish(ready, key)


def sent(draft: Draft, ago: float = 1, **more: Any) -> Sent:
    return Sent(draft, datetime.now(UTC) - timedelta(seconds=ago), **more)


# --- connect -----------------------------------------------------------------------------------


def test_verify_reads_the_live_limits(server: MastodonServer | MastodonMock) -> None:
    me = Mastodon(Context(Credentials({}), datetime.now(UTC), way_out(server))).verify()
    assert me.handle == "diskominfo" and me.account_id
    assert (me.limits.max_text, me.limits.url_length, me.limits.max_media) == (500, 23, 4)
    assert me.limits.source == "server"


@pytest.mark.parametrize("v1_only", [False, True])
def test_other_limits_are_taken_as_they_are(mastodon_fake: MastodonServer, v1_only: bool) -> None:
    knobs = mastodon_fake.knobs
    knobs.max_characters, knobs.reserved, knobs.max_media, knobs.v1_only = 5000, 25, 6, v1_only
    limits = channel(mastodon_fake).limits
    assert (limits.max_text, limits.url_length, limits.max_media) == (5000, 25, 6)
    assert limits.mime_types == ("image/jpeg", "image/png") and limits.max_alt == 1500


def test_limits_that_make_no_sense_stay_at_the_default() -> None:
    statuses = {"max_characters": "banyak", "characters_reserved_per_url": -1}
    assert limits_of({"configuration": {"statuses": statuses}}).max_text == DEFAULTS.max_text
    assert limits_of({"configuration": None}).url_length == DEFAULTS.url_length
    assert limits_of({"max_toot_chars": 11000}).max_text == 11000


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_bad_token_is_named_whatever_its_status(
    mastodon_fake: MastodonServer, status: int
) -> None:
    mastodon_fake.knobs.bad_token_status = status
    one = channel(mastodon_fake, token="salah")
    with pytest.raises(NotAuthorised) as got:
        one.verify()
    assert "salah" not in str(got.value) + repr(one.context)


def test_a_bad_token_at_the_mock(mastodon_mock: MastodonMock) -> None:
    with pytest.raises(NotAuthorised):
        channel(mastodon_mock, token="salah").verify()


def test_the_app_registers_itself_and_the_officer_authorises(
    mastodon_fake: MastodonServer,
) -> None:
    http, back = way_out(mastodon_fake), "https://tanggap.example/kembali"
    app = oauth.register(
        http, Mastodon.oauth, name="Tanggap", website="https://x.example", redirect_uri=back
    )
    assert mastodon_fake.client_secret not in repr(app)
    verifier = "v" * 43
    url = oauth.authorise_url(
        mastodon_fake.url, Mastodon.oauth, app, redirect_uri=back, state="s1", verifier=verifier
    )
    query = httpx.URL(url).params
    assert query["state"] == "s1" and query["scope"] == "read write"
    assert query["code_challenge_method"] == "S256" and verifier not in url
    kept = oauth.exchange(
        http,
        Mastodon.oauth,
        app,
        code=mastodon_fake.code,
        redirect_uri=back,
        verifier=verifier,
    )
    assert kept["access_token"] == mastodon_fake.token and mastodon_fake.token not in repr(kept)
    assert mastodon_fake.verifier == verifier
    with pytest.raises(NotAuthorised):
        oauth.exchange(http, Mastodon.oauth, app, code="lama", redirect_uri=back, verifier=verifier)


def test_the_mock_registers_and_gives_a_token(mastodon_mock: MastodonMock) -> None:
    http, back = way_out(mastodon_mock), "https://tanggap.example/kembali"
    app = oauth.register(http, Mastodon.oauth, name="Tanggap", website="", redirect_uri=back)
    with httpx.Client(base_url=mastodon_mock.url) as browser:
        form = {"username": "diskominfo", "redirect_uri": back, "client_id": app.client_id}
        where = browser.post("/oauth/authorize", data=form).headers["location"]
    code = httpx.URL(where).params["code"]
    kept = oauth.exchange(
        http, Mastodon.oauth, app, code=code, redirect_uri=back, verifier="v" * 43
    )
    assert channel(mastodon_mock, token=kept["access_token"]).verify().handle == "diskominfo"


def test_the_server_address_may_be_typed_short() -> None:
    assert Mastodon.base_url({"server": " sosial.example/ "}) == "https://sosial.example"
    assert Mastodon.base_url({"server": "http://127.0.0.1:3000"}) == "http://127.0.0.1:3000"
    assert Mastodon.base_url({}) == ""


# --- counting ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "length"),
    [
        ("abc", 3),
        ("👨‍👩‍👧‍👦", 1),
        ("é", 1),
        ("e\u0301", 1),
        ("@a@b.example", 2),
        ("halo @warga@jauh.example!", 12),
        ("https://a.example", 23),
        ("lihat https://a.example/" + "x" * 300 + ".", 30),
        ("surel a@b.example", 17),
        ("", 0),
    ],
)
def test_counts_as_the_server_does(words: str, length: int) -> None:
    assert text.count(words, 23) == length


def test_a_url_counts_what_the_server_reserves() -> None:
    assert text.count("https://a.example/panjang/sekali/ya", 25) == 25


def test_prepare_refuses_what_the_server_would(mastodon_fake: MastodonServer) -> None:
    one = channel(mastodon_fake)
    for draft, code in (
        (Draft("x" * 501), "too_long"),
        (Draft("  "), "empty"),
        (Draft("a", media=tuple(picture(str(n)) for n in range(5))), "too_many_media"),
        (Draft("a", media=(picture(mime="image/tiff"),)), "media_type"),
        (Draft("a", media=(picture(alt="x" * 1501),)), "alt_too_long"),
        (Draft("a", media=(replace(picture(), size=20_000_000),)), "media_too_large"),
    ):
        with pytest.raises(Rejected) as got:
            one.prepare(draft, None)
        assert got.value.code == code
    assert mastodon_fake.mutations() == []


def test_a_reply_counts_the_name_that_it_calls(mastodon_fake: MastodonServer) -> None:
    one = channel(mastodon_fake)
    draft = Draft("terima kasih", reply_to=Target("1", "siti@jauh.example"))
    assert one.words(draft) == "@siti@jauh.example terima kasih"
    assert one.count(draft) == len("@siti terima kasih")
    assert one.words(replace(draft, text="Halo @siti@jauh.example")) == "Halo @siti@jauh.example"


# --- media -------------------------------------------------------------------------------------


def test_media_go_up_with_their_words(server: MastodonServer | MastodonMock) -> None:
    one = channel(server)
    draft = Draft("Dengan peta", media=(picture("Peta A"), picture("Peta B", PNG + b"x")))
    made = post(one, draft)
    found = json.loads(way_out(server).get(f"/api/v1/statuses/{made.remote_id}").body)
    assert [one["description"] for one in found["media_attachments"]] == ["Peta A", "Peta B"]
    assert one.confirm(sent(draft)) == made or isinstance(one.confirm(sent(draft)), Posted)


def test_unprocessed_media_wait_and_are_uploaded_once(mastodon_fake: MastodonServer) -> None:
    mastodon_fake.knobs.unprocessed_polls = 3
    one, draft = channel(mastodon_fake), Draft("a", media=(picture(),))
    saved: Any = None
    for _ in range(3):
        later = one.prepare(draft, saved)
        assert isinstance(later, Later) and later.retry_at > one.context.now
        saved = json.loads(json.dumps(later.saved))
    assert isinstance(one.prepare(draft, saved), Ready)
    assert len(mastodon_fake.mutations()) == 1


def test_an_old_server_takes_media_the_old_way(mastodon_fake: MastodonServer) -> None:
    mastodon_fake.knobs.media_v1_only = True
    assert isinstance(channel(mastodon_fake).prepare(Draft("a", media=(picture(),)), None), Ready)


def test_a_medium_that_the_server_forgot_goes_up_again(mastodon_fake: MastodonServer) -> None:
    mastodon_fake.knobs.unprocessed_polls = 1
    one, draft = channel(mastodon_fake), Draft("a", media=(picture(),))
    first = one.prepare(draft, None)
    assert isinstance(first, Later)
    mastodon_fake.knobs.forgets_media = True
    second = one.prepare(draft, first.saved)
    assert isinstance(second, Later)
    third = one.prepare(draft, second.saved)
    assert isinstance(third, Later)
    assert isinstance(one.prepare(draft, third.saved), Ready)
    assert mastodon_fake.count("POST", "/api/v2/media") == 2


def test_progress_survives_a_failure_half_way(mastodon_fake: MastodonServer) -> None:
    mastodon_fake.knobs.image_size = len(PNG)
    one = channel(mastodon_fake)
    one = Mastodon(replace(one.context, limits=replace(one.limits, image_bytes=0)))
    draft = Draft("a", media=(picture(), picture("B", PNG + b"xx")))
    with pytest.raises(Rejected) as got:
        one.prepare(draft, None)
    assert got.value.saved and len(got.value.saved["media"]) == 1


# --- sending once ------------------------------------------------------------------------------


def test_publish_is_one_request(server: MastodonServer | MastodonMock) -> None:
    one = channel(server)
    draft = Draft("Halo https://a.example/x #jalan", visibility="unlisted", language="jv")
    made = post(one, draft)
    assert made.remote_id and made.url.startswith("http") and made.at is not None
    assert json.loads(made.raw)["id"] == made.remote_id
    if isinstance(server, MastodonServer):
        assert server.mutations() == [("POST", "/api/v1/statuses")]
        assert server.posts[0]["visibility"] == "unlisted" and server.keys == ["kunci-1"]
        assert made.rate and made.rate.remaining == 250 and made.rate.reset_at


def test_a_reply_lands_under_its_target(server: MastodonServer | MastodonMock) -> None:
    if isinstance(server, MastodonServer):
        target = server.says("siti", "@diskominfo jalan rusak")
    else:
        target = server.says(server.citizen("siti"), "@diskominfo jalan rusak")
    one = channel(server)
    to = Target(target["id"], "siti")
    draft = Draft("Kami tindak lanjuti", reply_to=to)
    made = post(one, draft)
    found = json.loads(way_out(server).get(f"/api/v1/statuses/{made.remote_id}").body)
    assert found["in_reply_to_id"] == target["id"] and "@" in found["content"]
    assert isinstance(one.confirm(sent(draft)), Posted)
    other = replace(draft, reply_to=Target("999999", "siti"))
    assert isinstance(one.confirm(sent(other)), NotFound)


def test_a_private_answer_is_private(server: MastodonServer | MastodonMock) -> None:
    if isinstance(server, MastodonServer):
        target = server.says("siti", "@diskominfo NIK saya", visibility="direct")
    else:
        target = server.says(server.citizen("siti"), "@diskominfo NIK", visibility="direct")
    one = channel(server)
    to = Target(target["id"], "siti")
    draft = Draft("Mohon dihapus", visibility="direct", reply_to=to)
    ready = one.prepare(draft, None)
    assert isinstance(ready, Ready)
    made = one.send_private(to, ready, "k")
    found = json.loads(way_out(server).get(f"/api/v1/statuses/{made.remote_id}").body)
    assert found["visibility"] == "direct"
    public = one.prepare(replace(draft, visibility="public"), None)
    assert isinstance(public, Ready)
    with pytest.raises(Rejected):
        one.send_private(to, public, "k2")


def test_publish_refuses_a_draft_that_answers(mastodon_fake: MastodonServer) -> None:
    one = channel(mastodon_fake)
    with pytest.raises(Rejected):
        one.publish(Ready(Draft("a", reply_to=Target("1"))), "k")
    assert mastodon_fake.mutations() == []


@pytest.mark.parametrize(
    ("fault", "published"),
    [
        ("accept_timeout", 1),
        ("accept_reset", 1),
        ("accept_500", 1),
        ("accept_garbage", 1),
        ("reset", 0),
        ("timeout", 0),
        (500, 0),
        (502, 0),
        (503, 0),
        (504, 0),
        (418, 0),
        (302, 0),
        ("html_401", 0),
        ("html_404", 0),
        ("html_502", 0),
    ],
)
def test_what_is_not_surely_nothing_is_unknown(
    mastodon_fake: MastodonServer, fault: str | int, published: int
) -> None:
    mastodon_fake.knobs.idempotent = False
    one = channel(mastodon_fake, timeout=0.5)
    mastodon_fake.knobs.next_post = fault
    draft = Draft("Sekali saja https://a.example/satu")
    with pytest.raises(OutcomeUnknown):
        one.publish(Ready(draft), "k")
    assert mastodon_fake.count("POST", "/api/v1/statuses") == 1, "never repeated"
    assert len(mastodon_fake.posts) == published
    found = one.confirm(sent(draft))
    if published:
        assert isinstance(found, Posted) and found.remote_id == mastodon_fake.posts[0]["id"]
    else:
        assert isinstance(found, NotFound) and found.complete


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (400, NotAuthorised),
        (401, NotAuthorised),
        (403, NotAuthorised),
        (404, Rejected),
        (410, Rejected),
        (422, Rejected),
        (429, RateLimited),
    ],
)
def test_documented_answers_mean_nothing_happened(
    mastodon_fake: MastodonServer, fault: int, error: type[Exception]
) -> None:
    one = channel(mastodon_fake)
    mastodon_fake.knobs.next_post = fault
    with pytest.raises(error):
        one.publish(Ready(Draft("a")), "k")
    assert mastodon_fake.posts == []


@pytest.mark.parametrize("status", [400, 403])
def test_a_refusal_without_words_about_the_token_is_for_the_writer(
    mastodon_fake: MastodonServer, status: int
) -> None:
    one = channel(mastodon_fake)
    mastodon_fake.knobs.next_post = status
    mastodon_fake.knobs.bad_token_error = "Language could not be parsed"
    with pytest.raises(Rejected):
        one.publish(Ready(Draft("a")), "k")


def test_refused_connection_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    http = Client(f"http://127.0.0.1:{port}", rules=Rules(frozenset({f"127.0.0.1:{port}"})))
    one = Mastodon(Context(Credentials({}), datetime.now(UTC), http))
    with pytest.raises(Unavailable):
        one.publish(Ready(Draft("a")), "k")


def test_the_mock_times_out_and_breaks(mastodon_mock: MastodonMock) -> None:
    one = channel(mastodon_mock, timeout=0.7)
    path = "/api/v1/statuses"
    for effect in ({"type": "timeout"}, {"type": "malformed"}, {"type": "status", "status": 503}):
        mastodon_mock.fault(["POST"], path, **effect)
        with pytest.raises(OutcomeUnknown):
            one.publish(Ready(Draft("a")), "k")
    mastodon_mock.fault(["POST"], path, type="ratelimit")
    with pytest.raises(RateLimited) as got:
        one.publish(Ready(Draft("a")), "k")
    wait = got.value.retry_at - datetime.now(UTC)
    assert timedelta(minutes=4) < wait < timedelta(minutes=6) and got.value.scope == "posts"


NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "at"),
    [
        ({"X-RateLimit-Reset": "2026-11-22T04:05:00.123456Z"}, NOW + timedelta(minutes=5)),
        ({"X-RateLimit-Reset": "2026-11-22T11:05:00+07:00"}, NOW + timedelta(minutes=5)),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 60)}, NOW + timedelta(minutes=1)),
        ({"Retry-After": "90"}, NOW + timedelta(seconds=90)),
        ({"Retry-After": "Sun, 22 Nov 2026 04:02:00 GMT"}, NOW + timedelta(minutes=2)),
        ({}, NOW + timedelta(minutes=5)),
        ({"X-RateLimit-Reset": "nanti", "Retry-After": "entah"}, NOW + timedelta(minutes=5)),
        ({"X-RateLimit-Reset": "2020-01-01T00:00:00Z"}, NOW + timedelta(seconds=1)),
    ],
)
def test_when_to_come_back(headers: dict[str, str], at: datetime) -> None:
    answer = Answer(429, httpx.Headers(headers), b"{}", "", "h")
    found = judge(answer, "posts", NOW, sending=True)
    assert isinstance(found, RateLimited)
    assert abs(found.retry_at - at) < timedelta(seconds=1)


# --- look up -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rewrite", ["short", "plain", "redirector", "unlinked"])
def test_confirm_reads_through_what_servers_do_to_text(
    mastodon_fake: MastodonServer, rewrite: str
) -> None:
    mastodon_fake.knobs.rewrite = rewrite
    one = channel(mastodon_fake)
    words = (
        "Jembatan A & B <ditutup>.\n\nLihat https://info.example/peta/lengkap?x=1&y=2 , "
        "kata @siti@jauh.example dan @budi #jalan_rusak\nTerima kasih 👨‍👩‍👧‍👦"
    )
    draft = Draft(words)
    made = post(one, draft)
    found = one.confirm(sent(draft))
    assert isinstance(found, Posted) and found.remote_id == made.remote_id
    for other in (
        replace(draft, text=words.replace("ditutup", "dibuka")),
        replace(draft, visibility="unlisted"),
        replace(draft, media=(picture(),)),
        replace(draft, text=words + " https://info.example/peta"),
    ):
        assert isinstance(one.confirm(sent(other)), NotFound)
    if rewrite != "redirector":
        other = replace(draft, text=words.replace("y=2", "y=3"))
        assert isinstance(one.confirm(sent(other)), NotFound)


def test_confirm_works_on_the_mock(mastodon_mock: MastodonMock) -> None:
    one = channel(mastodon_mock)
    words = "Jembatan <A> & B **ditutup**.\n\nLihat https://info.example/peta_besar?x=1 #jalan"
    draft = Draft(words, media=(picture("Peta & jalan"),))
    made = post(one, draft)
    found = one.confirm(sent(draft))
    assert isinstance(found, Posted) and found.remote_id == made.remote_id
    taken = sent(draft, taken=frozenset({made.remote_id}))
    assert isinstance(one.confirm(taken), NotFound)
    other = replace(draft, media=(picture("Foto"),))
    assert isinstance(one.confirm(sent(other)), NotFound)


def test_confirm_pages_past_the_claim_time(mastodon_fake: MastodonServer) -> None:
    mastodon_fake.knobs.page = 5
    one, draft = channel(mastodon_fake), Draft("Yang dicari")
    made = post(one, draft)
    for number in range(12):
        post(one, Draft(f"lain {number}"), f"k{number}")
    old = datetime.now(UTC) - timedelta(hours=2)
    mastodon_fake.statuses["5"] = {
        **mastodon_fake.posts[0],
        "id": "5",
        "created_at": old.isoformat(),
    }
    found = one.confirm(sent(draft))
    assert isinstance(found, Posted) and found.remote_id == made.remote_id
    nothing = one.confirm(sent(Draft("tidak ada")))
    assert isinstance(nothing, NotFound) and nothing.complete
    assert nothing.seen_until and abs(nothing.seen_until - old) < timedelta(seconds=1)


def test_the_same_words_of_last_week_are_not_it(mastodon_fake: MastodonServer) -> None:
    one, draft = channel(mastodon_fake), Draft("Selamat pagi")
    post(one, draft)
    mastodon_fake.posts[0]["created_at"] = "2026-11-01T00:00:00.000Z"
    assert isinstance(one.confirm(sent(draft)), NotFound)


def test_a_late_post_is_found_when_it_shows(mastodon_fake: MastodonServer) -> None:
    mastodon_fake.knobs.lag = 2
    one, draft = channel(mastodon_fake), Draft("Pelan")
    made = post(one, draft)
    found = [one.confirm(sent(draft)) for _ in range(3)]
    assert [isinstance(one, Posted) for one in found] == [False, False, True]
    assert isinstance(found[2], Posted) and found[2].remote_id == made.remote_id


@pytest.mark.parametrize("hours", [-400, -1, 1])
def test_another_clock_does_not_hide_a_post(mastodon_fake: MastodonServer, hours: int) -> None:
    mastodon_fake.knobs.clock = timedelta(hours=hours)
    one, draft = channel(mastodon_fake), Draft("Jam lain")
    made = post(one, draft)
    found = one.confirm(sent(draft))
    assert isinstance(found, Posted) and found.remote_id == made.remote_id


@pytest.mark.parametrize("headers", [{}, {"X-RateLimit-Reset": "2999-01-01T00:00:00Z"}])
def test_a_429_says_when_or_not(mastodon_fake: MastodonServer, headers: dict[str, str]) -> None:
    one = channel(mastodon_fake)
    mastodon_fake.knobs.rate_headers = "none"
    mastodon_fake.knobs.next_post, mastodon_fake.knobs.next_headers = 429, headers
    with pytest.raises(RateLimited) as got:
        one.publish(Ready(Draft("a")), "k")
    assert (got.value.retry_at.year == 2999) is bool(headers)


def test_two_of_the_same_give_the_older(mastodon_fake: MastodonServer) -> None:
    mastodon_fake.knobs.idempotent = False
    one, draft = channel(mastodon_fake), Draft("Dua kali")
    first, second = post(one, draft), post(one, draft)
    found = one.confirm(sent(draft))
    assert isinstance(found, Posted) and found.remote_id == first.remote_id
    found = one.confirm(sent(draft, taken=frozenset({first.remote_id})))
    assert isinstance(found, Posted) and found.remote_id == second.remote_id


def test_a_private_answer_left_out_of_the_list_is_found_in_its_thread(
    mastodon_fake: MastodonServer,
) -> None:
    mastodon_fake.knobs.private_listed = False
    target = mastodon_fake.says("siti", "@diskominfo tolong", visibility="direct")
    to = Target(target["id"], "siti")
    one, draft = channel(mastodon_fake), Draft("Baik", visibility="direct", reply_to=to)
    post(one, draft)
    assert isinstance(one.confirm(sent(draft)), Posted)


def test_confirm_never_changes_anything(mastodon_fake: MastodonServer) -> None:
    one = channel(mastodon_fake)
    one.confirm(sent(Draft("x")))
    assert mastodon_fake.mutations() == []


def test_a_failed_look_is_never_a_not_found(mastodon_mock: MastodonMock) -> None:
    one = channel(mastodon_mock, timeout=1.0)
    for effect in ({"type": "status", "status": 503}, {"type": "malformed"}):
        mastodon_mock.fault(
            ["GET"], f"/api/v1/accounts/{one.context.account_id}/statuses", **effect
        )
        with pytest.raises(Unavailable):
            one.confirm(sent(Draft("x")))


# --- listen ------------------------------------------------------------------------------------


def test_fetch_brings_mentions_replies_and_private_messages(
    server: MastodonServer | MastodonMock,
) -> None:
    one = channel(server)
    made = post(one, Draft("Jembatan ditutup"))
    if isinstance(server, MastodonServer):
        server.says("siti", "@diskominfo sampai kapan?")
        server.says("budi", "Rumah saya di seberang", reply_to=made.remote_id)
        server.says("ani", "@diskominfo rahasia", visibility="direct")
    else:
        siti, budi, ani = (server.citizen(name) for name in ("siti", "budi", "ani"))
        server.says(siti, "@diskominfo sampai kapan?")
        server.says(budi, "Rumah saya di seberang", in_reply_to_id=made.remote_id)
        server.says(ani, "@diskominfo rahasia", visibility="direct")
    got = one.fetch("")
    found = {one.author.handle: one for one in got.items}
    assert set(found) == {"siti", "budi", "ani"}
    assert found["siti"].text == "@diskominfo sampai kapan?"
    assert found["siti"].root == found["siti"].remote_id and found["siti"].kind == "mention"
    assert found["budi"].in_reply_to == made.remote_id == found["budi"].root
    assert found["budi"].kind == "reply"
    assert found["ani"].kind == "direct" and found["ani"].visibility == "direct"
    assert all(one.at.tzinfo and json.loads(one.raw)["id"] == one.remote_id for one in got.items)
    again = one.fetch(got.cursor)
    assert {one.fingerprint for one in again.items} <= {one.fingerprint for one in got.items}


def test_a_long_absence_is_walked_through_without_a_gap(mastodon_fake: MastodonServer) -> None:
    mastodon_fake.knobs.page = 10
    one = channel(mastodon_fake)
    mastodon_fake.says("awal", "@diskominfo pertama")
    got = one.fetch("")
    wanted = {mastodon_fake.says(f"w{n}", f"@diskominfo {n}")["id"] for n in range(130)}
    seen: set[str] = set()
    for _ in range(10):
        got = one.fetch(got.cursor)
        seen |= {one.remote_id for one in got.items}
        if not got.more:
            break
    assert wanted <= seen


def test_a_server_that_ignores_min_id_loses_nothing(mastodon_fake: MastodonServer) -> None:
    mastodon_fake.knobs.min_id, mastodon_fake.knobs.page = False, 10
    one = channel(mastodon_fake)
    for n in range(3):
        mastodon_fake.says(f"a{n}", "@diskominfo awal")
    got = one.fetch("")
    wanted = {mastodon_fake.says(f"w{n}", f"@diskominfo {n}")["id"] for n in range(35)}
    got = one.fetch(got.cursor)
    assert wanted <= {one.remote_id for one in got.items}


def test_a_reply_that_never_notifies_is_found_in_the_thread(mastodon_fake: MastodonServer) -> None:
    one = channel(mastodon_fake)
    made = post(one, Draft("Jembatan ditutup"))
    got = one.fetch("")
    assert got.items == ()
    first = mastodon_fake.says("budi", "tanpa sebut", reply_to=made.remote_id, notify=False)
    mastodon_fake.says("cici", "ikut", reply_to=first["id"], notify=False)
    got = one.fetch(got.cursor)
    assert [one.text for one in got.items] == ["tanpa sebut", "ikut"]
    assert {one.root for one in got.items} == {made.remote_id}


def test_an_edited_reply_comes_again_with_other_content(mastodon_fake: MastodonServer) -> None:
    one = channel(mastodon_fake)
    made = post(one, Draft("Jembatan ditutup"))
    reply = mastodon_fake.says("budi", "lama", reply_to=made.remote_id, notify=False)
    got = one.fetch("")
    before = got.items[0]
    mastodon_fake.edit(reply["id"], "baru")
    got = one.fetch(got.cursor)
    after = got.items[0]
    assert after.remote_id == before.remote_id and after.text == "baru" and after.edited_at
    assert after.fingerprint != before.fingerprint


def test_reactions_are_counted_without_their_authors(mastodon_fake: MastodonServer) -> None:
    one = channel(mastodon_fake)
    post(one, Draft("Halo"))
    for kind in ("follow", "reblog", "favourite", "admin.sign_up"):
        mastodon_fake.notify(kind, "siti", mastodon_fake.posts[0])
    got = one.fetch("")
    assert sorted(one.kind for one in got.reactions) == ["favourite", "follow", "reblog"]
    assert "siti" not in repr(got.reactions) and got.items == ()


def test_what_cannot_be_read_is_kept_apart(mastodon_fake: MastodonServer) -> None:
    one = channel(mastodon_fake)
    bad = mastodon_fake.says("siti", "@diskominfo satu")
    mastodon_fake.says("budi", "@diskominfo dua")
    bad["created_at"] = "kemarin"
    got = one.fetch("")
    assert [one.text for one in got.items] == ["@diskominfo dua"]
    assert len(got.unreadable) >= 1 and b"satu" in got.unreadable[0]


def test_fetch_without_conversations_and_with_a_broken_cursor(
    mastodon_fake: MastodonServer,
) -> None:
    mastodon_fake.knobs.conversations = False
    mastodon_fake.says("siti", "@diskominfo satu", visibility="direct")
    for cursor in ("", "bukan json", "[1]", '{"n": 3, "r": [], "t": "x"}'):
        assert len(channel(mastodon_fake).fetch(cursor).items) == 1


def test_a_mention_deep_in_a_thread_knows_its_root(mastodon_fake: MastodonServer) -> None:
    root = mastodon_fake.says("siti", "Ada yang tahu?")
    middle = mastodon_fake.says("budi", "Tanya dinas", reply_to=root["id"])
    mastodon_fake.says("cici", "@diskominfo tolong", reply_to=middle["id"])
    got = channel(mastodon_fake).fetch("")
    assert [(one.text, one.root) for one in got.items] == [("@diskominfo tolong", root["id"])]


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<p>Satu</p><p>Dua<br>tiga<br />empat</p>", "Satu\n\nDua\ntiga\nempat"),
        ("<p>a &amp; b &lt;c&gt;  d</p>", "a & b <c>  d"),
        (
            '<p><a href="https://a.example/panjang/x"><span class="invisible">https://</span>'
            '<span class="ellipsis">a.example/pan</span><span class="invisible">jang/x</span></a>'
            "</p>",
            "https://a.example/panjang/x",
        ),
        ('<p><a href="https://a.example/x/y">a.example/x…</a></p>', "https://a.example/x/y"),
        ('<p><a href="https://a.example/x">klik di sini</a></p>', "klik di sini"),
        ('<a href="https://s/@budi" class="mention">@<span>budi</span></a> hai', "@budi hai"),
        ('<p><a href="https://s/tags/x">#<span>x</span></a></p>', "#x"),
        ("<script>alert(1)</script>teks<!-- tidak -->", "teks"),
        ("", ""),
    ],
)
def test_words_come_back_from_html(html: str, words: str) -> None:
    assert text.plain(html) == words


def test_samples_in_the_documented_shape_are_read() -> None:
    found = json.loads((SAMPLES / "status.json").read_text())
    one = item(found, "mention", "")
    assert one.remote_id == found["id"] and one.at == when(found["created_at"])
    assert one.media[0].alt and one.author.handle == "siti@sosial.example"
    assert limits_of(json.loads((SAMPLES / "instance_v2.json").read_text())).max_text == 500
    assert limits_of(json.loads((SAMPLES / "instance_gotosocial.json").read_text())).max_media == 6


# --- afterwards --------------------------------------------------------------------------------


def test_metrics_leave_out_what_the_server_leaves_out(mastodon_fake: MastodonServer) -> None:
    one = channel(mastodon_fake)
    made = post(one, Draft("Halo"))
    assert one.metrics(made).values == {"replies": 0, "reblogs": 2, "favourites": 3}
    mastodon_fake.knobs.metrics = ("favourites",)
    assert one.metrics(made).values == {"favourites": 3}


def test_remove_is_done_when_it_is_gone(server: MastodonServer | MastodonMock) -> None:
    one = channel(server)
    made = post(one, Draft("Salah"))
    assert not one.remove(made).already
    assert one.remove(made).already


def test_a_slow_server_ends_at_the_deadline(mastodon_fake: MastodonServer) -> None:
    one = channel(mastodon_fake)
    mastodon_fake.knobs.slow = 1.0
    slow = Mastodon(replace(one.context, http=way_out(mastodon_fake, timeout=0.3)))
    start = time.monotonic()
    with pytest.raises(Unavailable):
        slow.fetch("")
    assert time.monotonic() - start < 0.9
