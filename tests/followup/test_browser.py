"""Every screen of follow-up in a real browser: accessible at two widths, light and dark."""

from __future__ import annotations

import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tanggap.core import clock
from tanggap.execution.followup import (
    announce,
    cases,
    evidence,
    handover,
    recommend,
    synthesize,
)
from tanggap.execution.followup.recommend import Choice
from tanggap.execution.followup.synthesize import Group
from tests.followup.test_cases import key_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.long(5)]
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    # What is well is not written out, which took longer than looking.
    "resultTypes": ["violations"],
}
SHOTS = os.environ.get("TANGGAP_SHOTS", "")


@pytest.fixture
def world(town, unit, make_photo):
    """A bridge on its way, a bridge that is finished, and what the head has before them."""
    town.scene.now = clock.now()
    town.scene.agency.name = "Pemerintah Kabupaten Lumbung"
    town.scene.agency.save()
    unit.name, unit.short_name = "Dinas Pekerjaan Umum", "Dinas PU"
    unit.save()
    going = town.case(14, place="Cikaret", unit=unit)
    _made, token = handover.offer(
        going,
        to_unit=unit,
        ask="Kapan jembatan darurat dipasang?",
        by=town.sari,
        now=town.now,
        to_person="Pak Wayan",
    )
    done = town.case(6, title="Lampu jalan Bojongsari padam", place="Bojongsari", unit=unit)
    for when, said in (("before", "Tiang lampu padam malam hari"), ("after", "Lampu menyala")):
        evidence.add(
            done,
            make_photo(),
            when=when,
            caption=said,
            by=town.sari,
            given_by="Sari",
            now=town.now,
            public=True,
        )
    cases.resolve(
        done, resolution="Sepuluh lampu diganti tanggal 20 November.", by=town.sari, now=town.now
    )
    items = [one.item for one in going.contributors.select_related("item")]
    finding = synthesize.write(
        "Warga Cikaret terputus dari sekolah dan pasar",
        items,
        [
            Group("Anak sekolah", "Anak sekolah memutar 7 km.", items[:9], items[:2]),
            Group("Pedagang", "Pedagang tidak bisa ke pasar.", items[9:12]),
        ],
        by=town.sari,
        now=town.now,
        case=going,
    )
    draft = synthesize.write(
        "Lampu jalan", [done.contributors.first().item], [], by=town.sari, now=town.now
    )
    synthesize.check(finding, by=town.dimas, now=town.now)
    decision = recommend.write(
        finding,
        "Pasang jembatan darurat sebelum ujian sekolah",
        background="Jembatan Cikaret ambrol 20 November. Anak sekolah memutar 7 km.",
        options=[
            Choice("Jembatan bailey", "Rp180 juta", "5 hari", "Sungai naik bila hujan"),
            Choice("Perahu penyeberangan", "Rp20 juta", "2 hari", "Tidak aman saat banjir"),
            Choice("Menunggu anggaran perubahan", "Rp0", "4 bulan", "Ujian terganggu"),
        ],
        by=town.dimas,
        now=town.now,
        owner_unit=unit,
    )
    recommend.propose(decision, by=town.dimas, now=town.now)
    words = {
        "you_said": "Lampu jalan Bojongsari padam.",
        "we_did": "Sepuluh lampu diganti tanggal 20 November.",
        "reply_text": "Lampu jalan Bojongsari sudah menyala.",
    }
    told = announce.write(
        "Lampu Bojongsari menyala", **words, by=town.dimas, now=town.now, case=done
    )
    announce.approve(told, seen_hash=announce.batch_hash(told), by=town.lead, now=town.now)
    waits = announce.write(
        "Lampu Bojongsari, tahap dua",
        **words,
        by=town.dimas,
        now=town.now,
        case=done,
        accounts=[town.scene.account],
    )
    slug = town.scene.agency.slug
    talks = "&".join(f"c={one.conversation_id}" for one in town.items(5))
    return {
        "list": (town.sari, reverse("desk:followup-list")),
        "case": (town.sari, reverse("desk:followup-case", args=[going.pk])),
        "resolved": (town.sari, reverse("desk:followup-case", args=[done.pk])),
        "open": (town.sari, reverse("desk:followup-open") + "?" + talks),
        "findings": (town.head, reverse("desk:findings-list")),
        "finding": (town.dimas, reverse("desk:findings-finding", args=[finding.pk])),
        "draft": (town.sari, reverse("desk:findings-finding", args=[draft.pk])),
        "recommend": (town.dimas, reverse("desk:findings-recommend", args=[finding.pk])),
        "decide": (town.head, reverse("desk:findings-decision", args=[decision.pk])),
        "brief": (town.head, reverse("desk:findings-brief", args=[decision.pk])),
        "announce": (town.dimas, reverse("desk:findings-announce") + f"?case={done.pk}"),
        "batch": (town.lead, reverse("desk:findings-announcement", args=[waits.pk])),
        "told": (town.lead, reverse("desk:findings-announcement", args=[told.pk])),
        "public-start": (None, reverse("public:case-start", args=[slug])),
        "public-case": (None, reverse("public:case", args=[slug, going.number])),
        "public-key": (
            key_of(done.contributors.first()),
            reverse("public:case", args=[slug, done.number]),
        ),
        "public-handover": (None, reverse("public:handover", args=[token])),
        "public-results": (None, reverse("public:results", args=[slug])),
        "public-result": (None, reverse("public:result", args=[slug, told.slug])),
        "public-figures": (None, reverse("public:accountability", args=[slug])),
    }


def _weigh(answer, weight: list[int], faults: list[str], name: str) -> None:
    weight.append(int(answer.headers.get("content-length", 0)))
    if answer.status == 404:
        faults.append(f"{name}: nothing at {answer.url}")


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_every_screen_is_accessible(world, live_server, browser, width, scheme):
    faults, cookies = [], {}
    for name, (who, there) in world.items():
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, locale="id-ID"
        )
        page = context.new_page()
        page.on(
            "console",
            lambda said, name=name: (
                faults.append(f"{name}: {said.text}") if said.type == "error" else None
            ),
        )
        if who is not None and not isinstance(who, str):
            if who.pk not in cookies:
                client = Client()
                client.force_login(who)
                cookies[who.pk] = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies(
                [
                    {
                        "name": settings.SESSION_COOKIE_NAME,
                        "value": cookies[who.pk],
                        "url": live_server.url,
                    }
                ]
            )
        weight: list[int] = []
        page.on(
            "response",
            lambda answer, weight=weight, name=name: _weigh(answer, weight, faults, name),
        )
        page.goto(live_server.url + there)
        if isinstance(who, str):
            page.fill("input[name=key]", who)
            with page.expect_navigation():
                page.click("form:has(input[name=key]) button")
        if name.startswith("public") and name != "public-key" and sum(weight) > 100_000:
            faults.append(f"{name}: {sum(weight)} bytes")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            faults.append(f"{name}: wider than {width}")
        for fault in Axe().run(page, options=RULES).response["violations"]:
            faults.append(f"{name}: {fault['id']} {fault['nodes'][0]['html'][:160]}")
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{name}-{width}.png", full_page=True)
        context.close()
    assert faults == []
