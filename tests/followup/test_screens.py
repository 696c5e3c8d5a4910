"""The officer's and the head's screens, on real rows."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from tanggap.core import clock
from tanggap.execution.followup import announce, cases, handover
from tanggap.execution.followup.models import Announcement, Case, Finding, Recommendation
from tanggap.execution.inbox.models import Vocabulary
from tests.pages import walk

pytestmark = pytest.mark.django_db


def enter(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture(autouse=True)
def wall(town):
    town.scene.now = clock.now()


@pytest.fixture
def sari(town):
    return enter(town.sari)


def test_forty_messages_become_one_report_without_scripts(town, sari):
    talks = [item.conversation_id for item in town.items(40)]
    there = reverse("desk:followup-open")
    page = sari.get(there, {"c": talks})
    assert page.status_code == 200
    assert page.content.count(b'type="checkbox"') == 40
    assert len(page.content) < 100_000
    done = sari.post(
        there,
        {
            "c": talks[:39],
            "offered": talks,
            "title": "Jembatan Cikaret",
            "kind": "complaint",
            "place": "Cikaret",
        },
    )
    case = Case.objects.get()
    assert done["Location"] == reverse("desk:followup-case", args=[case.pk])
    assert case.contributors_count == 39
    shown = sari.get(done["Location"])
    assert len(shown.content) < 100_000
    assert case.number in shown.content.decode()
    people = [
        one.pk
        for page in walk(sari, done["Location"], "people")
        for one in page.context["people"].rows
    ]
    assert len(people) == len(set(people)) == 39


def test_a_refusal_keeps_what_was_typed(town, sari):
    talk = town.item().conversation_id
    page = sari.post(
        reverse("desk:followup-open"),
        {"c": [talk], "title": "", "kind": "complaint", "place": "Cikaret"},
    )
    assert page.status_code == 422
    assert 'value="Cikaret"' in page.content.decode()


def test_the_link_to_a_unit_is_shown_once(town, sari, unit):
    case = town.case(2)
    page = sari.post(
        reverse("desk:followup-act", args=[case.pk, "handover"]),
        {"to_unit": unit.pk, "to_person": "Pak Wayan", "ask": "Kapan dipasang?"},
    )
    link = re.search(r"/tindak/([\w-]+)/", page.content.decode()).group(1)
    with handover.behind(link, town.now) as found:
        assert found.case_id == case.pk
    assert link not in sari.get(reverse("desk:followup-case", args=[case.pk])).content.decode()


def test_the_list_puts_first_what_breaks_first(town, sari):
    first, second = town.case(), town.case(kind="supervisory")
    page = sari.get(reverse("desk:followup-list")).content.decode()
    assert page.index(first.number) < page.index(second.number) or first.due_at == second.due_at
    found = sari.get(reverse("desk:followup-list"), {"q": second.number, "state": "all"})
    assert second.number in found.content.decode()
    assert first.number not in found.content.decode()


def test_a_sealed_report_is_not_found_by_others(town, member):
    case = cases.open_case(
        [town.item(sealed=True)], kind="integrity", title="Pungli", by=town.sari, now=town.now
    )
    there = reverse("desk:followup-case", args=[case.pk])
    assert enter(town.sari).get(there).status_code == 404
    assert enter(town.lead).get(there).status_code == 404


def test_another_agency_and_nobody_get_nothing(town, member, other):
    case = town.case()
    there = reverse("desk:followup-case", args=[case.pk])
    assert Client().get(there).status_code == 302
    assert enter(member("lead", agency=other)).get(there).status_code == 404


def test_a_unit_sees_its_own_reports_only(town, member, unit):
    mine, theirs = town.case(unit=unit), town.case()
    wayan = enter(member("unit", unit=unit))
    assert wayan.get(reverse("desk:followup-case", args=[mine.pk])).status_code == 200
    assert wayan.get(reverse("desk:followup-case", args=[theirs.pk])).status_code == 404


def test_from_finding_to_everybody_told(town, sari):
    case = town.case(12, tell=False)
    Vocabulary.objects.get_or_create(agency=case.agency, kind=Vocabulary.Kind.PLACE, word="Cikaret")
    sari.post(reverse("desk:findings-new"), {"case": case.pk, "title": "Jembatan Cikaret putus"})
    finding = Finding.objects.get()
    assert finding.groups.get(rest=False).name == "Jembatan rusak, Cikaret"
    there = reverse("desk:findings-finding", args=[finding.pk])
    group = finding.groups.get(rest=False)
    quoted = group.lines.first().item_id
    sari.post(
        reverse("desk:findings-change", args=[finding.pk, "kalimat"]),
        {"group": group.pk, "sentence": "Anak sekolah tidak bisa lewat.", "quoted": [quoted]},
    )
    page = sari.get(there)
    assert len(page.content) < 100_000
    assert page.context["total"] == 12
    assert sari.post(reverse("desk:findings-change", args=[finding.pk, "cocok"])).status_code == 422
    dimas = enter(town.dimas)
    dimas.post(reverse("desk:findings-change", args=[finding.pk, "cocok"]))
    assert dimas.get(reverse("desk:findings-recommend", args=[finding.pk])).status_code == 200
    dimas.post(
        reverse("desk:findings-recommend", args=[finding.pk]),
        {
            "title": "Pasang jembatan darurat",
            "background": "Anak sekolah memutar 7 km.",
            "option_a": "Bailey",
            "cost_a": "Rp180 juta",
            "option_b": "Perahu",
        },
    )
    row = Recommendation.objects.get()
    head = enter(town.head)
    there = reverse("desk:findings-decision", args=[row.pk])
    assert head.get(there).context["decides"]
    kept = head.post(
        reverse("desk:findings-decide", args=[row.pk]),
        {"verdict": "changed", "reason": "Dana darurat cukup."},
    )
    assert kept.status_code == 422
    assert "Dana darurat cukup." in kept.content.decode()
    head.post(
        reverse("desk:findings-decide", args=[row.pk]),
        {"verdict": "accepted", "option": "A", "reason": "Anak sekolah dulu."},
    )
    row.refresh_from_db()
    assert (row.state, row.chosen.letter) == ("accepted", "A")
    assert head.get(reverse("desk:findings-brief", args=[row.pk])).status_code == 200
    assert dimas.get(reverse("desk:findings-announce"), {"decision": row.pk}).status_code == 200
    dimas.post(
        reverse("desk:findings-announce"),
        {
            "decision": row.pk,
            "title": "Jembatan darurat",
            "you_said": "Jembatan putus.",
            "we_did": "Bailey dipasang.",
            "reply_text": "Sudah bisa dilewati.",
        },
    )
    made = Announcement.objects.get()
    lead = enter(town.lead)
    there = reverse("desk:findings-announcement", args=[made.pk])
    page = lead.get(there)
    assert page.context["approves"]
    stale = lead.post(reverse("desk:findings-approve", args=[made.pk]), {"seen": "00"})
    assert stale.status_code == 422
    lead.post(reverse("desk:findings-approve", args=[made.pk]), {"seen": page.context["seen"]})
    assert made.tellings.count() == 12
    assert lead.get(there).status_code == 200
    assert enter(town.sari).get(reverse("desk:findings-list")).status_code == 200
    assert announce.settle(made, now=town.now) is False


def test_today_stands(town):
    town.case()
    for person in (town.lead, town.head, town.sari):
        assert enter(person).get(reverse("desk:today")).status_code == 200


def test_a_preview_of_the_link_is_no_acknowledgement(town, client):
    """WhatsApp fetches a link to draw its preview as soon as the officer pastes it."""
    case = town.case()
    made, token = handover.offer(
        case, to_unit=town.scene.agency, ask="Tolong cek", by=town.sari, now=town.now
    )
    client.get(f"/tindak/{token}/", HTTP_USER_AGENT="WhatsApp/2.23.20.0")
    made.refresh_from_db()
    assert made.state == "offered"
    client.get(f"/tindak/{token}/", HTTP_USER_AGENT="Mozilla/5.0 (Linux; Android 14)")
    made.refresh_from_db()
    assert made.state == "opened"
