"""Each list of reports, findings and announcements is walked by its links to its very last row."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from tanggap.core import clock
from tanggap.core.membership import scope_of
from tanggap.desk import findings, followup
from tanggap.execution.followup import queries
from tanggap.execution.followup.models import (
    Announcement,
    Case,
    Contributor,
    Finding,
    FindingGroup,
    FindingItem,
    Handover,
    Recommendation,
    Telling,
)
from tests.pages import walk

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(town):
    town.scene.now = clock.now()
    client = Client()
    client.force_login(town.lead)
    return client


def finding(town, **fields):
    return Finding.objects.create(
        agency=town.scene.agency,
        title="Jembatan",
        period_start=town.now,
        period_end=town.now,
        written_by=town.sari,
        written_at=town.now,
        **fields,
    )


def recommendation(town, found, **fields):
    return Recommendation.objects.create(
        agency=town.scene.agency,
        finding=found,
        title="Perbaiki jembatan",
        background="x",
        proposed_by=town.sari,
        proposed_at=town.now,
        **fields,
    )


def announcement(town, case, **fields):
    return Announcement.objects.create(
        agency=town.scene.agency,
        case=case,
        title="Jembatan diperbaiki",
        you_said="x",
        we_did="y",
        reply_text="z",
        written_by=town.sari,
        written_at=town.now,
        **fields,
    )


def once(found, wanted):
    """Without a gap and without a repeat."""
    assert len(found) == len(set(found))
    assert set(found) == set(wanted)


def test_findings_and_decisions(town, web, monkeypatch):
    monkeypatch.setattr(findings, "SHOWN", 2)
    found = [finding(town) for _ in range(5)]
    waits = [recommendation(town, found[0], state="proposed") for _ in range(5)]
    decided = [
        recommendation(
            town, found[0], state="accepted", decided_by=town.head, decision_reason="Perlu."
        )
        for _ in range(5)
    ]
    case = town.case()
    told = [announcement(town, case, slug=f"kabar-{n}") for n in range(5)]
    there = reverse("desk:findings-list")
    for name, key, wanted in (
        ("waits", "waits", waits),
        ("found", "findings", found),
        ("decided", "decided", decided),
        ("told", "told", told),
    ):
        pages = list(walk(web, there, name))
        assert len(pages) == 3
        once([one.pk for page in pages for one in page.context[key].rows], [w.pk for w in wanted])
        # The other lists stay where they were, and the title counts all.
        assert "5" in pages[-1].context["finding"]


def test_originals_of_a_finding(town, web, monkeypatch):
    monkeypatch.setattr(findings, "LINES", 2)
    monkeypatch.setattr(findings, "FEW", 0)
    found = finding(town)
    items = town.items(5)
    groups = [
        FindingGroup.objects.create(agency=town.scene.agency, finding=found, name=name)
        for name in ("Jembatan", "Jalan")
    ]
    for number, item in enumerate(items):
        FindingItem.objects.create(
            agency=town.scene.agency,
            finding=found,
            group=groups[0],
            item=item,
            quoted=number in (1, 4),
        )
    there = reverse("desk:findings-finding", args=[found.pk])
    pages = list(walk(web, there, f"g{groups[0].pk}"))
    assert len(pages) == 3
    seen = [line.item_id for page in pages for line in page.context["groups"][0]["page"].rows]
    once(seen, [item.pk for item in items])
    # A decision links one group, open.
    linked = web.get(there, {"kelompok": groups[1].pk}).context["groups"]
    assert [one["open"] for one in linked] == [False, True]
    # What is quoted stays ticked on every page.
    for page in pages:
        ticked = [one.item_id for one in page.context["groups"][0]["quotable"] if one.quoted]
        assert ticked == [items[1].pk, items[4].pk]


def people(town, case, count):
    for number, item in enumerate(town.items(count)):
        Contributor.objects.create(
            agency=case.agency,
            case=case,
            conversation=item.conversation,
            item=item,
            author=item.author,
            key_hash=hashlib.sha256(f"{case.pk}-{number}".encode()).digest(),
            joined_at=town.now,
            joined_by="test",
            said_not_fixed_at=town.now,
        )


def test_people_of_a_report(town, web, monkeypatch):
    monkeypatch.setattr(followup, "PEOPLE_FIRST", 2)
    monkeypatch.setattr(followup, "PEOPLE", 3)
    monkeypatch.setattr(followup, "FEW", 2)
    case = town.case()
    people(town, case, 6)
    there = reverse("desk:followup-case", args=[case.pk])
    seen = [one.pk for page in walk(web, there, "people") for one in page.context["people"].rows]
    once(seen, case.contributors.values_list("pk", flat=True))
    seen = [
        one.pk for page in walk(web, there, "not_fixed") for one in page.context["not_fixed"].rows
    ]
    once(seen, case.contributors.exclude(said_not_fixed_at=None).values_list("pk", flat=True))


def test_who_was_told(town, web, monkeypatch):
    monkeypatch.setattr(findings, "TELLINGS", 2)
    case = town.case()
    people(town, case, 6)
    sent = announcement(
        town,
        case,
        slug="kabar",
        state="approved",
        approved_by=town.lead,
        approved_at=town.now,
        approved_hash=b"x" * 32,
    )
    for number, one in enumerate(case.contributors.order_by("pk")):
        Telling.objects.create(
            agency=case.agency,
            announcement=sent,
            contributor=one,
            undeliverable="paused" if number % 2 else "erased",
        )
    there = reverse("desk:findings-announcement", args=[sent.pk])
    seen = [one.pk for page in walk(web, there) for one in page.context["tellings"].rows]
    once(seen, sent.tellings.values_list("pk", flat=True))
    assert len(seen) == 7


def test_who_cannot_be_told(town, web, monkeypatch):
    monkeypatch.setattr(findings, "SHOWN", 2)
    case = town.case()
    people(town, case, 4)
    for one in case.contributors.all():
        one.item.deleted_remotely_at = town.now
        one.item.save(update_fields=["deleted_remotely_at"])
    draft = announcement(town, case, slug="kabar")
    there = reverse("desk:findings-announcement", args=[draft.pk])
    seen = [
        one.contributor.pk
        for page in walk(web, there, "unreached")
        for one in page.context["unreached"].rows
    ]
    once(seen, case.contributors.values_list("pk", flat=True))


def test_reports_and_handovers_that_nobody_opened(town, web, unit, monkeypatch):
    monkeypatch.setattr(followup, "PAGE", 2)
    monkeypatch.setattr(followup, "FEW", 2)
    cases = [town.case() for _ in range(5)]
    Case.objects.update(due_at=town.now)
    for case in cases:
        Handover.objects.create(
            agency=case.agency,
            case=case,
            to_unit=unit,
            ask="x",
            token_hash=hashlib.sha256(str(case.pk).encode()).digest(),
            given_by=town.sari,
            given_at=town.now - timedelta(days=2),
            expires_at=town.now + timedelta(days=2),
        )
    there = reverse("desk:followup-list")
    seen = [row.pk for page in walk(web, there + "?q=ikaret") for row in page.context["rows"]]
    once(seen, [case.pk for case in cases])
    seen = [
        one.case_id
        for page in walk(web, there, "unopened")
        for one in page.context["unopened"].rows
    ]
    once(seen, [case.pk for case in cases])


def test_doubts_however_much_lies_between(town, web, monkeypatch):
    monkeypatch.setattr(followup, "PAGE", 2)
    monkeypatch.setattr(queries, "DOUBTS", 3)
    wanted = []
    for number in range(9):
        # Only every third says so.
        words = "Belum diperbaiki pak, masih rusak." if number % 3 == 0 else "Terima kasih banyak."
        item = town.item(words)
        case = town.case()
        Contributor.objects.create(
            agency=case.agency,
            case=case,
            conversation=item.conversation,
            item=item,
            author=item.author,
            key_hash=hashlib.sha256(str(number).encode()).digest(),
            joined_at=town.now,
            joined_by="test",
        )
        Case.objects.filter(pk=case.pk).update(
            state="resolved", resolved_at=item.received_at, resolution="x"
        )
        if number % 3 == 0:
            wanted.append(item.pk)
    scope = scope_of(town.lead, None, town.now)
    assert len(queries.doubts_behind(scope, 0, 10)) == 3
    pages = list(walk(web, reverse("desk:followup-doubts")))
    once([one.item_id for page in pages for one in page.context["page"].rows], wanted)
    assert len(pages) == 2


def test_a_message_finds_its_report_among_all(town, web, monkeypatch):
    monkeypatch.setattr(followup, "PAGE", 2)
    cases = [town.case() for _ in range(7)]
    talk = town.item().conversation
    beside = web.get(reverse("desk:inbox-thread", args=[talk.pk])).content.decode()
    there = f"{reverse('desk:followup-list')}?gabung={talk.pk}"
    assert there in beside
    offered = [
        int(pk)
        for page in walk(web, there)
        for pk in re.findall(r'action="/[^"]*?(\d+)/tambah/"', page.content.decode())
    ]
    once(offered, [case.pk for case in cases])
    web.post(reverse("desk:followup-join", args=[cases[0].pk]), {"c": talk.pk})
    assert cases[0].contributors.filter(conversation=talk).exists()
    assert not web.get(there).context["joins"]
