"""The story against Bluesky's own server: what our fake says of it is true.

Left out unless asked for: `./run test -m pds` (the first time it installs the server, minutes).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

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
from tanggap.channels.bluesky.channel import POST, Bluesky
from tanggap.channels.bluesky.tid import tid
from tanggap.channels.errors import ChannelError, NotAuthorised, OutcomeUnknown, Rejected
from tanggap.core.http import Client, Rules
from tests.fakes.bluesky_pds import Pds, folder

pytestmark = pytest.mark.pds
FAMILY = "👨‍👩‍👧‍👦"
# Clusters that libraries are known to count differently: flags, Indic conjuncts, Hangul, ZWJ.
WORDS = (FAMILY, "🇮🇩", "क्षि", "각", "e\u0301", "\r\n", "ꦲꦏ꧀ꦱꦫ", "👍🏽", "a\u200db", "ก็", "🏴󠁧󠁢󠁥󠁮󠁧󠁿")


@pytest.fixture(scope="module")
def pds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pds]:
    server = Pds(folder(), tmp_path_factory.mktemp("pds"))
    yield server
    server.stop()


def opened(pds: Pds, secret: dict[str, str]) -> Bluesky:
    rules = Rules(frozenset({f"localhost:{pds.port}"}))
    http = Client(pds.url, token=Bluesky.token(secret), rules=rules)
    return Bluesky(Context(Credentials(secret), datetime.now(UTC), http))


@pytest.fixture(scope="module")
def channel(pds: Pds) -> Bluesky:
    secret = {"server": pds.url, "handle": pds.handle, "app_password": pds.password}
    secret |= dict(opened(pds, secret).renew())
    one = opened(pds, secret)
    me = one.verify()
    assert (me.account_id, me.handle) == (pds.did, pds.handle)
    return Bluesky(replace(one.context, limits=me.limits, account_id=me.account_id))


def picture(size: int = 0) -> Media:
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(stream, "PNG")
    data = stream.getvalue() + b"\0" * max(0, size - len(stream.getvalue()))
    digest = hashlib.sha256(data).hexdigest()
    return Media(digest, "a.png", "image/png", len(data), "Peta", lambda: io.BytesIO(data))


def test_a_post_its_repeat_and_its_end(pds: Pds, channel: Bluesky) -> None:
    draft = Draft(
        f"{FAMILY} Halo @diskominfo.test dan @takada.test: https://a.example/b. #JalanRusak",
        media=(picture(),),
    )
    ready = channel.prepare(draft)
    first, again = channel.publish(ready, "k1"), channel.publish(ready, "k1")
    assert first.remote_id == again.remote_id == f"at://{pds.did}/{POST}/{tid('k1')}"
    assert first.rate is not None and first.rate.limit and first.rate.remaining is not None
    later = Bluesky(replace(channel.context, now=channel.context.now + timedelta(minutes=1)))
    with pytest.raises(OutcomeUnknown) as got:
        later.publish(ready, "k1")
    assert got.value.code == "already_there"
    found = channel.confirm(Sent(draft, channel.context.now, "k1"))
    assert isinstance(found, Posted) and found.remote_id == first.remote_id
    assert isinstance(channel.confirm(Sent(Draft("Lain"), channel.context.now, "k9")), NotFound)
    assert channel.remove(first).already is False and channel.remove(first).already is True


def test_replies_and_threads(pds: Pds, channel: Bluesky) -> None:
    root = channel.publish(channel.prepare(Draft("Jalan ditutup")), "r1")
    to = Target(root.remote_id, pds.handle)
    reply = channel.reply(to, channel.prepare(Draft("Sampai Jumat", reply_to=to)), "r2")
    below = Target(reply.remote_id)
    ready = channel.prepare(Draft("Bagian tiga"))
    part = channel.reply(below, replace(ready, draft=replace(ready.draft, reply_to=below)), "r3")
    kept = channel.confirm(Sent(Draft("Bagian tiga"), channel.context.now, "r3"))
    assert isinstance(kept, Posted) and kept.remote_id == part.remote_id
    gone = Target(f"at://{pds.did}/{POST}/{tid('x')}")
    with pytest.raises(Rejected):
        channel.prepare(Draft("x", reply_to=gone))


@pytest.mark.parametrize("word", WORDS)
def test_our_counter_is_the_servers(channel: Bluesky, word: str) -> None:
    one = channel.count(Draft(word))
    times = 300 // one
    fits = (word * times) + "." * (300 - channel.count(Draft(word * times)))
    while len(fits.encode()) > 3000:
        fits = fits[: len(fits) - len(word)]
    key = hashlib.sha256(word.encode()).hexdigest()
    channel.publish(Ready(Draft(fits)), key)
    over = fits + "." * (301 - channel.count(Draft(fits)))
    if len(over.encode()) <= 3000:
        with pytest.raises(Rejected):
            channel.publish(Ready(Draft(over)), key + "x")


def test_bytes_and_pictures_have_limits(channel: Bluesky) -> None:
    with pytest.raises(Rejected):
        channel.publish(Ready(Draft(FAMILY * 121)), "b1")
    channel.publish(Ready(Draft(FAMILY * 120)), "b2")
    most = channel.limits.image_bytes
    ready = channel.prepare(Draft("Pas", media=(picture(most),)))
    channel.publish(ready, "b3")
    # As our own check would refuse it before: the server must refuse it too.
    wide = Bluesky(replace(channel.context, limits=replace(channel.limits, image_bytes=0)))
    with pytest.raises(ChannelError):
        wide.publish(wide.prepare(Draft("Lewat", media=(picture(most + 1),))), "b4")


def test_sessions(pds: Pds, channel: Bluesky) -> None:
    first = dict(channel.context.credentials)
    fresh = opened(pds, first).renew()
    assert fresh["access_jwt"] != first["access_jwt"] and fresh["expires_in"] == "7200"
    pds.call("com.atproto.server.revokeAppPassword", name="Tanggap")
    with pytest.raises(NotAuthorised):
        opened(pds, {**first, **fresh}).renew()
