"""What citizens and units see, without signing in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tanggap.core import clock
from tanggap.execution.followup import announce, cases, evidence, guesses, handover
from tanggap.execution.followup.models import Handover
from tests.followup.test_cases import key_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def wall(town):
    town.scene.now = clock.now()


@pytest.fixture
def case(town):
    return town.case(2)


def address(case) -> str:
    return reverse("public:case", args=[case.agency.slug, case.number])


def test_the_number_shows_the_status_and_nothing_of_anybody(case, client):
    page = client.get(address(case)).content.decode()
    assert case.number in page
    assert "Paling lambat" in page
    for one in case.contributors.all():
        assert one.item.text not in page
        assert one.author.handle not in page
    assert case.title not in page
    assert len(page) < 20_000
    assert "<script" not in page


def test_the_key_opens_ones_own_words_only(case, client):
    one, two = case.contributors.order_by("pk")
    page = client.post(address(case), {"key": key_of(one).lower()}).content.decode()
    assert one.item.text in page
    assert two.item.text not in page
    assert client.post(address(case), {"key": "AAAA-AAAA-AAAA"}).status_code == 422


def test_a_key_of_another_report_opens_nothing(case, client, town):
    stranger = town.case().contributors.get()
    assert client.post(address(case), {"key": key_of(stranger)}).status_code == 422


def test_guessing_keys_is_stopped(case, client):
    for _ in range(guesses.LIMITS["key"]):
        client.post(address(case), {"key": "AAAA-AAAA-AAAA"})
    good = key_of(case.contributors.first())
    page = client.post(address(case), {"key": good})
    assert page.status_code == 422
    assert "Mohon tunggu sebentar." in page.content.decode()


def test_guessing_numbers_is_stopped(case, client):
    there = reverse("public:case-start", args=[case.agency.slug])
    for _ in range(guesses.LIMITS["number"]):
        assert client.post(there, {"number": "LBG-AAAA"}).status_code == 422
    assert client.post(there, {"number": case.number}).status_code == 422


def test_a_number_typed_loosely_leads_there(case, client):
    there = reverse("public:case-start", args=[case.agency.slug])
    done = client.post(there, {"number": case.number.replace("-", " ").lower()})
    assert done["Location"] == address(case)


def test_belum_and_stars_by_the_key(case, client, town):
    cases.resolve(
        case, resolution="Jembatan terpasang.", evidence_note="-", by=town.sari, now=town.now
    )
    one, two = case.contributors.order_by("pk")
    client.post(address(case), {"key": key_of(two), "rate": "1", "stars": "4"})
    page = client.post(
        address(case), {"key": key_of(one), "belum": "1", "words": "Motor belum bisa lewat."}
    )
    assert "dibuka lagi" in page.content.decode()
    case.refresh_from_db()
    assert (case.state, case.satisfaction) == ("reopened", 4)


def test_without_a_key_nobody_reopens(case, client, town):
    cases.resolve(case, resolution="x", evidence_note="-", by=town.sari, now=town.now)
    client.post(address(case), {"belum": "1", "words": "x"})
    case.refresh_from_db()
    assert case.state == "resolved"


def test_a_sealed_report_tells_nothing_without_its_key(town, client):
    made = cases.open_case(
        [town.item("Ada pungli", sealed=True)],
        kind="integrity",
        title="Pungli",
        unit=town.scene.agency,
        by=town.sari,
        now=town.now,
    )
    page = client.get(address(made)).content.decode()
    assert "Ditugaskan" not in page
    assert town.scene.agency.name in page  # the footer's, not the unit's work
    opened = client.post(address(made), {"key": key_of(made.contributors.get())})
    assert "Ada pungli" in opened.content.decode()


def test_a_late_report_says_so(case, client):
    from tanggap.execution.followup.models import Case, Clock

    past = clock.now() - timedelta(days=3)
    Clock.objects.filter(case=case).update(due_at=past)
    Case.objects.filter(pk=case.pk).update(due_at=past)
    assert "Terlambat" in client.get(address(case)).content.decode()


def test_a_unit_answers_with_a_photo(town, unit, client, make_photo):
    made, token = handover.offer(
        town.case(3), to_unit=unit, ask="Kapan?", by=town.sari, now=town.now
    )
    there = reverse("public:handover", args=[token])
    client.get(there, headers={"user-agent": "WhatsApp/2.23"})
    assert Handover.objects.get().state == "offered"
    page = client.get(there, headers={"user-agent": "Mozilla/5.0 (Linux; Android 13)"})
    assert page.status_code == 200
    assert len(page.content) < 30_000
    assert Handover.objects.get().state == "opened"
    wrong = client.post(there, {"answer": "Besok dipasang.", "name": ""})
    assert wrong.status_code == 422
    assert "Besok dipasang." in wrong.content.decode()
    photo = SimpleUploadedFile("a.jpg", make_photo().getvalue(), "image/jpeg")
    done = client.post(
        there,
        {
            "answer": "Besok dipasang.",
            "name": "Wayan",
            "after": photo,
            "caption": "Rangka bailey di lokasi",
        },
    )
    assert done.status_code == 200
    made.refresh_from_db()
    assert (made.state, made.photos.count()) == ("answered", 1)
    again = client.post(there, {"answer": "Lain.", "name": "Wayan"})
    assert again.status_code == 200
    made.refresh_from_db()
    assert made.answer == "Besok dipasang."


def test_a_photo_without_words_keeps_nothing_behind(town, unit, client, make_photo):
    made, token = handover.offer(
        town.case(), to_unit=unit, ask="Kapan?", by=town.sari, now=town.now
    )
    photo = SimpleUploadedFile("a.jpg", make_photo().getvalue(), "image/jpeg")
    page = client.post(
        reverse("public:handover", args=[token]),
        {"answer": "x", "name": "", "after": photo, "caption": "Rangka"},
    )
    assert page.status_code == 422
    assert not made.photos.exists()


def test_not_ours_from_the_form(town, unit, client):
    _made, token = handover.offer(town.case(), to_unit=unit, ask="?", by=town.sari, now=town.now)
    page = client.post(
        reverse("public:handover", args=[token]),
        {"refuse": "1", "name": "Wayan", "why": "Jembatan desa."},
    )
    assert page.status_code == 200
    assert Handover.objects.get().refusal == "Jembatan desa."


def test_a_wrong_link_says_what_to_do(client, db):
    page = client.get(reverse("public:handover", args=["nonsense"]))
    assert page.status_code == 410


def test_results_and_figures(town, client, make_photo):
    case = town.case(3, tell=False)
    shown = evidence.add(
        case,
        make_photo(),
        when="after",
        caption="Jembatan terpasang",
        by=town.sari,
        given_by="Sari",
        now=town.now,
        public=True,
    )
    hidden = evidence.add(
        case,
        make_photo(),
        when="before",
        caption="Rahasia",
        by=town.sari,
        given_by="Sari",
        now=town.now,
    )
    cases.resolve(case, resolution="Terpasang.", by=town.sari, now=town.now)
    made = announce.write(
        "Jembatan darurat",
        you_said="Putus.",
        we_did="Dipasang.",
        reply_text="Sudah.",
        by=town.dimas,
        now=town.now,
        case=case,
    )
    slug = case.agency.slug
    there = reverse("public:result", args=[slug, made.slug])
    assert client.get(there).status_code == 404
    announce.approve(made, seen_hash=announce.batch_hash(made), by=town.lead, now=town.now)
    page = client.get(there).content.decode()
    assert "Jembatan terpasang" in page
    assert hidden.caption not in page
    assert "Jembatan darurat" in client.get(reverse("public:results", args=[slug])).content.decode()
    figures = client.get(reverse("public:accountability", args=[slug]))
    assert figures.context["figures"].people == 3
    assert "tidak tersedia" in figures.content.decode()
    from tanggap.public.cases import photo_url

    photo = client.get(photo_url(shown))
    assert photo["Content-Type"] == "image/jpeg"
    assert len(b"".join(photo.streaming_content)) < 100_000
    assert client.get("/bukti/nonsense.jpg").status_code == 404


def test_another_agency_shows_none_of_it(town, other, client):
    case = town.case()
    assert Client().get(reverse("public:results", args=[other.slug])).status_code == 200
    figures = client.get(reverse("public:accountability", args=[other.slug]))
    assert figures.context["figures"].opened == 0
    # A number leads to its own agency, whatever address it is typed into.
    done = client.post(reverse("public:case-start", args=[other.slug]), {"number": case.number})
    assert f"/{case.agency.slug}/" in done["Location"]
