"""Journey 2, comment to policy and back.

A bridge has fallen. Forty people say so below our post, in forty wordings. They become one report;
the unit answers by a link with photos; what they said becomes a finding, a recommendation and a
decision of the head on his phone; everybody who asked is told once, in their own thread; and one
"belum" opens it again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tanggap.practice import network as net
from tanggap.practice import world
from tests.stories.preparing import at_hour, scheduled
from tests.stories.regency import Regency, Somebody, plain

pytestmark = [pytest.mark.browser, pytest.mark.long(110)]

FORTY = [said for said in world.messages() if said.expected.group == "jembatan"]
POST = "Dukcapil keliling hari ini di Balai Desa Cikaret, 08.00–12.00 WIB. Gratis."
ANSWER = "Tiang tengah patah kena kayu hanyut. Jembatan darurat untuk motor dipasang tim kami."
DONE = "Jembatan darurat Cikaret terpasang dan sudah dicoba; motor dan pejalan kaki bisa lewat."
ASK = "Mohon diperiksa di lokasi: apa yang rusak dan kapan bisa dilewati lagi."
FIRST = next(said for said in FORTY if "jembatan Cikaret" in said.text)
MOTHER = FIRST.citizen


def test_comment_to_policy(regency: Regency, photo: Callable[[str], Path]):
    forty_citizens_write(regency)

    sari = regency.at_desk("sari")
    number = sari_makes_one_report_of_forty(sari)
    everybody_gets_the_number_and_a_key(regency, number)

    link = sari_gives_it_to_the_unit(sari, number)
    wayan_answers_on_his_phone(regency, link, photo)
    sari.goes("/aduan/")
    sari.opens("Jembatan Desa Cikaret")
    sari.sees(ANSWER)

    dimas = regency.at_desk("dimas")
    dimas_writes_what_was_found(dimas)
    sari_compares_it_with_the_originals(sari)
    dimas_asks_for_a_decision(dimas)
    the_regent_decides_on_his_phone(regency)

    sari_resolves_it(sari)
    dimas_writes_to_the_forty(dimas)
    ratna_lets_it_out_on_her_phone(regency)

    # Forty answers, one after another.
    regency.later(hours=1, rounds=3)
    for said in FORTY:
        told = [words for words in regency.told_on_phone(said.citizen) if DONE in words]
        assert len(told) == 1, f"{said.citizen} was told {len(told)} times."

    the_mother_says_belum(regency, number)
    sari.goes("/aduan/")
    sari.opens("Jembatan Desa Cikaret")
    sari.sees("belum beres", "Motor belum bisa lewat")


def forty_citizens_write(regency: Regency) -> None:
    scheduled(regency, "Dukcapil keliling", POST, at="07:00")
    at_hour(regency, 7, 1)
    (post,) = regency.posts()
    for said in FORTY:
        regency.citizen_says(
            said.citizen,
            said.text,
            reply_to=post["id"],
            mention="pemkab",
            language=said.language_code,
        )
    regency.later(minutes=2)


def sari_makes_one_report_of_forty(sari: Somebody) -> str:
    """The machine finds most of them; she adds the others by hand. Returns the number."""
    sari.goes("/pesan/?q=jembatan")
    sari.opens(FIRST.name)
    sari.opens("pesan serupa")
    sari.sees("pesan, satu aduan")
    sari.writes("title", "Jembatan Desa Cikaret putus")
    sari.writes("place", "Cikaret")
    sari.chooses("unit", "PUPR")
    sari.presses("Buka aduannya")
    number = re.search(r"SKM-\w{4}", sari.reads())
    assert number is not None, sari.reads()[:500]
    found = int(re.search(r"(\d+) warga melaporkan ini", sari.reads()).group(1))  # type: ignore
    assert found >= 20, f"The machine found only {found} of forty."
    for said in FORTY:
        sari.goes(f"/pesan/?group=all&q={said.citizen}")
        if "Aduan" not in sari.reads().split(said.name)[-1][:400]:
            sari.opens(said.name)
            if number.group() not in sari.page.locator("aside.side").inner_text():
                continue
            sari.presses(number.group())
    sari.goes("/aduan/")
    sari.opens("Jembatan Desa Cikaret")
    sari.sees("40 warga melaporkan ini")
    sari.shot("journey-empat-puluh")
    return number.group()


def everybody_gets_the_number_and_a_key(regency: Regency, number: str) -> None:
    # They leave one after another, as a person would write.
    regency.later(minutes=15, rounds=3)
    for said in FORTY:
        told = regency.told_on_phone(said.citizen)
        assert sum(number in words for words in told) == 2, f"{said.citizen}: {told}"
        assert key_of(regency, said.citizen)


def key_of(regency: Regency, citizen: str) -> str:
    """The private key, from the private message on the citizen's phone."""
    for row in net.direct_messages(regency.network, citizen):
        found = re.search(r"\b\w{4}-\w{4}-\w{4}\b", plain(row["content"]))
        if found:
            return found.group()
    raise AssertionError(f"{citizen} got no key.")


