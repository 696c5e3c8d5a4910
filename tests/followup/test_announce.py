"""From decision to everybody who asked: once each, or the reason why not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from tanggap.core.errors import Refused, Stale
from tanggap.execution.followup import announce, cases, evidence, recommend, synthesize
from tanggap.execution.followup.models import Telling
from tanggap.execution.followup.recommend import Choice
from tanggap.execution.followup.synthesize import Group
from tanggap.execution.publishing.models import Delivery

pytestmark = [pytest.mark.django_db, pytest.mark.long(1)]
TEXT = {
    "you_said": "Jembatan Cikaret ambrol.",
    "we_did": "Jembatan darurat terpasang.",
    "reply_text": "Jembatan darurat Cikaret sudah bisa dilewati motor.",
}


def decided(town, case, verdict="accepted", **fields):
    items = [one.item for one in case.contributors.select_related("item")]
    finding = synthesize.write(
        "Jembatan",
        items,
        [Group("Putus", "Akses putus.", items)],
        by=town.sari,
        now=town.now,
        case=case,
    )
    synthesize.check(finding, by=town.dimas, now=town.now)
    made = recommend.write(
        finding,
        "Pasang jembatan darurat",
        background="40 laporan.",
        options=[
            Choice("Bailey", "Rp180 juta", "5 hari", "Sungai naik"),
            Choice("Perahu", "Rp20 juta", "2 hari"),
        ],
        by=town.dimas,
        now=town.now,
    )
    recommend.propose(made, by=town.dimas, now=town.now)
    return recommend.decide(
        made,
        verdict,
        reason="Anak sekolah dulu.",
        by=town.head,
        now=town.now,
        **({"option": "A"} | fields),
    )


def announced(town, case, **fields):
    return announce.write(
        "Jembatan darurat", **TEXT, by=town.dimas, now=town.now, case=case, **fields
    )


def resolved(town, count):
    case = town.case(count, tell=False)
    return cases.resolve(
        case,
        resolution="Jembatan darurat terpasang.",
        evidence_note="-",
        by=town.sari,
        now=town.now,
    )


def let_out(town, made):
    return announce.approve(made, seen_hash=announce.batch_hash(made), by=town.lead, now=town.now)


def test_forty_people_are_told_once_each_on_the_network(town):
    made = let_out(town, announced(town, resolved(town, 40)))
    due = sorted(Delivery.objects.filter(kind="announcement").values_list("due_at", flat=True))
    assert due == [due[0] + timedelta(seconds=20 * n) for n in range(40)]
    town.scene.rounds(60, 20)
    announce.tick(town.now)
    made.refresh_from_db()
    assert made.state == "sent"
    posts = [post for post in town.scene.server.posts if "sudah bisa dilewati" in post["text"]]
    assert len(posts) == 40
    assert len({post["in_reply_to_id"] for post in posts}) == 40
    assert Telling.objects.filter(delivery__state="published").count() == 40
    announce.tick(town.now)
    assert announce.tell_rest(made, by=town.lead, now=town.now) == 0


def test_a_contributor_cannot_be_told_twice(town):
    made = let_out(town, announced(town, resolved(town, 1)))
    telling = made.tellings.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Telling.objects.create(
            agency=made.agency,
            announcement=made,
            contributor=telling.contributor,
            undeliverable="x",
        )
    with pytest.raises(Refused):
        announce.approve(made, seen_hash=announce.batch_hash(made), by=town.lead, now=town.now)
    assert Delivery.objects.filter(kind="announcement").count() == 1


def test_one_approval_is_bound_to_every_word_and_every_receiver(town):
    case = resolved(town, 2)
    made = announced(town, case)
    seen = announce.batch_hash(made)
    cases.join(case, (late := town.item()).conversation, late, by=town.sari, now=town.now)
    with pytest.raises(Stale):
        announce.approve(made, seen_hash=seen, by=town.lead, now=town.now)
    seen = announce.batch_hash(made)
    announce.change(
        made,
        title=made.title,
        **{**TEXT, "we_did": "Lain."},
        accounts=[],
        by=town.dimas,
        now=town.now,
    )
    with pytest.raises(Stale):
        announce.approve(made, seen_hash=seen, by=town.lead, now=town.now)
    assert not Telling.objects.exists()
    assert not Delivery.objects.filter(kind="announcement").exists()


def test_a_second_person_approves(town):
    made = announced(town, resolved(town, 1))
    with pytest.raises(Refused):
        announce.approve(made, seen_hash=announce.batch_hash(made), by=town.dimas, now=town.now)


def test_who_cannot_be_told_is_listed_with_why(town):
    case = resolved(town, 4)
    gone, erased, sealed, _fine = case.contributors.order_by("pk")
    gone.item.deleted_remotely_at = town.now
    gone.item.save()
    erased.author.erased_at = town.now
    erased.author.save()
    sealed.conversation.sealed = True
    sealed.conversation.save()
    made = let_out(town, announced(town, case))
    assert set(made.tellings.values_list("undeliverable", flat=True)) == {
        "deleted",
        "erased",
        "sealed",
        "",
    }
    assert Delivery.objects.filter(kind="announcement").count() == 1


def test_a_paused_account_is_told_later(town):
    case = resolved(town, 2)
    account = town.scene.account
    account.state, account.paused_reason = "paused", "Token"
    account.save()
    made = let_out(town, announced(town, case))
    assert made.state == "sent"
    assert set(made.tellings.values_list("undeliverable", flat=True)) == {"paused"}
    account.state = "connected"
    account.save()
    assert announce.tell_rest(made, by=town.lead, now=town.now) == 2
    assert not made.tellings.exclude(undeliverable="").exists()
    assert announce.tell_rest(made, by=town.lead, now=town.now) == 0


def test_who_was_told_by_hand_is_not_told_again(town):
    case = resolved(town, 2)
    account = town.scene.account
    account.state, account.paused_reason = "paused", "Token"
    account.save()
    made = let_out(town, announced(town, case))
    announce.told_by_hand(made.tellings.first(), by=town.lead, now=town.now)
    account.state = "connected"
    account.save()
    assert announce.tell_rest(made, by=town.lead, now=town.now) == 1
    with pytest.raises(Refused):
        announce.told_by_hand(
            made.tellings.exclude(delivery=None).get(), by=town.lead, now=town.now
        )


def test_who_joined_later_is_told_too_and_only_they(town):
    case = resolved(town, 2)
    made = let_out(town, announced(town, case))
    cases.join(case, (late := town.item()).conversation, late, by=town.sari, now=town.now)
    assert announce.tell_rest(made, by=town.lead, now=town.now) == 1
    assert Delivery.objects.filter(kind="announcement").count() == 3


def test_the_public_post_goes_through_content_with_its_photos(town, make_photo):
    case = resolved(town, 1)
    for when in ("before", "after"):
        evidence.add(
            case,
            make_photo(),
            when=when,
            caption=f"Jembatan {when}",
            by=town.sari,
            given_by="Sari",
            now=town.now,
            public=True,
        )
    made = let_out(town, announced(town, case, accounts=[town.scene.account]))
    post = Delivery.objects.get(kind="post")
    assert "Anda sampaikan: Jembatan Cikaret ambrol." in post.content["text"]
    assert [one["alt"] for one in post.content["media"]] == ["Jembatan before", "Jembatan after"]
    assert made.post.state == "approved"


def test_words_that_do_not_fit_are_refused_before_approval(town):
    case = resolved(town, 1)
    with pytest.raises(Refused) as refusal:
        announced(town, case, accounts=[town.scene.account]) and announce.write(
            "x",
            **{**TEXT, "we_did": "a" * 600},
            by=town.dimas,
            now=town.now,
            case=case,
            accounts=[town.scene.account],
        )
    assert refusal.value.field == "we_did"


def test_a_sealed_case_is_never_announced(town):
    item = town.item(sealed=True)
    case = cases.open_case([item], kind="integrity", title="Pungli", by=town.sari, now=town.now)
    cases.resolve(case, resolution="x", by=town.sari, now=town.now)
    with pytest.raises(Refused):
        announced(town, case)


def test_a_decision_needs_reason_and_option(town):
    with pytest.raises(Refused):
        decided(town, town.case(2), option="")
    with pytest.raises(Refused):
        decided(town, town.case(2), "changed", changed_to="")


def test_a_decision_ends_announced(town):
    case = town.case(2, tell=False)
    decision = decided(town, case)
    assert decision.chosen.letter == "A"
    recommend.done(decision, "Terpasang 3 Desember.", by=town.dimas, now=town.now)
    made = announce.write("Jembatan", **TEXT, by=town.dimas, now=town.now, recommendation=decision)
    let_out(town, made)
    town.scene.rounds(14, 20)
    announce.tick(town.now)
    decision.refresh_from_db()
    assert decision.state == "announced"


def test_nothing_goes_to_the_head_before_a_second_person_compared(town):
    case = town.case(1)
    item = case.contributors.get().item
    finding = synthesize.write("x", [item], [Group("a", "b", [item])], by=town.sari, now=town.now)
    made = recommend.write(
        finding, "x", background="y", options=[Choice("A")], by=town.dimas, now=town.now
    )
    with pytest.raises(Refused):
        recommend.propose(made, by=town.dimas, now=town.now)
