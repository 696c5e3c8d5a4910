"""The web-analytics file: good rows go in, bad ones are told by number, nothing counts twice."""

from __future__ import annotations

from datetime import date

import pytest

from tanggap.core.errors import Refused
from tanggap.monitoring import analytics
from tanggap.monitoring.models import AnalyticsImport, Measurement

pytestmark = pytest.mark.django_db

GOOD = (
    b"tanggal;halaman;kunjungan;pengunjung\n2026-11-20;/imunisasi?nama=Tini;1.200;900\n"
    b"21/11/2026;;10;8\n"
)


@pytest.fixture
def bring(agency, member, now):
    editor = member("editor")
    return lambda data, name="a.csv", **more: analytics.bring_in(
        agency, name, data, by=editor, now=now, **more
    )


def test_rows_go_in(bring):
    made = bring(GOOD)
    assert (made.rows_taken, made.rows_refused) == (2, 0)
    found = {(one.metric, one.day, one.page): int(one.value) for one in Measurement.objects.all()}
    assert found == {
        ("visits", date(2026, 11, 20), "/imunisasi"): 1200,
        ("visitors", date(2026, 11, 20), "/imunisasi"): 900,
        ("visits", date(2026, 11, 21), ""): 10,
        ("visitors", date(2026, 11, 21), ""): 8,
    }


def test_the_same_file_twice_is_refused_kindly(bring):
    bring(GOOD)
    with pytest.raises(Refused) as refusal:
        bring(GOOD, "other name.csv")
    assert "Editor 1" in str(refusal.value.why)
    assert Measurement.objects.count() == 4


def test_bad_rows_are_kept_by_number(bring):
    made = bring(
        b"date,visits\n2026-11-20,5\nkemarin,5\n2026-11-19,lots\n2026-12-01,1\n"
        b"2026-11-18,\n2026-11-20,6\n"
    )
    assert (made.rows_taken, made.rows_refused) == (1, 5)
    assert [row["line"] for row in made.refused] == [3, 4, 5, 6, 7]
    assert "kemarin" in made.refused[0]["why"]


def test_another_file_about_the_same_day_counts_once(bring):
    bring(b"date,visits\n2026-11-20,5\n")
    made = bring(b"date,visits\n2026-11-20,7\n2026-11-19,2\n")
    assert (made.rows_taken, made.rows_refused) == (1, 1)
    assert sorted(int(one.value) for one in Measurement.objects.all()) == [2, 5]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"nama,umur\nTini,4\n",
        b"PK\x03\x04\x00\x00\x00\x00",
        b"date,visits\n",
        b"date,visits\nx,y\n",
        b'date,visits\n"2026',
        b"\xff\xfe" + b"\0" * 11,
        b"x" * (analytics.LARGEST + 1),
    ],
    ids=["empty", "blank", "columns", "workbook", "no-rows", "all-bad", "quote", "utf16", "large"],
)
def test_what_cannot_be_used_leaves_nothing(bring, data):
    with pytest.raises(Refused) as refusal:
        bring(data)
    assert refusal.value.next
    assert not AnalyticsImport.objects.exists()
    assert not Measurement.objects.exists()


def test_progress_is_told(bring):
    told = []
    rows = b"".join(b"2026-11-20,/p%d,1\n" % n for n in range(2500))
    bring(b"date,page,visits\n" + rows, progress=lambda done, of: told.append((done, of)))
    assert told == [(1000, 2500), (2000, 2500), (2500, 2500)]
