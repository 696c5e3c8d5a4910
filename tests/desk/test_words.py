"""How pages say times, numbers, codes and hidden text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.utils import translation
from django.utils.html import strip_tags

from tanggap import messages
from tanggap.desk.moment import showing
from tanggap.desk.templatetags import words
from tanggap.desk.words import tables

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # Monday 08.00 WIB
pytestmark = pytest.mark.time


@pytest.fixture(autouse=True)
def page():
    messages.compile_if_stale()
    with translation.override("id"), showing(NOW, "Asia/Jakarta"):
        yield


@pytest.mark.parametrize(
    ("away", "said"),
    [
        (timedelta(seconds=-20), "lewat 1 menit"),
        (timedelta(hours=-1), "lewat 1 jam"),
        (timedelta(days=-3), "lewat 3 hari"),
        (timedelta(minutes=20), "20 menit lagi"),
        (timedelta(hours=2), "2 jam lagi"),
        (timedelta(hours=26), "besok 10.00"),
        (timedelta(days=4, hours=2), "Jumat 10.00"),
        (timedelta(days=18), "11 Desember"),
        (timedelta(days=60), "22 Januari 2027"),
    ],
)
def test_due(away, said):
    assert words.due_words(NOW + away, NOW) == said


def test_due_in_working_hours():
    soon = NOW + timedelta(hours=20)
    assert words.due_words(soon, NOW, timedelta(hours=2)) == "2 jam kerja lagi"
    assert words.due_words(soon, NOW, timedelta(days=9)) == "besok 04.00"


def test_no_promise():
    never = datetime(9999, 12, 31, tzinfo=UTC)
    assert words.due_words(never, NOW) == "tanpa tenggat"
    assert words.due_tone(never, NOW) == ""


@pytest.mark.parametrize(
    ("away", "said"),
    [
        (timedelta(seconds=9), "baru saja"),
        (timedelta(minutes=12), "12 menit lalu"),
        (timedelta(hours=2), "2 jam lalu"),
        (timedelta(hours=12), "kemarin 20.00"),
        (timedelta(days=20), "3 November"),
    ],
)
def test_ago(away, said):
    assert words.ago_words(NOW - away, NOW) == said


def test_the_zone_is_the_agencys():
    with showing(NOW, "Asia/Jayapura"):
        assert words.exact_words(NOW) == "Senin 23 November 2026, 10.00 WIT"


def test_a_time_says_the_exact_instant_too():
    html = words.due(NOW - timedelta(hours=1))
    assert 'class="pill num late"' in html
    assert 'datetime="2026-11-23T00:00:00+00:00"' in html
    assert "Senin 23 November 2026, 07.00 WIB" in strip_tags(html)


def test_missing_numbers_are_said():
    assert words.number(None) == "tidak tersedia"
    assert words.number(1234567) == "1.234.567"
    assert words.percent(0.805, 1) == "80,5%"
    assert words.signed(-9) == "−9"


def test_masked_letters_never_reach_the_page():
    html = words.mask("NIK <b>3201</b> & 0812", [(7, 11, "nik"), (8, 12, "nik"), (18, 22, "phone")])
    assert "3201" not in html
    assert "0812" not in html
    assert "NIK disamarkan" in html
    assert "nomor telepon disamarkan" in html
    assert "&lt;b&gt;" in html


@pytest.mark.parametrize("span", [(0, 3, "nik"), {"start": 0, "end": 3, "kind": "nik"}])
def test_spans_come_in_any_shape(span):
    assert "abc" not in words.mask("abc", [span])


def test_words_know_their_group():
    assert words.word("lead", "role") == "Penanggung jawab"
    with pytest.raises(KeyError):
        words.word("lead", "nothing")


def test_query_changes_the_address(rf):
    text = Template("{% query state='late' after=None %}").render(
        Context({"request": rf.get("/pesan/?state=new&after=5&q=a")})
    )
    assert text == "?q=a&amp;state=late"


def test_every_trouble_of_a_post_says_what_to_do():
    found = tables()
    assert set(found["trouble"]) == set(found["trouble_next"])