def sari_gives_it_to_the_unit(sari: Somebody, number: str) -> str:
    """Returns the link that she copies for WhatsApp."""
    sari.chooses("to_unit", "PUPR")
    sari.writes("to_person", "Pak Wayan")
    sari.writes("ask", ASK)
    sari.presses("Buat tautan")
    sari.sees("Salin untuk WhatsApp")
    copied = sari.page.locator("#wa").input_value()
    assert number in copied
    return re.search(r"/tindak/[\w-]+/", copied).group()  # type: ignore[union-attr]


def wayan_answers_on_his_phone(regency: Regency, link: str, photo: Callable[[str], Path]) -> None:
    wayan = regency.passer_by()
    wayan.goes(link)
    wayan.sees(ASK, "40 warga")
    wayan.writes("name", "I Wayan Sudira")
    wayan.writes("answer", ANSWER)
    wayan.gives_file("before", photo("sebelum"))
    wayan.gives_file("after", photo("sesudah"))
    wayan.writes("caption", "Jembatan Cikaret, dilihat dari tebing utara.")
    wayan.shot("journey-tautan")
    wayan.presses("Kirim jawaban")
    wayan.sees("Terima kasih", ANSWER)


def dimas_writes_what_was_found(dimas: Somebody) -> None:
    dimas.goes("/aduan/")
    dimas.opens("Jembatan Desa Cikaret")
    dimas.opens("Tulis temuan")
    dimas.writes("title", "Jembatan Cikaret putus, anak sekolah memutar")
    dimas.page.locator("main button.main").click()
    dimas.page.wait_for_load_state()
    dimas.sees("40", "Jembatan rusak, Cikaret")
    dimas.writes("sentence", "Jembatan Cikaret putus, sehingga anak sekolah memutar jauh.")
    dimas.page.locator("input[name=quoted]").first.check()
    dimas.presses("Simpan kalimat")


def sari_compares_it_with_the_originals(sari: Somebody) -> None:
    """All forty are reachable, and the counts add up."""
    sari.goes("/temuan/")
    sari.opens("anak sekolah memutar")
    sari.sees("40")
    sari.presses("Sudah saya cocokkan")


def dimas_asks_for_a_decision(dimas: Somebody) -> None:
    dimas.goes("/temuan/")
    dimas.opens("anak sekolah memutar")
    dimas.opens("Tulis rekomendasi")
    dimas.writes("title", "Jembatan sementara Cikaret")
    dimas.writes("background", "Empat puluh warga melaporkan; anak sekolah memutar enam kilometer.")
    dimas.chooses("owner_unit", "PUPR")
    dimas.writes("option_a", "Pasang jembatan darurat minggu ini")
    dimas.writes("cost_a", "Rp180 juta")
    dimas.writes("option_b", "Tunggu anggaran perubahan")
    dimas.presses("Ajukan kepada pimpinan")
    dimas.sees("Jembatan sementara Cikaret")


def the_regent_decides_on_his_phone(regency: Regency) -> None:
    regent = regency.on_phone("bupati")
    regent.goes("/")
    regent.sees("1 keputusan menunggu")
    regent.goes("/temuan/")
    regent.opens("Jembatan sementara Cikaret")
    regent.ticks("Terima")
    regent.ticks("A. Pasang jembatan darurat")
    regent.writes("reason", "Anak sekolah tidak boleh memutar sampai tahun depan.")
    regent.shot("journey-keputusan")
    regent.presses("Catat keputusan")
    regent.sees("Keputusan Anda tercatat")


def sari_resolves_it(sari: Somebody) -> None:
    sari.goes("/aduan/")
    sari.opens("Jembatan Desa Cikaret")
    sari.presses("Tampilkan untuk umum")
    sari.writes("resolution", DONE)
    sari.presses("Selesaikan", exact=True)
    sari.sees("Selesai")


def dimas_writes_to_the_forty(dimas: Somebody) -> None:
    dimas.goes("/temuan/")
    dimas.opens("Jembatan sementara Cikaret")
    dimas.opens("Kabari semua pelapor")
    dimas.writes("title", "Jembatan Cikaret bisa dilewati lagi")
    dimas.writes("you_said", "Jembatan Desa Cikaret putus dan anak sekolah memutar.")
    dimas.writes("we_did", DONE)
    dimas.writes("reply_text", DONE)
    dimas.presses("Lihat siapa dikabari apa")
    dimas.sees("40")


def ratna_lets_it_out_on_her_phone(regency: Regency) -> None:
    ratna = regency.on_phone("ratna")
    ratna.goes("/temuan/")
    ratna.opens("Jembatan Cikaret bisa dilewati lagi")
    ratna.sees("40", DONE)
    ratna.shot("journey-kabar")
    ratna.presses("Setujui dan kirim")


def the_mother_says_belum(regency: Regency, number: str) -> None:
    """On her own phone, with the number and the key, without an account."""
    mother = regency.passer_by()
    mother.goes("/sukamaju/lapor/")
    mother.writes("number", number.lower())
    mother.presses("Lihat status")
    mother.sees("Selesai, mohon diperiksa")
    mother.does_not_see(DONE)
    mother.writes("key", key_of(regency, MOTHER))
    mother.presses("Buka rincian")
    mother.sees(DONE)
    mother.shot("journey-warga")
    mother.writes("words", "Motor belum bisa lewat, yang dipasang baru papan.")
    mother.presses("Belum beres")
    mother.sees("Laporan dibuka lagi")
