from __future__ import annotations

import pytest

from tanggap.core.errors import Refused
from tanggap.execution.inbox import claims, reply, triage
from tanggap.execution.inbox.models import Item
from tanggap.execution.publishing import schedule
from tanggap.messaging import approve, content, draft

pytestmark = pytest.mark.django_db


@pytest.fixture
def claim(desk):
    item = desk.last(desk.heard("viral", "SEMUA BANSOS DIHAPUS mulai 1 Desember"))
    return claims.notice(
        desk.agency,
        "Semua bansos dihapus mulai 1 Desember.",
        items=[item],
        by=desk.sari,
        now=desk.now,
    )


def decide(desk, claim, **more):
    more = {"factual": True, **more}
    return claims.decide(
        claim, "false", "Bansos tetap disalurkan.", by=desk.ratna, now=desk.now, **more
    )


def test_a_verdict_needs_two_sources(desk, claim):
    with pytest.raises(Refused):
        decide(desk, claim)
    for number in (1, 1, 2):
        claims.add_evidence(
            claim, title="Laman", url=f"https://dinsos.example/{number}", by=desk.sari, now=desk.now
        )
        if number == 1:
            with pytest.raises(Refused):
                decide(desk, claim)
    assert decide(desk, claim).state == "decided"


def test_or_a_document_of_the_unit(desk, claim, unit):
    claim.unit = unit
    claim.save()
    claims.add_evidence(claim, title="SK", document="460/12", by=desk.sari, now=desk.now)
    assert decide(desk, claim).verdict == "false"


def test_opinion_gets_no_verdict(desk, claim, unit):
    claim.unit = unit
    claim.save()
    claims.add_evidence(claim, title="SK", document="460/12", by=desk.sari, now=desk.now)
    with pytest.raises(Refused):
        decide(desk, claim, factual=False)
    found = desk.heard("budi", "Pemkab payah")
    triage.label(found, "kind", "criticism", by=desk.sari, now=desk.now)
    item = Item.objects.select_related("conversation").get(conversation=found)
    with pytest.raises(Refused):
        claims.notice(desk.agency, "Pemkab payah", items=[item], by=desk.sari, now=desk.now)


def test_a_correction_is_an_answer_that_somebody_approves(desk, claim, unit):
    claim.unit = unit
    claim.save()
    item = claim.items.get()
    with pytest.raises(Refused):
        claims.correct(claim, item, "Tidak benar.", by=desk.sari, now=desk.now)
    claims.add_evidence(claim, title="SK", document="460/12", by=desk.sari, now=desk.now)
    decide(desk, claim)
    row = claims.correct(claim, item, "Bansos tetap ada.", by=desk.sari, now=desk.now)
    assert row.state == "awaiting"
    reply.approve(row, by=desk.ratna, now=desk.now)
    desk.send()
    claim.refresh_from_db()
    assert (claim.state, claim.correction_id) == ("corrected", row.delivery_id)


def test_a_post_that_is_out_corrects_the_claim(desk, claim, unit):
    claim.unit = unit
    claim.save()
    claims.add_evidence(claim, title="SK", document="460/12", by=desk.sari, now=desk.now)
    with pytest.raises(Refused):
        claims.draft_post(claim, by=desk.ratna, now=desk.now)
    decide(desk, claim)
    made = claims.draft_post(claim, by=desk.sari, now=desk.now, accounts=[desk.account])
    draft.edit(made, by=desk.sari, now=desk.now, openness="none")
    approve.submit(made, by=desk.sari, now=desk.now)
    made.refresh_from_db()
    approve.approve(made, seen=content.digest(made), by=desk.ratna, now=desk.now)
    made.refresh_from_db()
    schedule.queue(made, by=desk.ratna, now=desk.now)
    assert claims.tick(desk.now) == 0
    desk.send()
    assert claims.tick(desk.now) == 1
    claim.refresh_from_db()
    assert (claim.state, claim.correction.variant.message) == ("corrected", made)
    assert claims.tick(desk.now) == 0
