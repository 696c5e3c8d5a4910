"""Hints point at words and sentences that are really there."""

from __future__ import annotations

from tanggap.language.readability import read, syllables
from tanggap.practice import world

OFFICE = (
    "Sehubungan dengan hal tersebut, dalam rangka optimalisasi pelayanan diimbau kepada seluruh "
    "masyarakat agar senantiasa melakukan koordinasi dengan perangkat desa setempat sebelum "
    "mengajukan permohonan dokumen kependudukan. Terima kasih."
)


def test_office_prose_gets_plainer_words_in_place():
    reading = read(OFFICE)
    hints = {OFFICE[one.span.start : one.span.end].lower(): one.plainer for one in reading.hints}
    assert hints["dalam rangka"] == "untuk"
    assert hints["mengajukan permohonan"] == "meminta"
    assert "permohonan" not in hints
    assert reading.sentences == 2
    assert len(reading.long_sentences) == 1
    start, end, count = reading.long_sentences[0]
    assert OFFICE[start:end].strip().endswith("kependudukan.") and count == 25


def test_plain_words_get_none():
    reading = read("Bawa buku KIA. Anak demam? Tunda dulu, tanya bidan.")
    assert reading.hints == () and reading.long_sentences == ()
    assert reading.sentences == 3 and reading.words == 9


def test_links_and_tags_are_not_read():
    assert read("Lihat https://sukamaju.example/imunisasi #vaksin").words == 1


def test_numbers_and_abbreviations_do_not_end_a_sentence():
    assert read("Buka pukul 08.00 sampai 12.00 di Jl. merdeka.").sentences == 1


def test_syllables():
    expected = {"bidan": 2, "pantai": 2, "air": 2, "imunisasi": 5, "ke": 1, "xyz": 1}
    assert {word: syllables(word) for word in expected} == expected


def test_nothing():
    assert read("").words_per_sentence == 0


def test_our_own_posts_read_easily():
    for post in world.read("posts"):
        assert read(post["text"]).long_sentences == (), post["key"]
