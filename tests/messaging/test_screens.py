"""The composer and the review: what is typed stays, who may decide decides, on what they saw."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from tanggap.execution.publishing import schedule
from tanggap.messaging import approve, content, draft
from tanggap.messaging.content import digest
from tanggap.messaging.models import Message, Review

LOCAL = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(autouse=True)
def no_second_factor(settings):
    settings.SECOND_FACTOR = False


def sign_in(client, person):
    client.force_login(person, backend=LOCAL)
    return client


def hidden(page, name: str) -> str:
    return re.search(rf'name="{name}" value="([^"]*)"', page.content.decode())[1]


def text(page) -> str:
    return " ".join(page.content.decode().split())


def fields(message: Message, account, **more):
    return {
        "title": message.title,
        "core": message.core,
        "accounts": [account.pk],
        "openness": message.openness,
        "source": message.source,
        "tone": "warm",
        "seen": message.edited_at.isoformat(),
        **more,
    }


def test_writing_keeps_what_was_typed_when_it_is_refused(client, maker, account):
    web = sign_in(client, maker)
    page = web.post(reverse("desk:messaging-new"), {"title": "", "core": "Kerja bakti Minggu."})
    assert page.status_code == 422 and "Kerja bakti Minggu." in text(page)
    assert not Message.objects.exists()


def test_a_message_is_written_adapted_and_handed_in(client, maker, account):
    web = sign_in(client, maker)
    answer = web.post(
        reverse("desk:messaging-new"),
        {
            "title": "Kerja bakti",
            "core": "Kerja bakti Minggu pukul 07.00.",
            "tone": "warm",
            "accounts": [account.pk],
            "openness": "none",
            "source": "Camat",
        },
    )
    row = Message.objects.get()
    assert answer.status_code == 302
    variant = row.variants.get()
    adapt = reverse("desk:messaging-adapt", args=[row.pk, variant.pk])
    assert web.post(adapt, {"begin": "1"}).status_code == 302
    assert web.post(adapt, {"part": ["Satu", "Dua", ""], "visibility": "public"}).status_code == 302
    variant.refresh_from_db()
    assert variant.detached and variant.parts == ["Satu", "Dua"]
    page = web.get(reverse("desk:messaging-one", args=[row.pk]) + f"?tab={variant.pk}")
    assert page.status_code == 200 and "Dua" in text(page)
    follow = reverse("desk:messaging-follow", args=[row.pk, variant.pk])
    assert web.get(follow).status_code == 200
    web.post(follow)
    variant.refresh_from_db()
    assert not variant.detached
    web.post(reverse("desk:messaging-submit", args=[row.pk]))
    row.refresh_from_db()
    assert row.state == "checked"


def test_the_language_is_chosen_approved_with_the_words_and_told_to_the_network(
    client, message, maker, account
):
    web = sign_in(client, maker)
    page = web.get(reverse("desk:messaging-one", args=[message.pk]))
    assert '<option value="id" selected>' in text(page)
    before = content.digest(message)
    save = reverse("desk:messaging-save", args=[message.pk])
    assert web.post(save, fields(message, account, language="su")).status_code == 302
    message.refresh_from_db()
    assert message.language == "su"
    assert content.digest(message) != before
    assert [said["language"] for _variant, _part, said in content.contents_of(message)] == ["su"]
    # A form that says nothing of it changes nothing; one that is unknown is refused.
    assert web.post(save, fields(message, account)).status_code == 302
    message.refresh_from_db()
    assert message.language == "su"
    assert web.post(save, fields(message, account, language="xx")).status_code == 422


def test_saving_over_anothers_words_is_refused_with_both(client, message, maker, account, now):
    stale = fields(message, account, core="Versi saya.")
    draft.edit(message, core="Versi lain yang lebih baru.", by=maker, now=now.replace(hour=2))
    page = sign_in(client, maker).post(reverse("desk:messaging-save", args=[message.pk]), stale)
    message.refresh_from_db()
    assert page.status_code == 422 and "Versi saya." in text(page)
    assert message.core == "Versi lain yang lebih baru."


def test_handing_in_says_what_stops_it(client, message, maker, account):
    data = fields(message, account, openness="", submit="1")
    page = sign_in(client, maker).post(reverse("desk:messaging-save", args=[message.pk]), data)
    assert page.status_code == 422
    message.refresh_from_db()
    assert message.state == "draft"


def test_one_tap_approves_exactly_what_was_seen(client, message, maker, checker, now):
    approve.submit(message, by=maker, now=now)
    web, address = sign_in(client, checker), reverse("desk:messaging-review", args=[message.pk])
    page = web.get(address)
    seen = hidden(page, "seen")
    assert seen[:8] in text(page)
    answer = web.post(address, {"decision": "approve", "seen": seen})
    message.refresh_from_db()
    assert answer.status_code == 302 and message.state == "approved"
    assert bytes(message.approved_hash).hex() == seen


def test_what_changed_between_look_and_tap_is_named(client, message, maker, checker, now):
    approve.submit(message, by=maker, now=now)
    web, address = sign_in(client, checker), reverse("desk:messaging-review", args=[message.pk])
    page = web.get(address)
    draft.edit(message, core="Jadwal berubah.", by=maker, now=now)
    approve.submit(message, by=maker, now=now)
    answer = web.post(
        address,
        {"decision": "approve", "seen": hidden(page, "seen"), "outline": hidden(page, "outline")},
    )
    message.refresh_from_db()
    assert answer.status_code == 422 and message.state == "checked"
    said = answer.context["form"].non_field_errors()[0]
    assert "Pemkab Lumbung" in said
    assert "Jadwal berubah." in text(answer)


def test_returning_needs_a_sentence(client, message, maker, checker, now):
    approve.submit(message, by=maker, now=now)
    web, address = sign_in(client, checker), reverse("desk:messaging-review", args=[message.pk])
    seen = hidden(web.get(address), "seen")
    assert web.post(address, {"decision": "return", "seen": seen}).status_code == 422
    assert (
        web.post(
            address, {"decision": "return", "seen": seen, "reason": "Sebutkan puskesmasnya."}
        ).status_code
        == 302
    )
    message.refresh_from_db()
    assert message.state == "draft"
    assert Review.objects.get().reason == "Sebutkan puskesmasnya."


def test_the_writer_gets_no_button_and_no_approval(client, message, member, now):
    lead = member("lead")
    draft.edit(message, core="Kalimat saya sendiri.", by=lead, now=now)
    approve.submit(message, by=lead, now=now)
    web, address = sign_in(client, lead), reverse("desk:messaging-review", args=[message.pk])
    page = web.get(address)
    assert 'value="approve"' not in page.content.decode()
    assert (
        web.post(address, {"decision": "approve", "seen": hidden(page, "seen")}).status_code == 422
    )
    message.refresh_from_db()
    assert message.state == "checked"


def test_only_the_ppid_officer_clears(client, message, maker, checker, member, now):
    draft.edit(message, core="Identitas saksi akan kami umumkan besok.", by=maker, now=now)
    approve.submit(message, by=maker, now=now)
    address = reverse("desk:messaging-review", args=[message.pk])
    web = sign_in(client, checker)
    seen = hidden(web.get(address), "seen")
    assert web.post(address, {"decision": "open", "seen": seen, "reason": "x"}).status_code == 422
    assert web.post(address, {"decision": "approve", "seen": seen}).status_code == 422
    web = sign_in(client, member("ppid"))
    assert 'value="open"' in web.get(address).content.decode()
    assert (
        web.post(address, {"decision": "open", "seen": seen, "reason": "Saksi setuju."}).status_code
        == 302
    )
    web = sign_in(client, checker)
    assert web.post(address, {"decision": "approve", "seen": seen}).status_code == 302


@pytest.mark.parametrize(("role", "status"), [("editor", 403), ("responder", 403), ("unit", 403)])
def test_who_does_not_review_does_not_reach_it(client, message, member, role, status):
    web = sign_in(client, member(role))
    assert web.get(reverse("desk:messaging-review", args=[message.pk])).status_code == status


def test_another_agency_finds_nothing(client, message, member, other):
    web = sign_in(client, member("lead", agency=other))
    for name in ("one", "review", "emergency", "withdraw"):
        assert web.get(reverse(f"desk:messaging-{name}", args=[message.pk])).status_code == 404


def test_a_picture_is_taken_in_described_shown_and_dropped(client, message, maker):
    out = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(out, "PNG")
    web = sign_in(client, maker)
    upload = reverse("desk:messaging-upload", args=[message.pk])
    wrong = web.post(upload, {"file": SimpleUploadedFile("a.png", b"bukan gambar"), "alt": "Posko"})
    assert wrong.status_code == 422 and "Posko" in text(wrong)
    assert (
        web.post(upload, {"file": SimpleUploadedFile("a.png", out.getvalue())}).status_code == 302
    )
    kept = message.variants.get().media.get()
    shown = web.get(reverse("desk:messaging-file", args=[kept.pk]))
    assert shown["Content-Type"] == "image/png"
    describe = reverse("desk:messaging-describe", args=[message.pk, kept.pk])
    web.post(describe, {"alt": "Posko vaksin di balai desa"})
    kept.refresh_from_db()
    assert kept.alt == "Posko vaksin di balai desa"
    web.post(describe, {"drop": "1"})
    assert not message.variants.get().media.exists()


@pytest.mark.parametrize("query", ["", "?only=mine", "?only=waiting&q=vaksin", "?after=x&only=no"])
def test_the_list_answers_every_filter(client, message, checker, query):
    assert sign_in(client, checker).get(reverse("desk:messaging-list") + query).status_code == 200


def test_the_list_pages_to_the_last(client, agency, maker, now):
    for number in range(27):
        draft.write(agency, title=f"Kabar {number}", core="x", by=maker, now=now)
    web, address, seen = sign_in(client, maker), reverse("desk:messaging-list"), set()
    while address:
        page = web.get(address)
        seen |= {row.pk for row in page.context["rows"]}
        after = page.context["page"].after
        address = f"{reverse('desk:messaging-list')}?after={after}" if after else ""
    assert len(seen) == 27


def test_an_emergency_goes_out_at_once_and_owes_a_look(client, message, maker, checker, now):
    draft.edit(
        message,
        emergency=True,
        openness="immediate",
        by=maker,
        now=now,
        core="Banjir besar, ada korban. Warga RW 03 mengungsi ke balai desa.",
    )
    web = sign_in(client, maker)
    address = reverse("desk:messaging-emergency", args=[message.pk])
    assert web.get(address).status_code == 200
    assert web.post(address, {"reason": ""}).status_code == 422
    assert web.post(address, {"reason": "Air naik sekarang."}).status_code == 302
    message.refresh_from_db()
    assert message.review_owed and message.variants.get().deliveries.count() == 1
    web, after = sign_in(client, checker), reverse("desk:messaging-review", args=[message.pk])
    page = web.get(reverse("desk:messaging-list") + "?only=mine")
    assert message in page.context["rows"]
    seen = hidden(web.get(after), "seen")
    web.post(after, {"decision": "after", "seen": seen, "reason": "Tepat."})
    message.refresh_from_db()
    assert not message.review_owed


def test_an_emergency_never_carries_personal_data(client, message, maker, now):
    draft.edit(
        message,
        emergency=True,
        openness="immediate",
        by=maker,
        now=now,
        core="Banjir. Hubungi Bu Tini 0812-3456-7890.",
    )
    web = sign_in(client, maker)
    page = web.post(reverse("desk:messaging-emergency", args=[message.pk]), {"reason": "Gawat."})
    message.refresh_from_db()
    assert page.status_code == 422 and message.state == "draft"


def test_withdrawing_takes_off_what_waits(client, message, maker, checker, now):
    approve.submit(message, by=maker, now=now)
    approve.approve(message, seen=digest(message), by=checker, now=now)
    schedule.queue(message, by=maker, now=now, at=("2026-12-24T10:00", "Asia/Jakarta"))
    web, address = sign_in(client, maker), reverse("desk:messaging-withdraw", args=[message.pk])
    assert web.post(address, {"reason": ""}).status_code == 422
    web.post(address, {"reason": "Jadwal batal."})
    message.refresh_from_db()
    assert message.state == "withdrawn"
    assert message.variants.get().deliveries.get().state == "cancelled"


def test_a_unit_comments_and_does_not_write(client, message, member):
    web = sign_in(client, member("unit"))
    web.post(reverse("desk:messaging-comment", args=[message.pk]), {"text": "Buku KIA wajib."})
    assert Review.objects.get().reason == "Buku KIA wajib."
    page = web.get(reverse("desk:messaging-one", args=[message.pk]))
    assert page.status_code == 200 and 'id="core-form"' not in page.content.decode()
    assert web.post(reverse("desk:messaging-save", args=[message.pk]), {}).status_code == 403
