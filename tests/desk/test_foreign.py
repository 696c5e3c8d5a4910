"""What strangers put behind a "?", into a file or a number: an answer in words, never a 500."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, example, given
from hypothesis import settings as bounds
from hypothesis import strategies as st
from PIL import Image

from tanggap.core.errors import Refused
from tanggap.desk import asked
from tanggap.execution.followup import evidence, sp4n
from tanggap.messaging import media
from tanggap.monitoring import analytics

pytestmark = pytest.mark.django_db
FEW = bounds(
    max_examples=40,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

# --- addresses ---------------------------------------------------------------------------------

NAMES = (
    *(
        "after",
        "q",
        "day",
        "sisip",
        "tab",
        "activity",
        "year",
        "item",
        "c",
        "from",
        "until",
        "since",
    ),
    *(
        "account",
        "post",
        "part",
        "kind",
        "state",
        "view",
        "sebelum",
        "jawaban",
        "late",
        "verb",
        "who",
    ),
    *("dari", "sampai", "offered", "case", "decision"),
)
PAGES = [
    *("accounts-list", "activities-list", "answers-list", "archive-list", "claims-list"),
    *("claims-new", "exempt-list", "findings-list", "followup-list", "followup-open"),
    *(
        "inbox-list",
        "messaging-list",
        "messaging-new",
        "monitoring-list",
        "monitoring-heard",
        "monitoring-owed",
    ),
    *("planning-list", "publishing-list", "rules-calendar", "search", "team-list"),
]
BAD = [
    *("²", "9" * 5000, "0001-01-01", "9999-12-31"),
    *(f"0001-01-01T00:00:00+23:59{sign}1" for sign in "~_,"),
    *(f"2026-11-23T01:00:00+00:00{sign}{'9' * 30}" for sign in "~_"),
    "2026-11-23T01:00:00~²",
]


@pytest.fixture
def lead(member) -> Client:
    client = Client(raise_request_exception=True)
    client.force_login(member("lead"))
    return client


@pytest.mark.parametrize("page", PAGES)
def test_no_page_falls_over_what_stands_behind_the_question_mark(lead, page):
    for bad in BAD:
        answer = lead.get(reverse(f"desk:{page}"), dict.fromkeys(NAMES, bad))
        assert answer.status_code < 500


@pytest.mark.parametrize("page", ["results", "clarifications", "accounts-of", "case-start"])
def test_no_public_page_does(agency, client, page):
    for bad in BAD:
        answer = client.get(
            reverse(f"public:{page}", args=[agency.slug]), dict.fromkeys(NAMES, bad)
        )
        assert answer.status_code < 500


@FEW
@given(st.text(max_size=30))
@example("²")
@example("0001-01-01T00:00:00+23:59")
def test_keys_are_read_or_are_none(text):
    assert 0 <= asked.number(text) < 10**asked.DIGITS
    found = asked.instant(text)
    assert found is None or found.tzinfo is not None


# --- the web-analytics file ---------------------------------------------------------------------

HEADS = st.sampled_from(
    [b"tanggal;kunjungan\n", b"date,page,visits\n", b"\xef\xbb\xbftanggal\tunduhan\n", b"#x\n", b""]
)
CELLS = st.one_of(
    st.sampled_from(
        [b"2026-11-20", b"0001-01-01", b"1.200", b"9" * 5000, b'"', b"\r", b"\0", b"="]
    ),
    st.binary(max_size=20),
)
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=4).map(b";".join), max_size=6).map(b"\n".join)


@pytest.fixture
def bring(agency, member, now):
    editor = member("editor")
    return lambda data: analytics.bring_in(agency, "a.csv", data, by=editor, now=now)


def test_any_file_is_brought_in_or_refused_in_words(bring):
    @FEW
    @given(HEADS, ROWS)
    @example(b"date,page,visits\n", b"2026-11-20,http://[x,5")
    @example(b"date,visits\n", b'2026-11-20,"' + b"x" * 200_000)
    def ask(head, rows):
        try:
            made = bring(head + rows)
        except Refused as refusal:
            assert refusal.what and refusal.why and refusal.next
        else:
            assert made.rows_taken > 0

    ask()


def test_a_large_file_is_turned_away_unread(bring):
    with pytest.raises(Refused):
        bring(b"tanggal;kunjungan\n" + b"2026-11-20;1\n" * 400_000)


# --- pictures -----------------------------------------------------------------------------------


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def head(width: int, height: int) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)


def sample(kind: str, mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, (20, 10)).save(out, kind)
    return out.getvalue()


BOMBS = {
    "100 gigapixels": png(head(320_000, 320_000), (b"IDAT", zlib.compress(b"\0"))),
    "just below the limit, no pixels": png(
        head(7_000, 7_000), (b"IDAT", zlib.compress(b"\0" * 99))
    ),
    "text that unpacks to 100 MB": png(
        head(4, 4), (b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 100_000_000, 9)), (b"IEND", b"")
    ),
    "a broken profile": png(head(4, 4), (b"iCCP", b"a\0\0xx"), (b"IDAT", b"x"), (b"IEND", b"")),
    "no size": png(head(0, 0), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")),
}
SAMPLES = [
    *(sample(kind) for kind in ("JPEG", "PNG", "WEBP", "GIF")),
    *(sample("PNG", mode) for mode in ("1", "P", "LA", "I;16")),
    sample("JPEG", "CMYK"),
]


def taken(agency, raw: bytes) -> None:
    """Both ways in for pictures: what is no picture is refused in words."""
    for take in (lambda: media._clean(raw, "x"), lambda: evidence.redrawn(io.BytesIO(raw))):
        try:
            take()
        except Refused as refusal:
            assert refusal.why and refusal.next and refusal.field


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_refused_before_it_grows(agency, bomb):
    tracemalloc.start()
    try:
        taken(agency, bomb)
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 120_000_000


def test_broken_pictures_are_refused_in_words(agency):
    @FEW
    @given(st.sampled_from(SAMPLES), st.integers(0, 400), st.binary(max_size=8), st.booleans())
    def ask(raw, at, put, cut):
        at %= len(raw) + 1
        taken(agency, raw[:at] if cut else raw[:at] + put + raw[at + len(put) :])

    for whole in SAMPLES:
        taken(agency, whole)
    ask()


# --- numbers of LAPOR! --------------------------------------------------------------------------


@FEW
@given(st.text(max_size=60))
@example("#1234567\n")
@example("٣٣٣٣٣")
def test_a_number_of_lapor_is_plain_or_refused(text):
    if sp4n.FORM.fullmatch(text.strip().lstrip("#")):
        assert text.isascii()
    else:
        with pytest.raises(Refused) as refusal:
            sp4n.set_id(SimpleNamespace(), text, by="x", now=None)
        assert refusal.value.field == "sp4n_id"
