"""One case from many, one number, one key each, and nobody dropped."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from tanggap.archive.queries import Record  # type: ignore[attr-defined]
from tanggap.core.errors import Refused
from tanggap.core.scope import Scope, enter
from tanggap.execution.followup import cases, keys
from tanggap.execution.followup.models import Case, Contributor
from tanggap.execution.inbox.models import Conversation, Reply
from tanggap.execution.publishing import pieces
from tanggap.execution.publishing.models import Delivery

pytestmark = pytest.mark.django_db


def key_of(contributor: Contributor) -> str:
    """As the citizen reads it in their private message."""
    text = pieces.draft(contributor.key_delivery, reply_to=None).text
    return re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2}", text).group()


def test_forty_reports_are_one_case_with_forty_keys(town):
    case = town.case(40)
    people = list(Contributor.objects.filter(case=case).select_related("ticket", "key_delivery"))
    assert len(people) == case.contributors_count == 40
    assert len({bytes(one.key_hash) for one in people}) == 40
    assert all(one.ticket.delivery_id for one in people)
    assert not Conversation.objects.filter(has_case=False).exists()
    found = {key_of(one) for one in people}
    assert len(found) == 40
    assert {keys.hash_key(key) for key in found} == {bytes(one.key_hash) for one in people}


def test_the_public_words_carry_number_and_address_and_never_a_key(town):
    case = town.case(3)
    for one in case.contributors.all():
        public = one.ticket.delivery.content
        assert public["visibility"] == "public"
        assert case.number in public["text"]
        assert f"/{case.agency.slug}/lapor/{case.number}/" in public["text"]
        assert key_of(one) not in public["text"] + one.ticket.text
        assert "2 warga lain" in public["text"]
        private = one.key_delivery
        assert private.kind == "private"
        assert private.content["visibility"] == "direct"
        assert len(public["text"]) <= 480


def test_keys_are_nowhere_on_record(town):
    case = town.case(2)
    said = str(list(Record.objects.values_list("facts", flat=True)))
    for one in case.contributors.all():
        assert key_of(one) not in said
    assert not any(key_of(one).encode() == bytes(one.key_hash) for one in case.contributors.all())


def test_messages_leave_one_after_another(town):
    case = town.case(4)
    due = sorted(one.ticket.delivery.due_at for one in case.contributors.all())
    assert [later - due[0] for later in due] == [timedelta(seconds=20 * n) for n in range(4)]


def test_it_arrives_on_the_network(town):
    case = town.case(2)
    town.scene.rounds(30, 20)
    assert town.scene.said(case.number) == 4  # two tickets, two private messages
    assert town.scene.said("Kunci pribadi") == 2
    assert {
        post["visibility"] for post in town.scene.server.posts if "Kunci pribadi" in post["text"]
    } == {"direct"}


def test_a_number_is_read_however_it_is_typed():
    assert keys.read_number(" lbg 7q4k ") == "LBG-7Q4K"
    assert keys.read_number("lbg7q4k") == "LBG-7Q4K"
    assert keys.read_number("LBG–7Q4K") == "LBG-7Q4K"
    assert keys.hash_key("7q4k ht3m px9c") == keys.hash_key("7Q4K-HT3M-PX9C")


def test_numbers_are_not_in_sequence(town):
    found = [town.case().number for _ in range(5)]
    assert len(set(found)) == 5
    assert all(re.fullmatch(r"LBG-[34679ACDEFGHJKMNPQRTWXY]{4}", one) for one in found)
    assert found != sorted(found) or found != sorted(found, reverse=True)


def test_who_wrote_twice_is_one_contributor_and_told_once(town):
    first = town.item()
    again = town.item("Masih belum!", author=first.author)
    case = cases.open_case(
        [first, again], kind="complaint", title="Jembatan", by=town.sari, now=town.now
    )
    assert case.contributors_count == 1
    assert Reply.objects.count() == 1
    assert Conversation.objects.filter(has_case=True).count() == 2
    _who, key = cases.join(case, again.conversation, again, by=town.sari, now=town.now)
    assert key == ""
    assert Contributor.objects.count() == 1


def test_the_database_keeps_one_contributor_an_author(town):
    case = town.case()
    one = case.contributors.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Contributor.objects.create(
            agency=case.agency,
            case=case,
            conversation=one.conversation,
            item=town.item(),
            author=one.author,
            key_hash=b"x" * 32,
            joined_at=town.now,
            joined_by="x",
        )


def test_later_reports_join_and_get_their_number(town):
    case = town.case(2)
    late = [town.item().conversation, town.item().conversation]
    made = cases.merge(case, late, by=town.sari, now=town.now)
    case.refresh_from_db()
    assert case.contributors_count == 4
    assert all(one.ticket for one in made)


def test_an_integrity_report_is_sealed_and_answered_in_private_only(town):
    item = town.item("Ada pungli di loket", sealed=True)
    case = cases.open_case([item], kind="complaint", title="Pungli", by=town.sari, now=town.now)
    assert case.sealed
    assert not case.public
    assert set(Delivery.objects.values_list("kind", flat=True)) == {"private"}
    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(public=True)
    open_one = town.case()
    with pytest.raises(Refused):
        cases.join(open_one, item.conversation, item, by=town.sari, now=town.now)


def test_an_integrity_report_takes_its_messages_out_of_the_open_inbox(town):
    item = town.item("Tolong dilihat, ada yang janggal")
    cases.open_case([item], kind="integrity", title="Janggal", by=town.sari, now=town.now)
    item.conversation.refresh_from_db()
    assert item.conversation.sealed
    assert Record.objects.filter(verb="conversation.sealed").exists()


def test_a_network_where_nobody_can_be_told_gets_no_delivery(town):
    town.scene.account.channel, town.scene.account.preset = "manual", "instagram"
    town.scene.account.save()
    case = town.case()
    assert case.contributors.get().ticket is None
    assert not Delivery.objects.exists()


def test_refusals_keep_nothing(town):
    for things, fields in (
        ([], {"kind": "complaint", "title": "x"}),
        (town.items(1), {"kind": "nonsense", "title": "x"}),
        (town.items(1), {"kind": "complaint", "title": " "}),
    ):
        with pytest.raises(Refused):
            cases.open_case(things, by=town.sari, now=town.now, **fields)
    assert not Case.objects.exists()


def test_resolving_needs_words_and_evidence_or_a_reason(town):
    case = town.case()
    with pytest.raises(Refused):
        cases.resolve(case, resolution="", by=town.sari, now=town.now)
    with pytest.raises(Refused):
        cases.resolve(case, resolution="Sudah dipasang.", by=town.sari, now=town.now)
    cases.resolve(
        case,
        resolution="Sudah dipasang.",
        evidence_note="Foto menyusul dari desa.",
        by=town.sari,
        now=town.now,
    )
    assert case.state == "resolved"
    cases.close(case, by=town.sari, now=town.now)
    assert case.closed_at == town.now


def test_belum_opens_it_again_with_new_clocks(town):
    case = town.case()
    cases.resolve(case, resolution="Selesai.", evidence_note="-", by=town.sari, now=town.now)
    later = town.now + timedelta(days=2)
    case = cases.not_fixed(case.contributors.get(), words="Belum, Pak.", now=later)
    assert (case.state, case.reopened_count) == ("reopened", 1)
    assert case.contributors.get().not_fixed_words == "Belum, Pak."
    running = case.clocks.filter(kept_at=None, rule="sp4n_complaint").get()
    assert running.started_at == later
    assert Record.objects.filter(verb="case.reopened", actor="citizen").count() == 1


def test_belum_while_it_runs_is_noted_and_changes_nothing(town):
    case = town.case()
    assert cases.not_fixed(case.contributors.get(), words="", now=town.now).state == "open"


def test_stars_are_one_to_five_and_only_when_it_is_finished(town):
    case = town.case(2)
    one, two = case.contributors.order_by("pk")
    with pytest.raises(Refused):
        cases.rate(one, 4, now=town.now)
    cases.resolve(case, resolution="Selesai.", evidence_note="-", by=town.sari, now=town.now)
    with pytest.raises(Refused):
        cases.rate(one, 6, now=town.now)
    cases.rate(one, 5, now=town.now)
    assert cases.rate(two, 2, now=town.now).satisfaction == 4


def test_another_agency_sees_nothing(town, other):
    town.case()
    ids = frozenset({other.pk})
    with enter(Scope(agency=other, readable=ids, writable=ids)):
        assert not Case.objects.exists()
        assert not Contributor.objects.exists()
