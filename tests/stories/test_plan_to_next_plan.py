"""Journey 1, plan to next plan.

A plan with a number to reach, approved on a phone by somebody else; an activity for it; content,
written once and approved by a second person on her phone; posted on the network; measured; and an
evaluation whose lessons open the next plan.
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.stories.preparing import at_hour
from tests.stories.regency import Regency, Somebody, plain

pytestmark = [pytest.mark.browser, pytest.mark.long(60)]

TITLE = "Rencana triwulan: layanan yang mendatangi warga"
LESSON = "Warga bertanya paling banyak pada malam hari; jadwal jaga perlu bergeser."
TEXT = (
    "Imunisasi campak gratis mulai besok di semua puskesmas, 08.00–12.00 WIB. Bawa buku KIA. "
    "Anak demam? Tunda dulu, tanya bidan."
)


def test_plan_to_next_plan(regency: Regency):
    # He writes in a browser without scripts: every form works all the same.
    dimas = regency.at_desk("dimas", scripts=False)
    dimas_writes_a_plan(dimas)
    the_regent_approves_it_on_his_phone(regency)

    dimas_puts_an_activity_on_the_calendar(dimas)
    dimas_writes_content_for_it(dimas)
    ratna_approves_it_on_her_phone(regency)
    dimas_schedules_it_for_seven(dimas)
    assert regency.posts() == []

    at_hour(regency, 7, 1)
    assert [plain(row["content"]) for row in regency.posts()] == [TEXT]

    regency.citizen_says(
        "ibu_dua_anak",
        "Terima kasih infonya, boleh bawa kakaknya?",
        reply_to=regency.posts()[0]["id"],
        mention="pemkab",
    )
    regency.later(minutes=2)
    dimas.goes("/pesan/")
    dimas.sees("boleh bawa kakaknya")

    the_eight_steps_show_their_evidence(dimas)
    the_period_ends(regency)
    ratna_closes_the_evaluation(regency)
    the_next_plan_carries_the_lesson(regency)


def day(regency: Regency, ahead: int = 0) -> str:
    local = regency.now.astimezone(ZoneInfo(regency.agency.zone)).date()
    return (local + timedelta(days=ahead)).isoformat()


def dimas_writes_a_plan(dimas: Somebody) -> None:
    dimas.opens("Rencana", exact=True)
    dimas.opens("Mulai rencana")
    dimas.writes("title", TITLE)
    dimas.writes("period_start", day(dimas.regency))
    dimas.writes("period_end", day(dimas.regency, 20))
    dimas.writes("people", "Ibu balita dan pengasuh di kecamatan hulu.")
    dimas.writes("strategy", "Menjawab lebih dulu, menyiarkan kemudian.")
    dimas.writes("technology", "Satu akun Mastodon resmi.")
    dimas.writes("welfare_outcome", "Anak balita terlindungi dari campak.")
    dimas.writes("issues", "Cakupan imunisasi turun di tiga kecamatan.")
    dimas.writes("priority_issue", "Cakupan imunisasi campak.")
    dimas.writes("key_message", "Layanan Sukamaju datang ke desa Anda.")
    dimas.writes("programme", "RPJMD misi 3")
    dimas.presses("Simpan")

    dimas.opens("Tambah segmen")
    dimas.writes("name", "Ibu balita")
    dimas.writes("who", "Ibu dan pengasuh anak usia 0–5 tahun")
    dimas.writes("rung_spectators", "78")
    dimas.writes("source", "Perkiraan tim dari 214 komentar")
    dimas.presses("Simpan")

    dimas.opens("Tambah sasaran")
    dimas.writes("text", "Pertanyaan ibu balita dijawab pada hari kerja yang sama")
    dimas.chooses("metric", "komentar")
    dimas.writes("baseline", "214")
    dimas.writes("baseline_source", "Rekap triwulan lalu")
    dimas.writes("target", "400")
    dimas.writes("due_on", day(dimas.regency, 18))
    dimas.ticks("Ibu balita")
    dimas.presses("Simpan")

    dimas.opens("Pilih saluran")
    dimas.chooses("channel", "Mastodon")
    dimas.ticks("Dipilih")
    dimas.writes("reason", "Percakapan terbuka dan arsipnya dapat diambil penuh.")
    dimas.presses("Simpan")

    dimas.sees("Rencana sudah lengkap")
    dimas.shot("rencana")
    dimas.presses("Serahkan untuk disetujui")


def the_regent_approves_it_on_his_phone(regency: Regency) -> None:
    regent = regency.on_phone("bupati")
    regent.goes("/rencana/")
    regent.opens(TITLE)
    regent.presses("Setujui rencana")
    regent.presses("Jalankan rencana")
    regent.sees("Berjalan")


def dimas_puts_an_activity_on_the_calendar(dimas: Somebody) -> None:
    dimas.goes("/agenda/")
    dimas.opens("Masukkan ke kalender")
    dimas.writes("title", "Pekan imunisasi campak")
    dimas.chooses("objective", "Pertanyaan ibu balita")
    dimas.ticks("Ibu balita")
    dimas.writes("starts_at", f"{day(dimas.regency)}T08:00")
    dimas.writes("ends_at", f"{day(dimas.regency, 5)}T12:00")
    dimas.writes("place", "Semua puskesmas")
    dimas.chooses("person_in_charge", "Dimas")
    dimas.presses("Simpan")
    dimas.sees("Pekan imunisasi campak")


def dimas_writes_content_for_it(dimas: Somebody) -> None:
    dimas.opens("Tulis konten")
    dimas.writes("title", "Jadwal imunisasi campak")
    dimas.writes("core", TEXT)
    dimas.ticks("Pemkab Sukamaju")
    dimas.ticks("Berkala")
    dimas.writes("source", "SK Dinkes 440/118")
    dimas.presses("Simpan dan periksa")
    dimas.presses("Minta persetujuan")
    dimas.sees("rekan")
    dimas.shot("konten")


def ratna_approves_it_on_her_phone(regency: Regency) -> None:
    ratna = regency.on_phone("ratna")
    ratna.goes("/konten/?only=mine")
    ratna.opens("Jadwal imunisasi campak")
    ratna.sees(TEXT, "SK Dinkes 440/118")
    ratna.shot("periksa")
    ratna.presses("Setujui")


def dimas_schedules_it_for_seven(dimas: Somebody) -> None:
    dimas.goes("/konten/")
    dimas.opens("Jadwal imunisasi campak")
    dimas.opens("Jadwalkan")
    dimas.writes("at", f"{day(dimas.regency)}T07:00")
    dimas.presses("Jadwalkan")
    dimas.goes("/penayangan/")
    dimas.sees("Imunisasi campak gratis", "07.00 WIB")


def the_eight_steps_show_their_evidence(dimas: Somebody) -> None:
    dimas.goes("/agenda/?view=list")
    dimas.opens("Pekan imunisasi campak")
    dimas.sees("Delapan langkah")
    dimas.shot("delapan-langkah")


def the_period_ends(regency: Regency) -> None:
    """Numbers come in at their ages while the weeks pass."""
    for _ in range(4):
        regency.later(days=1)
    regency.later(days=18)


def ratna_closes_the_evaluation(regency: Regency) -> None:
    """Each objective is judged by its number; a lesson is written; closing opens the next plan."""
    ratna = regency.at_desk("ratna")
    ratna.goes("/pemantauan/evaluasi/")
    ratna.sees("Rencana yang belum dievaluasi", TITLE)
    ratna.presses(TITLE)
    ratna.sees("dari 214 menuju 400", "Capaian")
    ratna.ticks("Pertahankan")
    ratna.writes("Mengapa?", "Arahnya benar; angkanya belum tercapai dan diteruskan.")
    ratna.writes("lesson-0", LESSON)
    ratna.writes("source-0", "Rapat tim")
    ratna.writes("staff_hours", "46,5")
    ratna.presses("Simpan")
    ratna.shot("evaluasi")
    ratna.presses("Tutup dan buat rancangan")


def the_next_plan_carries_the_lesson(regency: Regency) -> None:
    dimas = regency.at_desk("dimas")
    dimas.goes("/rencana/")
    dimas.sees(f"lanjutan dari “{TITLE}”")
    dimas.page.locator("main .row", has_text="lanjutan dari").get_by_role("link").first.click()
    dimas.page.wait_for_load_state()
    dimas.sees(LESSON, "Pertanyaan ibu balita dijawab pada hari kerja yang sama")
    dimas.shot("rencana-berikutnya")
