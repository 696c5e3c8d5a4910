"""Monitoring's screens: doors open what they count, no number is "tidak tersedia", roles hold."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tanggap import messages
from tanggap.archive import seal
from tanggap.archive.queries import recorded
from tanggap.monitoring import evaluate
from tanggap.monitoring.models import Evaluation
from tanggap.planning.models import Objective, Plan
from tests.monitoring.test_returns import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(agency, member):
    messages.compile_if_stale()
    return Desk(agency, member("editor"), datetime.now(UTC))


@pytest.fixture
def sign_in(client, member):
    def make(role):
        client.force_login(member(role), backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


def text(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_every_door_opens_rows_that_add_up(desk, sign_in):
    post = desk.post(reblogs=12, quotes=3)
    for n in range(4):
        desk.says(f"warga{n}", post=post, at=desk.now - timedelta(minutes=n))
    web = sign_in("lead")
    page = web.get("/pemantauan/").content.decode()
    doors = re.findall(
        r'href="(/pemantauan/angka/[^"]+)">.*?<span class="big num">([^<]+)</span>', page, re.S
    )
    assert len(doors) >= 8
    for href, shown in doors:
        opened = web.get(href.replace("&amp;", "&"))
        assert opened.status_code == 200
        assert f": {shown}" in text(opened)
        if "angka/comments" in href or "angka/talkers" in href:
            assert opened.content.decode().count('class="row"') == int(shown)


def test_what_is_not_known_is_never_zero(desk, sign_in):
    said = text(sign_in("lead").get("/pemantauan/"))
    assert "0 dari 17 ukuran sudah ada angkanya." in said
    assert said.count("tidak tersedia") == 17


def test_a_coordinator_sees_figures_and_no_words(desk, sign_in):
    desk.says("tini", post=desk.post())
    web = sign_in("coordinator")
    assert web.get("/pemantauan/").status_code == 200
    for page in ("/pemantauan/angka/comments/", "/pemantauan/suara/"):
        answer = web.get(page)
        assert "jembatan ambrol" not in text(answer)
        assert "Tulisan warga hanya untuk petugas" in text(answer)


@pytest.mark.parametrize(
    ("role", "page", "status"),
    [
        ("unit", "/pemantauan/", 403),
        ("responder", "/pemantauan/analitik/", 403),
        ("editor", "/pemantauan/unduh/", 403),
        ("lead", "/pemantauan/unduh/", 200),
        ("responder", "/arsip/", 403),
        ("auditor", "/arsip/", 200),
        ("operator", "/cari/", 403),
    ],
)
def test_roles(desk, sign_in, role, page, status):
    assert sign_in(role).get(page).status_code == status


@pytest.mark.parametrize(
    "asked",
    [
        "from=kemarin",
        "from=2026-12-01&until=2026-11-01",
        "from=0001-01-01",
        "until=9999-12-31",
        "account=x",
        "part=99999999999999999999",
    ],
)
def test_wrong_input_is_answered(desk, sign_in, asked):
    answer = sign_in("lead").get(f"/pemantauan/?{asked}")
    assert answer.status_code in (200, 422)


def test_things_of_others_are_not_found(desk, sign_in):
    web = sign_in("lead")
    assert web.get("/pemantauan/?account=999999").status_code == 404
    assert web.get("/pemantauan/angka/nothing/").status_code == 404
    assert web.get("/pemantauan/evaluasi/999/").status_code == 404
    assert web.get("/arsip/catatan/999999/").status_code == 404


def test_a_file_is_brought_in_and_told(desk, sign_in):
    web = sign_in("editor")
    data = f"tanggal;kunjungan\n{desk.now.date() - timedelta(days=1)};120\nkemarin;1\n".encode()
    answer = web.post(
        "/pemantauan/analitik/", {"file": SimpleUploadedFile("situs.csv", data)}, follow=True
    )
    assert "1 baris dimasukkan." in text(answer)
    assert "Baris 3" in text(answer)
    again = web.post("/pemantauan/analitik/", {"file": SimpleUploadedFile("situs.csv", data)})
    assert again.status_code == 422
    assert "sama persis" in text(again)


def test_from_evaluation_to_the_next_plan(desk, sign_in):
    plan = Plan.objects.create(
        agency=desk.agency,
        title="Triwulan IV",
        state="running",
        period_start=date(2026, 10, 1),
        period_end=date(2026, 12, 31),
        person_in_charge=desk.editor,
        created_at=desk.now,
    )
    Objective.objects.create(
        agency=desk.agency,
        plan=plan,
        kind="inform",
        text="Warga dijawab",
        metric="comments",
        target=10,
        due_on=date(2026, 12, 1),
    )
    web = sign_in("lead")
    web.post(f"/pemantauan/evaluasi/rencana/{plan.pk}/")
    row = Evaluation.objects.get()
    page = f"/pemantauan/evaluasi/{row.pk}/"
    assert web.post(f"{page}tutup/").status_code == 422
    pk = row.objectives[0]["objective_id"]
    wrong = web.post(
        page, {f"objective-{pk}": "kept", f"why-{pk}": "Terbukti.", "staff_hours": "banyak"}
    )
    assert wrong.status_code == 422
    assert "Terbukti." in wrong.content.decode()
    web.post(
        page,
        {
            f"objective-{pk}": "kept",
            f"why-{pk}": "Terbukti.",
            "lesson-0": "Jawab dulu.",
            "staff_hours": "1.200",
            f"reached-{pk}": "7",
        },
    )
    assert web.post(f"{page}tutup/").status_code == 302
    row.refresh_from_db()
    assert (row.state, row.next_plan.lessons[0]["text"]) == ("closed", "Jawab dulu.")
    assert evaluate.lacking(row) == []
    assert web.get(page).status_code == 200
    assert "Jawab dulu." in text(web.get("/pemantauan/cetak/?from=2026-10-01&until=2026-12-31"))


def test_the_archive_shows_the_proof_in_words(desk, sign_in):
    web = sign_in("lead")
    web.get("/pemantauan/unduh/")
    row = recorded(desk.scope, verb="returns.exported").records[0]
    assert "menunggu disegel" in text(web.get(f"/arsip/catatan/{row.pk}/"))
    seal.seal(desk.now)
    said = text(web.get(f"/arsip/catatan/{row.pk}/"))
    assert "di log yang ditandatangani" in said
    assert "Tersegel di log" in said
    assert "returns.exported" in text(web.get("/arsip/?verb=returns."))
    assert "Tidak ada catatan yang cocok" in text(web.get("/arsip/?verb=plan.&day=zzz"))
    assert web.get(f"/arsip/riwayat/{row.subject_type}/{row.subject_id}/").status_code == 200


def test_search_finds_what_one_may_read(desk, sign_in):
    desk.says("tini", post=desk.post())
    desk.says("saksi", sealed=True)
    web = sign_in("lead")
    assert "1 ditemukan" in text(web.get("/cari/?q=jembatan"))
    assert "Tidak ada yang ditemukan" in text(web.get("/cari/?q=helikopter"))
    assert "Tulis sedikitnya dua huruf." in text(web.get("/cari/?q=a"))
    assert "nomor pribadi" in text(web.get("/cari/?q=3201230101900001"))
    assert web.get("/cari/?q=%27%22%3C%25").status_code == 200
