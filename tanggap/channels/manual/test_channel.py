"""The channel where a person posts: checks, proof, and what an officer brings in."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tanggap.channels.base import Context, Credentials, Draft, Media, NeedsPerson, Ready, Target
from tanggap.channels.errors import NotAuthorised, Rejected
from tanggap.channels.manual.channel import Manual
from tanggap.channels.manual.presets import PRESETS

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SAMPLES = Path(__file__).parent / "samples"
CSV = {"Content-Type": "text/csv; charset=utf-8", "X-Zone": "Asia/Makassar"}


def channel(preset: str = "instagram", **more: str) -> Manual:
    return Manual(Context(Credentials({"preset": preset, "handle": "@dinas"} | more), NOW))


def medium(mime: str = "image/jpeg", size: int = 1000) -> Media:
    return Media("0" * 64, "a.jpg", mime, size, "Peta", lambda: io.BytesIO(b""))


def needs(preset: str = "x", text: str = "Halo") -> NeedsPerson:
    one = channel(preset)
    return one.publish(one.prepare(Draft(text)), "k")


def test_verify_takes_the_settings() -> None:
    me = channel("x").verify()
    assert (me.account_id, me.handle, me.limits) == ("x:dinas", "dinas", PRESETS["x"].limits)
    for wrong in (channel("entah"), channel(handle=" ")):
        with pytest.raises(NotAuthorised):
            wrong.verify()


@pytest.mark.parametrize(
    ("preset", "draft", "code"),
    [
        ("x", Draft("x" * 281), "too_long"),
        ("x", Draft("漢" * 141), "too_long"),
        ("x", Draft(" "), "empty"),
        ("x", Draft("a", media=(medium(),) * 5), "too_many_media"),
        ("x", Draft("a", media=(medium("image/tiff"),)), "media_type"),
        ("x", Draft("a", media=(medium(size=6_000_000),)), "media_too_large"),
        ("instagram", Draft("a"), "media_required"),
        ("instagram", Draft("#a1 " * 31, media=(medium(),)), "too_many_hashtags"),
        ("instagram", Draft("@ab " * 21, media=(medium(),)), "too_many_mentions"),
        ("whatsapp", Draft("x" * 1025, media=(medium(),)), "too_long"),
        ("youtube", Draft("漢" * 1667, media=(medium("video/mp4"),)), "too_long"),
        ("threads", Draft("👨‍👩‍👧‍👦" * 21), "too_long"),
        (
            "threads",
            Draft(" ".join(f"https://a.example/{n}" for n in range(6))),
            "too_many_links",
        ),
    ],
)
def test_prepare_refuses_what_the_network_would(preset: str, draft: Draft, code: str) -> None:
    with pytest.raises(Rejected) as got:
        channel(preset).prepare(draft)
    assert got.value.code == code


def test_prepare_lets_through_what_just_fits() -> None:
    assert isinstance(channel("x").prepare(Draft("x" * 280)), Ready)
    assert isinstance(channel("whatsapp").prepare(Draft("x" * 4096)), Ready)
    same = " ".join(["https://a.example/1"] * 9)
    assert isinstance(channel("threads").prepare(Draft(same)), Ready)
    assert isinstance(channel("threads").prepare(Draft("👨‍👩‍👧‍👦" * 20)), Ready)


def test_the_agencys_own_limits_win() -> None:
    one = channel("x")
    premium = replace(PRESETS["x"].limits, max_text=25000)
    one = Manual(replace(one.context, limits=premium))
    assert isinstance(one.prepare(Draft("x" * 1000)), Ready)


def test_publish_hands_over_to_a_person() -> None:
    one = channel("facebook")
    ready = one.prepare(Draft("Halo", media=(medium(),)))
    asked = one.publish(ready, "k")
    assert asked == NeedsPerson("Halo", (medium(),), "facebook", True, "https://www.facebook.com/")
    reply = one.reply(Target("1", url="https://www.facebook.com/p/1"), ready, "k")
    assert reply.open_url == "https://www.facebook.com/p/1"


def test_a_proof_makes_it_posted() -> None:
    one = channel("x")
    made = one.proof(needs(), " https://www.x.com/dinas/status/12?s=20&utm_source=app ")
    assert made.remote_id == "x.com/dinas/status/12" and made.at == NOW
    again = one.proof(needs(), "https://x.com/dinas/status/12/")
    assert again.remote_id == made.remote_id
    video = channel("youtube").proof(needs("x"), "https://x.com/i?v=1")
    assert video.remote_id == "x.com/i?v=1"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "proof_missing"),
        ("bukan tautan", "proof_not_a_link"),
        ("javascript:alert(1)", "proof_not_a_link"),
        ("https://[", "proof_not_a_link"),
        ("https://x.com.evil.example/a", "proof_other_place"),
        ("https://notx.com/a", "proof_other_place"),
        ("https://x.com/", "proof_not_a_post"),
    ],
)
def test_what_is_no_proof(url: str, code: str) -> None:
    with pytest.raises(Rejected) as got:
        channel("x").proof(needs(), url)
    assert got.value.code == code


def test_a_notice_board_needs_no_link() -> None:
    made = channel("notice_board").proof(needs("notice_board", "Pengumuman"), "")
    assert made.remote_id.startswith("seen:") and made.url == ""


def test_a_file_comes_in_and_bad_rows_are_kept() -> None:
    got = channel("facebook").receive(CSV, (SAMPLES / "komentar.csv").read_bytes())
    first, second, third = got.items
    assert first.text == "Jembatan kapan dibuka; sudah dua minggu?\nAnak saya memutar jauh."
    assert first.at == datetime(2026, 11, 20, 1, 30, tzinfo=UTC), "WITA"
    assert (first.author.handle, first.author.display_name) == ("siti.ani", "Siti Ani")
    assert first.source == "csv" and first.url == "https://www.facebook.com/p/1"
    assert second.at == datetime(2026, 11, 21, 6, 5, tzinfo=UTC)
    assert third.at == NOW and third.author.id == ""
    assert [(row.number, row.why) for row in got.bad_rows] == [
        (5, "bad_time"),
        (6, "no_text"),
        (7, "too_many_cells"),
        (8, "bad_url"),
    ]
    assert "kemarin sore" in got.bad_rows[0].text


def test_the_same_file_gives_the_same_ids_at_any_time() -> None:
    data = (SAMPLES / "komentar.csv").read_bytes()
    one = channel("facebook")
    later = Manual(replace(one.context, now=NOW.replace(year=2027)))
    ids = [item.remote_id for item in one.receive(CSV, data).items]
    assert ids == [item.remote_id for item in later.receive(CSV, data).items]
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"nama,waktu\na,b\n", "no_text_column"),
        (b"\x00\xff\xfe", "no_text_column"),
    ],
)
def test_a_file_that_is_none_says_so(data: bytes, why: str) -> None:
    got = channel().receive(CSV, data)
    assert got.items == () and [row.why for row in got.bad_rows] == [why]


def test_a_file_of_an_old_spreadsheet() -> None:
    got = channel().receive(CSV, "nama\tisi\r\nJosé\tcafé\r\n".encode("cp1252"))
    assert got.items[0].text == "café" and got.items[0].author.display_name == "José"


def test_a_paste_keeps_the_words_and_the_source() -> None:
    body = {"text": "  Air mati\nsejak pagi ", "at": "2026-11-22T08:00:00+07:00", "name": "Bu RT"}
    got = channel("whatsapp").receive(
        {"content-type": "application/json"}, json.dumps(body).encode()
    )
    item = got.items[0]
    assert item.text == "  Air mati\nsejak pagi " and item.source == "paste"
    assert item.at == datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "image/png"}, b""),
        ({}, b""),
        ({"content-type": "application/json"}, b"[]"),
        ({"content-type": "application/json"}, b"{"),
        ({"content-type": "application/json"}, b'{"text": " "}'),
        ({"content-type": "application/json"}, b'{"text": "a", "at": "kemarin"}'),
        ({"content-type": "text/csv", "x-zone": "../etc/passwd"}, b"isi\na"),
    ],
)
def test_what_cannot_be_taken_in_is_refused(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(Rejected):
        channel().receive(headers, body)
