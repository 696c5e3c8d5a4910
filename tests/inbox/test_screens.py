"""The screens as different people meet them; no number of a citizen is ever in a page."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from tanggap.archive.models import Record
from tanggap.core import clock
from tanggap.core.roles import ROLES, allows
from tanggap.desk.templatetags.words import said
from tanggap.execution.inbox import answers, claims, reply
from tanggap.execution.inbox.models import Claim, Conversation, Moderation, Note, Reply, SavedAnswer
from tests.inbox.conftest import NIK

pytestmark = pytest.mark.django_db
PHONE = "0812-3456-7890"
PAGES = {
    "desk:inbox-list": "inbox.read",
    "desk:inbox-approvals": "reply.approve",
    "desk:inbox-intake": "inbox.write",
    "desk:inbox-quarantine": "inbox.read",
    "desk:inbox-sealed": "integrity",
    "desk:answers-list": "answers.write",
    "desk:answers-new": "answers.write",
    "desk:claims-list": "claim.write",
    "desk:claims-new": "claim.write",
}


def client_of(person) -> Client:
    found = Client()
    found.force_login(person)
    return found


@pytest.fixture
def here(desk, settings):
    settings.SECOND_FACTOR = False
    return desk


@pytest.fixture
def sari(here) -> Client:
    return client_of(here.sari)


@pytest.fixture
def ratna(here) -> Client:
    return client_of(here.ratna)


@pytest.mark.parametrize("role", ROLES)
def test_a_page_opens_to_those_who_hold_its_verb_only(here, member, role):
    client = client_of(member(role))
    for page, verb in PAGES.items():
        expected = 200 if allows(role, verb) else 403
        assert client.get(reverse(page)).status_code == expected, page


def url(name, *args):
    return reverse(f"desk:{name}", args=args)


def test_no_personal_data_is_in_any_page(here, sari, ratna, member):
    found = here.heard("budi", f"NIK {NIK} hp {PHONE} email budi.x@gmail.com kapan KTP jadi?")
    here.server.account("0812345678901", "Ibu 0812-9999-8888")
    other = here.heard("0812345678901", "jembatan rusak")
    row = reply.write(found, here.last(found), "Kami cek.", by=here.sari, now=here.now)
    item = here.last(found)
    claims.notice(here.agency, "KTP habis", items=[item], by=here.sari, now=here.now)
    pages = [
        url("inbox-list"),
        url("inbox-thread", found.pk),
        url("inbox-thread", other.pk),
        url("inbox-list") + "?group=all&q=KTP",
        url("inbox-hide", item.pk),
        url("inbox-rewrite", row.pk),
        url("claims-one", Claim.objects.get().pk),
        url("claims-new") + f"?item={item.pk}",
        url("inbox-quarantine"),
        url("today"),
    ]
    for client, address in [
        *((sari, one) for one in pages),
        (ratna, url("inbox-approvals")),
        (ratna, url("inbox-thread", found.pk)),
    ]:
        page = client.get(address)
        assert page.status_code == 200, address
        text = page.content.decode()
        for secret in (NIK, PHONE, "budi.x@gmail.com", "0812-9999-8888", "0812345678901"):
            assert secret not in text, (address, secret)
        assert len(page.content) < 100_000


def test_a_look_behind_the_mask_is_for_few_and_lasts_one_page(here, sari, ratna):
    found = here.heard("budi", f"NIK {NIK}")
    item = here.last(found)
    assert sari.post(url("inbox-reveal", item.pk), {"reason": "serve"}).status_code == 403
    assert ratna.post(url("inbox-reveal", item.pk), {"reason": "x"}).status_code == 422
    assert NIK in ratna.post(url("inbox-reveal", item.pk), {"reason": "serve"}).content.decode()
    assert NIK not in ratna.get(url("inbox-thread", found.pk)).content.decode()


def form_of(page):
    form = page.context["form"]
    return {name: form[name].value() or "" for name in ("seen", "item", "saved", "source")}


def test_write_approve_and_see_it_sent(here, sari, ratna):
    found = here.heard("budi", "Kapan KTP saya jadi?")
    page = sari.get(url("inbox-thread", found.pk))
    sent = sari.post(url("inbox-reply", found.pk), {**form_of(page), "text": "Kami cek, Kak."})
    assert sent.status_code == 302
    row = Reply.objects.get()
    assert sari.post(url("inbox-judge", row.pk), {"act": "approve"}).status_code == 403
    way = f'<a class="btn" href="{url("inbox-approvals")}">'
    assert way in ratna.get(url("inbox-thread", found.pk)).content.decode()
    assert way not in sari.get(url("inbox-thread", found.pk)).content.decode()
    page = ratna.get(url("inbox-approvals"))
    assert b"Kami cek, Kak." in page.content
    ratna.post(url("inbox-judge", row.pk), {"act": "return", "reason": "Sebutkan kapan."})
    assert b"Sebutkan kapan." in sari.get(url("inbox-thread", found.pk)).content
    page = sari.get(url("inbox-rewrite", row.pk))
    sari.post(url("inbox-rewrite", row.pk), {**form_of(page), "text": "Kami kabari besok."})
    said = {"act": "approve", "seen": str(found.last_item_id)}
    # Without naming the words that were read nothing is approved.
    assert ratna.post(url("inbox-judge", row.pk), said).status_code == 422
    (card,) = ratna.get(url("inbox-approvals")).context["cards"]
    ratna.post(url("inbox-judge", row.pk), {**said, "version": card["version"]})
    here.now = clock.now()
    here.send()
    assert here.sent[-1] == "@budi Kami kabari besok."
    found.refresh_from_db()
    assert found.state == "answered"


def test_a_stale_answer_is_kept_and_what_came_is_shown(here, sari):
    found = here.heard("budi", "Kapan KTP saya jadi?")
    page = sari.get(url("inbox-thread", found.pk))
    here.says("budi", "tidak jadi, sudah ketemu", reply_to=here.last(found).remote_id)
    here.listen()
    sent = {**form_of(page), "text": "Jawaban panjang saya."}
    again = sari.post(url("inbox-reply", found.pk), sent)
    assert again.status_code == 409
    text = again.content.decode()
    assert "Jawaban panjang saya." in text
    assert "sudah ketemu" in text
    assert not Reply.objects.exists()
    done = sari.post(url("inbox-reply", found.pk), {**form_of(again), "text": "Baik, Kak."})
    assert done.status_code == 302


def test_criticism_is_not_hidden(here, sari):
    item = here.last(here.heard("budi", "Bupati tidak becus!"))
    page = sari.post(url("inbox-hide", item.pk), {"reason": "criticism", "note": "kasar"})
    assert page.status_code == 422
    assert "tidak disembunyikan" in page.content.decode()
    assert Moderation.objects.get().act == "refused"


def test_a_saved_answer_is_found_inserted_and_sent_alone(here, sari, unit):
    found = here.heard("budi", "Kapan KTP saya jadi?")
    sari.post(
        url("answers-new"),
        {
            "title": "KTP jadi",
            "text": "KTP selesai 14 hari kerja.",
            "unit": unit.pk,
            "source": "SP 470",
            "valid_until": "2099-01-01",
        },
    )
    row = SavedAnswer.objects.get()
    page = sari.get(url("inbox-thread", found.pk) + "?jawaban=ktp")
    assert b"KTP selesai 14 hari kerja." in page.content
    page = sari.get(url("inbox-thread", found.pk) + f"?sisip={row.pk}")
    sari.post(url("inbox-reply", found.pk), {**form_of(page), "text": "KTP selesai 14 hari kerja."})
    assert Reply.objects.get().state == "released"
    assert answers.valid(row, here.now)


def test_the_small_acts(here, sari):
    found = here.heard("budi", f"Kapan KTP saya jadi? NIK {NIK}")
    pk, item = found.pk, here.last(found)
    for name, data in (
        ("inbox-note", {"note": "sudah ditelepon"}),
        ("inbox-assign", {"person": here.sari.pk}),
        ("inbox-label", {"kind": "complaint", "urgency": "urgent", "place": "Cikaret"}),
    ):
        assert sari.post(url(name, pk), data).status_code == 302, name
    assert sari.post(url("inbox-ask", item.pk)).status_code == 302
    found.refresh_from_db()
    assert (found.kind, found.urgency, found.place, found.assigned_to, found.state) == (
        "complaint",
        1,
        "Cikaret",
        here.sari,
        "triaged",
    )
    assert Note.objects.get().text == "sudah ditelepon"
    assert Reply.objects.get().purpose == "remove_data"
    assert sari.post(url("inbox-done", pk), {"act": "quiet"}).status_code == 302
    assert Conversation.objects.get(pk=pk).state == "quiet"
    assert sari.post(url("inbox-presence", pk)).status_code == 200


def test_a_sealed_report_is_nowhere_but_with_those_who_handle_it(here, sari, ratna, member):
    found = here.heard("anonim", "Petugas loket minta pungli, ini korupsi dan suap di Dukcapil")
    assert Conversation.objects.get().sealed
    item = here.last(found)
    for client in (sari, ratna, client_of(member("auditor"))):
        for address in (
            url("inbox-list") + "?group=all",
            url("inbox-list") + "?group=all&q=pungli",
            url("today"),
        ):
            assert "loket" not in client.get(address).content.decode()
        assert client.get(url("inbox-thread", found.pk)).status_code == 404
        assert client.get(url("inbox-sealed-thread", found.pk)).status_code == 403
    assert sari.get(url("inbox-hide", item.pk)).status_code == 404
    watcher = client_of(member("integrity"))
    assert b"loket" in watcher.get(url("inbox-sealed")).content
    assert b"loket" in watcher.get(url("inbox-sealed-thread", found.pk)).content
    watcher.post(url("inbox-sealed-thread", found.pk), {"kind": "complaint"})
    assert sari.get(url("inbox-thread", found.pk)).status_code == 200


def test_the_neighbours_find_nothing(here, member, other):
    found = here.heard("budi", "halo")
    stranger = client_of(member("lead", other))
    assert stranger.get(url("inbox-thread", found.pk)).status_code == 404
    assert stranger.post(url("inbox-note", found.pk), {"note": "x"}).status_code == 404


def test_bring_in_by_hand(here, sari, by_hand):
    page = sari.post(
        url("inbox-intake"),
        {"account": by_hand.pk, "source": "paste", "text": "air mati", "name": "Imas"},
    )
    assert page.status_code == 302
    empty = sari.post(url("inbox-intake"), {"account": by_hand.pk, "source": "paste", "text": " "})
    assert empty.status_code == 422


def test_a_claim_from_note_to_correction(here, sari, ratna, unit):
    item = here.last(here.heard("viral", "Bansos dihapus!"))
    sari.post(url("claims-new") + f"?item={item.pk}", {"text": "Bansos dihapus", "unit": unit.pk})
    row = Claim.objects.get()
    verdict = {"verdict": "false", "explanation": "Tetap ada.", "factual": "on"}
    assert ratna.post(url("claims-decide", row.pk), verdict).status_code == 422
    sari.post(url("claims-evidence", row.pk), {"title": "SK", "document": "460/1"})
    assert sari.post(url("claims-decide", row.pk), verdict).status_code == 403
    assert ratna.post(url("claims-decide", row.pk), verdict).status_code == 302
    sari.post(url("claims-correct", row.pk), {"item": item.pk, "text": "Bansos tetap ada."})
    assert Reply.objects.get().purpose == "correction"


def test_a_list_takes_few_queries(here, sari, django_assert_max_num_queries):
    for number in range(5):
        here.heard(f"warga{number}", "halo")
    with django_assert_max_num_queries(30):
        sari.get(url("inbox-list"))


def test_a_sealed_report_is_answered_in_private_and_seen_by_nobody_else(here, sari, ratna, member):
    found = here.heard("anonim", "Petugas loket minta pungli, ini korupsi dan suap di Dukcapil")
    watcher = client_of(member("integrity"))
    address = url("inbox-sealed-thread", found.pk)
    page = watcher.get(address)
    assert "anonim" not in page.content.decode()
    given = {**form_of(page), "text": "Terima kasih, laporan Anda kami periksa."}
    for client in (sari, ratna):
        assert client.post(url("inbox-sealed-reply", found.pk), given).status_code == 403
        assert client.post(url("inbox-reply", found.pk), given).status_code == 404
    assert watcher.post(url("inbox-sealed-reply", found.pk), given).status_code == 302
    row = Reply.objects.get()
    assert (row.state, row.private, row.delivery.kind) == ("released", True, "private")
    assert row.delivery.content["visibility"] == "direct"
    assert "kami periksa" in watcher.get(address).content.decode()
    known = Record.objects.filter(verb="reply.released").latest("pk").facts
    assert known["allowed_by"] == "rule:sealed"
    for name in ("today", "inbox-list", "inbox-approvals", "publishing-list"):
        assert "kami periksa" not in ratna.get(url(name)).content.decode()
        assert f"/{row.delivery.pk}/" not in ratna.get(url(name)).content.decode()
    assert "kami periksa" not in ratna.get(url("search") + "?q=periksa").content.decode()
    assert ratna.get(url("publishing-one", row.delivery.pk)).status_code == 404


def test_who_wrote_a_sealed_report_is_shown_for_a_reason_on_record(here, member):
    found = here.heard("anonim", "Petugas loket minta pungli, ini korupsi dan suap di Dukcapil")
    watcher = client_of(member("integrity"))
    address = url("inbox-sealed-reporter", found.pk)
    assert watcher.post(address, {"reason": ""}).status_code == 422
    assert not Record.objects.filter(verb="identity.revealed").exists()
    assert "anonim" in watcher.post(address, {"reason": "protect"}).content.decode()
    assert Record.objects.get(verb="identity.revealed").facts["reason"] == "protect"
    assert "anonim" not in watcher.get(url("inbox-sealed-thread", found.pk)).content.decode()


def test_words_behind_a_suggestion_are_marked_and_never_uncover_a_mask():
    text = f"Jembatan ambruk, NIK {NIK} tolong"
    at = text.index(NIK)
    hidden = [{"start": at, "end": at + 16, "kind": "nik"}]
    for why in ([(9, 15)], [(9, 15), (at - 4, at + 6)], [(9, 15), (at + 2, at + 40)]):
        shown = said(text, hidden, why)
        assert "<mark>ambruk</mark>" in shown
        assert shown.count("<mark>") == 1
        assert NIK not in shown
        assert NIK[:4] not in shown
        assert NIK[-4:] not in shown
    assert said("<b>", [], [(0, 3)]) == "<mark>&lt;b&gt;</mark>"
    assert NIK[:3] not in said(text[: at + 4], hidden, [])


def test_messages_of_the_same_are_opened_together_and_handed_to_one_report(here, sari):
    found = [
        here.heard(f"warga{number}", "Jembatan Cikaret ambruk, tolong diperbaiki")
        for number in range(3)
    ]
    other = here.heard("tini", "Kapan KTP saya jadi?")
    page = sari.get(url("inbox-thread", found[0].pk))
    text = page.content.decode()
    assert "<mark>" in text
    assert "2 pesan lain tentang hal yang sama" in text
    page = sari.get(page.context["alike_href"])
    assert {line.row.pk for line in page.context["lines"]} == {one.pk for one in found}
    ticked = re.findall(r'name="c" value="([0-9]+)" checked', page.content.decode())
    assert {int(pk) for pk in ticked} == {one.pk for one in found}
    page = sari.get(url("followup-open") + "?" + "&".join(f"c={pk}" for pk in ticked))
    assert {line["talk"].pk for line in page.context["lines"]} == {one.pk for one in found}
    assert other.pk not in page.context["ticked"]


def test_every_key_of_the_inbox_presses_something_and_is_on_the_cheat_sheet(here, sari, ratna):
    first = here.heard("budi", "Kapan KTP saya jadi?")
    second = here.heard("tini", "Jalan Cikaret rusak")
    page = sari.get(url("inbox-thread", first.pk)).content.decode()
    keys = set(re.findall(r'aria-keyshortcuts="([^"]+)"', page))
    assert {
        "Alt+J",
        "Alt+N",
        "Alt+E",
        "Control+Alt+E",
        "Alt+L",
        "Alt+P",
        "Alt+M",
        "F",
        "/",
        "Escape",
    } <= keys
    done = sari.post(url("inbox-done", first.pk), {"act": "next", "following": second.pk})
    assert done["Location"] == url("inbox-thread", second.pk)
    assert Conversation.objects.get(pk=first.pk).state == "quiet"
    row = reply.write(second, here.last(second), "Kami cek.", by=here.sari, now=here.now)
    assert 'aria-keyshortcuts="A"' in ratna.get(url("inbox-approvals")).content.decode()
    sure = ratna.get(url("inbox-judge", row.pk))
    form = sure.context["form"]
    assert Reply.objects.get().state == "awaiting"
    ratna.post(url("inbox-judge", row.pk), form.initial)
    assert Reply.objects.get().state == "released"
    sheet = sari.get(url("keys")).content.decode()
    for key in ("N", "M", "E", "F", "A", "/"):
        assert f"<kbd>{key}</kbd>" in sheet


def test_a_claim_is_corrected_by_a_post_and_stands_on_the_public_page(here, sari, ratna, unit):
    item = here.last(here.heard("viral", "Bansos dihapus!"))
    row = claims.notice(
        here.agency,
        "Bansos <b>dihapus</b> & habis",
        items=[item],
        by=here.sari,
        now=here.now,
        unit=unit,
    )
    claims.add_evidence(
        row,
        title="SK Bupati",
        document="460/1",
        by=here.sari,
        now=here.now,
        url="https://lumbung.example/sk",
    )
    public = reverse("public:clarification", args=[here.agency.slug, row.pk])
    listing = reverse("public:clarifications", args=[here.agency.slug])
    assert ratna.post(url("claims-post", row.pk)).status_code == 422
    claims.decide(
        row,
        "misleading",
        "Tetap ada </script>.",
        by=here.ratna,
        now=here.now,
        factual=True,
        publish=True,
    )
    assert sari.post(url("claims-post", row.pk)).status_code == 403
    made = ratna.post(url("claims-post", row.pk))
    row.refresh_from_db()
    assert made["Location"] == url("messaging-one", row.message_id)
    assert (row.state, row.message.state) == ("decided", "draft")
    assert "Menyesatkan" in row.message.core
    # From the post and from the prefilled answer one finds the page.
    assert row.message.core.endswith(f"http://localhost:8000{public}")
    assert (
        f"http://localhost:8000{public}</textarea>"
        in sari.get(url("claims-one", row.pk)).content.decode()
    )
    assert "460/1" in row.message.source
    assert escape(row.message.title) in ratna.get(url("claims-one", row.pk)).content.decode()
    claims.tick(here.now)
    assert Claim.objects.get().state == "decided"
    page = Client().get(public)
    text = page.content.decode()
    assert len(page.content) < 100_000
    assert "SK Bupati" in text
    assert "viral" not in text
    assert text.count("</script>") == text.count("<script")
    told = json.loads(re.search(r'ld\+json">(.*?)</script>', text, re.DOTALL)[1])
    assert told["@type"] == "ClaimReview"
    assert told["claimReviewed"] == row.text
    assert told["reviewRating"]["alternateName"] == "Menyesatkan"
    assert told["citation"][0]["identifier"] == "460/1"
    assert "Menyesatkan" in Client().get(listing).content.decode()
    Claim.objects.update(published=False)
    assert Client().get(public).status_code == 404
    assert "Menyesatkan" not in Client().get(listing).content.decode()


def chosen(page: str) -> tuple[list[str], list[str]]:
    """Ids that can be ticked on a page, and those that are."""
    boxes = re.findall(r'<input type="checkbox" name="c" value="([0-9]+)"([^>]*)>', page)
    open_ = [pk for pk, rest in boxes if "disabled" not in rest]
    return open_, [pk for pk, rest in boxes if "checked" in rest]


def test_a_search_becomes_one_report_of_whom_one_ticks(here, sari, member):
    lamps = [here.heard(f"warga{n}", f"Lampu jalan RT {n} padam lagi") for n in range(3)]
    here.heard("budi", "Kapan KTP saya bisa diambil?")
    listing = reverse("desk:inbox-list")
    page = sari.get(listing, {"q": "padam", "group": "all"}).content.decode()
    assert chosen(page) == ([], [])
    offer = re.search(r'href="([^"]*pilih=1[^"]*)"', page).group(1).replace("&amp;", "&")
    page = sari.get(listing + offer).content.decode()
    ids = [str(one.pk) for one in lamps]
    assert (sorted(chosen(page)[0]), chosen(page)[1]) == (sorted(ids), [])
    every = re.search(r'href="([^"]*pilih=semua[^"]*)"', page).group(1).replace("&amp;", "&")
    page = sari.get(listing + every).content.decode()
    assert sorted(chosen(page)[1]) == sorted(ids)
    form = sari.get(reverse("desk:followup-open"), {"c": ids[:2]}).content.decode()
    assert form.count('type="checkbox"') == 2 and "padam lagi" in form
    # Whoever may open no report is not asked to choose.
    ppid = client_of(member("ppid"))
    for query in ({"q": "padam"}, {"q": "padam", "pilih": "semua"}):
        page = ppid.get(listing, query).content.decode()
        assert "Pilih beberapa" not in page and chosen(page) == ([], [])
