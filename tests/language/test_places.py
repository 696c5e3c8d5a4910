"""A place is one by what stands around it; common words are none."""

from __future__ import annotations

import pytest

from tanggap.language.places import find


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Pulang ke Kabupaten Sleman lewat Jl. Magelang", ["34.04"]),
        ("banjir di kec. Jatinegara", ["31.75.03"]),
        ("warga Surabaya dan Sidoarjo, Jawa Timur", ["35.78", "35.15", "35"]),
        ("jalan baru kota lama negara tetap luas", []),
        ("Pak Bandung tinggal di rumah lama", []),
        ("kamu selesai cuci butuh pacar", []),
        ("", []),
    ],
)
def test_codes(text, codes):
    assert [one.codes[0] for one in find(text)] == codes


def test_the_own_region_comes_first():
    there = find("Banjir di Desa Sukamaju", "32.03")
    assert there[0].codes[0].startswith("32.03")
    assert not find("Banjir di Desa Sukamaju")[0].codes[0].startswith("32.03")


def test_offsets_point_into_the_text():
    text = "Tolong, warga Desa Cikaret (Kab. Bogor) terisolasi"
    assert [text[one.start : one.end] for one in find(text)][-1] == "Bogor"
