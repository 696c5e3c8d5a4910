"""Columns for many messages, lines for files: whole, in order, and honest about doubt."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanggap.cli import main
from tanggap.language import fast, kernel
from tanggap.language.classify import HEADS, NoSuchTier, classify, read
from tanggap.language.lines import classify_lines
from tanggap.language.places import find
from tanggap.language.reader import REMEMBERED, Reader
from tanggap.language.scout import Scout

SAID = [
    "Jembatan di desa kami putus, anak-anak tidak bisa sekolah, tolong segera diperbaiki",
    "Terima kasih banyak, petugasnya ramah dan cepat sekali",
    "Syarat bikin KTP pertama apa saja ya min?",
    "SLOT GACOR maxwin malam ini, depo receh WD jutaan, klik link di bio",
    "Mohon salinan laporan realisasi anggaran jalan tahun 2025 untuk penelitian",
    "Tolong cepat, dua orang hanyut di kali belakang pasar, masih pegang ranting!",
]
WANTED = ["complaint", "thanks", "service_question", "gambling", "public_information", "danger"]


def test_a_column_for_each_head_and_a_row_for_each_message():
    found = classify(SAID)
    assert tuple(found) == HEADS
    for column in found.values():
        assert len(column) == len(SAID) == len(column.confidence) == len(column.sure)
        assert ((column.confidence > 0) & (column.confidence <= 1)).all()
        assert column.codes.max() < len(column.labels)
    assert [found["intent"].value(row) for row in range(len(SAID))] == WANTED
    assert found["urgency"].value(5) == "danger"
    assert "criticism" not in found["intent"].labels


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Dalan ngarep omahku rusak kabeh, kapan didandani to Pak?", "jv"),
        ("Jalan ka sakola abdi ruksak pisan, iraha badé dilereskeun?", "su"),
        ("Jalan ka rumah ambo lah rusak bana, bilo ka dipaelok-i Pak?", "min"),
        ("The road in front of our school has been broken for a year", "en"),
        ("Jalan di depan sekolah kami sudah setahun rusak parah", "id"),
    ],
)
def test_languages(text, language):
    assert classify([text])["language"].value(0) == language


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        # Reviews alone teach neither of the first two.
        ("Matur nuwun dalane wis alus", "positive"),
        ("Truk galian lewat tiap malam, rumah kami bergetar", "negative"),
        ("Selokan depan masjid sudah lancar lagi, salut buat pasukan oranye", "positive"),
        ("Blangko kosong lagi, sudah empat kali saya bolak-balik", "negative"),
        ("Pendaftaran sekolah lewat jalur zonasi sampai tanggal berapa?", "neutral"),
    ],
)
def test_the_sentiment_of_what_citizens_write_to_an_office(text, sentiment):
    assert classify([text])["sentiment"].value(0) == sentiment


def test_a_message_reads_the_same_alone_and_among_others():
    together, alone = classify(SAID), [classify([text]) for text in SAID]
    for name, column in together.items():
        for row, one in enumerate(alone):
            assert one[name].codes[0] == column.codes[row]
            assert one[name].confidence[0] == pytest.approx(column.confidence[row], abs=1e-4)


def test_written_in_disguise_it_is_the_same_word():
    plain, disguised = classify(["slot gacor maxwin", "sl0t g4c0rrr m4xw1n"])["intent"].codes
    assert plain == disguised


def test_a_reader_that_forgets_reads_on(monkeypatch):
    reader = Reader(fast.model().groups)
    before = reader.sums(SAID)
    monkeypatch.setattr("tanggap.language.reader.REMEMBERED", 3)
    reader.sums(["lain kata lain"])
    assert REMEMBERED > 3
    assert np.allclose(reader.sums(SAID), before, atol=1e-4)


def test_a_reader_that_grows_reads_as_a_new_one():
    old = Reader(fast.model().groups)
    few = [" ".join(f"kata{one}x{other}" for other in range(60)) for one in range(160)]
    for at in range(0, len(few), 8):
        old.sums(few[at : at + 8])
    assert np.allclose(old.sums(SAID), Reader(fast.model().groups).sums(SAID), atol=1e-3)
    assert np.allclose(old.sums(few[-3:]), Reader(fast.model().groups).sums(few[-3:]), atol=1e-2)


def test_nothing_in_nothing_out():
    assert all(len(column) == 0 for column in classify([]).values())
    assert len(classify(["", " ", "…", "\x00"])["intent"]) == 4


def test_a_tier_that_nobody_knows_is_refused():
    with pytest.raises(NoSuchTier, match="no tier"):
        classify(SAID, tier="quick")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=80), max_size=4))
def test_any_text_is_read(texts):
    found = read(texts)
    assert all(len(column) == len(texts) for column in found.columns.values())
    for text, places, pii in zip(texts, found.places, found.pii, strict=True):
        assert all(0 <= one.start < one.end <= len(text) for one in [*places, *pii])


LINES = [
    b'{"id": 1, "text": "Lampu jalan di Kecamatan Sleman mati, hp 0812-0000-4417"}',
    b"not json",
    b"",
    b'{"id": 2}',
    b'{"text": "tanpa id"}',
    b'{"id": [1], "text": "x"}',
    b"\xff\xfe",
    b'{"id": "tiga", "text": "Makasih min \\ud83d"}',
]


def test_bad_lines_are_told_by_number_and_skipped():
    told: list[int] = []
    out = io.StringIO()
    assert classify_lines(LINES, out, complain=lambda number, why: told.append(number)) == (2, 5)
    assert told == [2, 4, 5, 6, 7]
    first, second = map(json.loads, out.getvalue().splitlines())
    assert list(first) == ["id", *HEADS, "places", "pii"]
    assert (first["id"], second["id"]) == (1, "tiga")
    assert first["pii"][0]["label"] == "phone" and "0812" not in out.getvalue()
    assert [one["code"] for one in first["places"]] == ["34.04.13"]
    assert set(first["intent"]) == {"label", "confidence", "unsure"}


def test_the_command(tmp_path, capsys):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(b"\n".join(LINES))
    told = ["classify", "--input", str(source), "--output", str(target)]
    assert main(told) == 0
    assert len(target.read_text("utf-8").splitlines()) == 2
    assert "line 2 was skipped" in capsys.readouterr().err
    assert main([*told, "--tier", "quick"]) == 1
    assert main(["classify", "--input", str(tmp_path / "none"), "--output", str(target)]) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


ODD_ONES = [
    *SAID,
    "",
    "A AB ABC ABC, ABCD. aaa AAAb yg YG, jl.jl. [x] @user é Pàré zaaaak, 2x rt03 jalan2nya...",
    "x" * 300,
    " ".join(
        [3 * "ab!" * 22, "!a" * 100, "?1" * 100, "a-" * 100, "a,b" * 66, "!?" * 100, "x" * 200]
    ),
    "kec.Jatinegara desa-desa; b4ngs4t!!! https://contoh.id/a 😭😭 \u00a0di\u2009sini",
]


@pytest.mark.skipif(kernel.library() is None, reason="the kernel was not compiled here")
def test_compiled_or_not_the_sums_are_the_same():
    compiled, plain = Reader(fast.model().groups), Reader(fast.model().groups, compiled=False)
    for texts in (ODD_ONES, ODD_ONES[3:] + SAID):
        mine, other = compiled.sums(texts), plain.sums(texts)
        assert np.allclose(mine, other, rtol=1e-4, atol=1e-2)
    with_reasons = [reader.rows(SAID[0]) for reader in (compiled, plain)]
    assert np.allclose(*with_reasons, rtol=1e-4, atol=1e-2)


SIGNS = "aabbzZQwm'`-/&+.,:;!?()\"0159_@#$^~\\\n\t\x00\x1c\x85 "
SIGNS += "\u00a0\u00e9\u200d\u2028\u3000\uff21\ud800\U0001f62d"


@pytest.mark.skipif(kernel.library() is None, reason="the kernel was not compiled here")
@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(SIGNS, max_size=30), max_size=6))
def test_compiled_or_not_the_same_chunks_weigh_the_same(texts):
    for few in (texts, [*texts[::-1], *SAID]):
        numbers = COMPILED.numbers(few)
        assert (numbers == PLAIN.numbers(few)).all()
        sums = [reader.sums_of(numbers, len(few)) for reader in (COMPILED, PLAIN)]
        assert np.allclose(*sums, rtol=1e-4, atol=1e-2)
    assert COMPILED.chunks == PLAIN.chunks


COMPILED, PLAIN = Reader(fast.model().groups), Reader(fast.model().groups, compiled=False)


def test_memory_grows_with_what_is_read():
    """More chunks, and a longer one, than there is room for at first."""
    reader = Reader(fast.model().groups)
    said = [
        " ".join(f"kata{at}" for at in range(first, first + 30)) for first in range(0, 9000, 30)
    ]
    said += ["panjang" * 20_000]
    numbers = reader.numbers(said)
    assert [reader.chunks[at] for at in numbers if at] == " ".join(said).split()
    assert (reader.numbers(said) == numbers).all()


@pytest.mark.skipif(kernel.library() is None, reason="the kernel was not compiled here")
@pytest.mark.parametrize("region", ["", "35.15"])
def test_compiled_or_not_the_same_texts_may_name_a_place(region):
    reader = Reader(fast.model().groups)
    told = [*ODD_ONES, *PIECES.split(), PIECES, " ".join(PIECES.split()), "", "Kota", "Solo!"]
    told += [f"{one} {other}" for one in PIECES.split() for other in PIECES.split()]
    numbers = reader.numbers(told)
    found = [Scout(reader.chunks, region, compiled) for compiled in (True, False)]
    texts = [scout.find(told, numbers) for scout in found]
    promising = [scout.promising(told, numbers).tolist() for scout in found]
    assert texts[0] == texts[1] and promising[0] == promising[1] != []


@pytest.mark.parametrize("region", ["", "35.15", "34.04"])
def test_places_of_many_are_the_places_of_each(region):
    told = [
        *ODD_ONES,
        "warga Surabaya dan Sidoarjo, Jawa Timur",
        "x  Di  Bogor",
        "pulang.  Bogor",
        "(Kab. Bogor) di - Bogor",
        'kota " Bandung " x',
        "di jawa , barat",
        "a.\nBogor",
        "DI JAWA TIMUR kota kembang",
        "Lampu di Kecamatan Sleman mati. Sleman gelap, desa : Sukamaju",
    ]
    found = read(told, region=region).places
    assert found == [find(text, region) for text in told]
    assert sum(map(len, found)) > 4
    # Another batch, by a scout that knows some of the chunks.
    assert read(told[::-1], region=region).places == found[::-1]


PIECES = "Bogor di kota Kota kec. Jawa jawa barat, . Bandung baru - (desa) kab.Sleman ke Timur \n"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(PIECES.split(" ")), max_size=8).map(" ".join),
        max_size=4,
    )
)
def test_no_place_is_missed_among_many(texts):
    assert read(texts).places == [find(text) for text in texts]
