from __future__ import annotations

from datetime import timedelta

import pytest

from tanggap.core.errors import Refused, Stale
from tanggap.execution.inbox import answers, promise, reply
from tanggap.execution.inbox.models import Reply
from tanggap.execution.publishing import schedule
from tests.inbox.conftest import NIK

pytestmark = pytest.mark.django_db
ANSWER = "KTP selesai 14 hari kerja setelah rekam. Gratis."


@pytest.fixture
def ktp(desk, unit):
    return answers.save(
        desk.agency,
        title="Kapan KTP jadi?",
        text=ANSWER,
        unit=unit,
        source="SP 470/012",
        valid_until=desk.now.date() + timedelta(days=30),
        by=desk.ratna,
        now=desk.now,
    )


@pytest.fixture
def asked(desk):
    return desk.heard("budi", "Kapan KTP saya jadi?")


def write(desk, conversation, text, **more):
    more.setdefault("by", desk.sari)
    return reply.write(conversation, desk.last(conversation), text, now=desk.now, **more)


def test_free_words_wait_for_a_second_person(desk, asked):
    row = write(desk, asked, "Kami cek dulu, Kak.")
    assert (row.state, row.delivery) == ("awaiting", None)
    with pytest.raises(Refused, match=r"."):
        reply.approve(row, by=desk.sari, now=desk.now)
    reply.approve(row, by=desk.ratna, now=desk.now)
    desk.send()
    assert desk.sent[-1] == "@budi Kami cek dulu, Kak."
    asked.refresh_from_db()
    assert (asked.state, asked.due_at) == ("answered", promise.NEVER)
    assert asked.answered_at is not None


def test_pressing_twice_answers_once(desk, asked, ktp):
    write(desk, asked, ANSWER, saved_answer=ktp)
    with pytest.raises(Refused):
        write(desk, asked, f" {ANSWER}", saved_answer=ktp)
    desk.send()
    with pytest.raises(Refused):
        write(desk, asked, ANSWER, saved_answer=ktp)
    assert sum(ANSWER in text for text in desk.sent) == 1


def test_the_same_words_may_be_written_again_when_they_did_not_go_out(desk, asked):
    row = write(desk, asked, "Kami cek dulu, Kak.")
    reply.return_(row, "Sebut dinasnya", by=desk.ratna, now=desk.now)
    again = write(desk, asked, "Kami cek dulu, Kak.")
    reply.approve(again, by=desk.ratna, now=desk.now)
    schedule.cancel(again.delivery, by=desk.ratna, now=desk.now)
    assert write(desk, asked, "Kami cek dulu, Kak.").state == "awaiting"


def test_words_that_changed_under_the_approver_are_not_approved(desk, asked):
    row = write(desk, asked, "Kami cek dulu, Kak.")
    seen = reply.version(row)
    held = Reply.objects.get(pk=row.pk)
    desk.pass_(minutes=1)
    reply.rewrite(row, "Itu bukan urusan kami.", by=desk.sari, now=desk.now)
    fresh = Reply.objects.get(pk=row.pk)
    with pytest.raises(Stale):
        reply.approve(fresh, by=desk.ratna, now=desk.now, seen_version=seen)
    # Loaded before the change, approved after it.
    with pytest.raises(Stale):
        reply.approve(held, by=desk.ratna, now=desk.now)
    reply.approve(fresh, by=desk.ratna, now=desk.now, seen_version=reply.version(fresh))


def test_it_is_not_answered_before_the_network_has_it(desk, asked):
    reply.approve(write(desk, asked, "Kami cek."), by=desk.ratna, now=desk.now)
    reply.tick(desk.now)
    asked.refresh_from_db()
    assert (asked.state, asked.answered_at) == ("new", None)


def test_a_valid_saved_answer_goes_out_alone(desk, asked, ktp):
    row = write(desk, asked, f"Halo Kak Budi! {ANSWER} Terima kasih.", saved_answer=ktp)
    assert row.state == "released"
    assert row.delivery.approved_by == f"rule:saved_answer:{ktp.pk}"
    assert row.source == "SP 470/012"
    ktp.refresh_from_db()
    assert ktp.used == 1


@pytest.mark.parametrize(
    "text",
    [
        ANSWER.replace("14", "3"),
        ANSWER + " Biaya 50 ribu.",
        ANSWER + " Lihat bit.ly.com",
        ANSWER + " " + "dan seterusnya " * 20,
    ],
)
def test_changed_facts_need_a_second_person(desk, asked, ktp, text):
    assert write(desk, asked, text, saved_answer=ktp).state == "awaiting"


def test_a_stale_saved_answer_needs_a_second_person(desk, asked, ktp):
    desk.pass_(days=60)
    assert write(desk, asked, ANSWER, saved_answer=ktp).state == "awaiting"
    with pytest.raises(Refused):
        answers.insertable(ktp, desk.now)


def test_the_agency_may_want_two_people_always(desk, asked, ktp):
    desk.agency.rules = {"saved_answer_alone": False}
    desk.agency.save()
    assert write(desk, asked, ANSWER, saved_answer=ktp).state == "awaiting"


def test_a_new_word_in_between_stops_the_answer(desk, asked):
    seen = asked.last_item_id
    desk.says("budi", "sudah jadi, terima kasih", reply_to=desk.last(asked).remote_id)
    desk.listen()
    with pytest.raises(Stale):
        write(desk, asked, "Kami cek.", seen_item_id=seen)
    assert not Reply.objects.exists()


def test_the_approver_is_stopped_too(desk, asked):
    row = write(desk, asked, "Kami cek.")
    seen = asked.last_item_id
    desk.says("budi", "tidak jadi", reply_to=desk.last(asked).remote_id)
    desk.listen()
    with pytest.raises(Stale):
        reply.approve(row, by=desk.ratna, now=desk.now, seen_item_id=seen)


def test_an_answer_to_the_first_question_does_not_settle_the_second(desk, asked):
    reply.approve(write(desk, asked, "Kami cek."), by=desk.ratna, now=desk.now)
    desk.says("budi", "satu lagi: KK?", reply_to=desk.last(asked).remote_id)
    desk.listen()
    desk.send()
    asked.refresh_from_db()
    assert asked.state == "new"
    assert asked.due_at < promise.NEVER
    assert asked.answered_at is not None


def test_returned_with_a_sentence_and_offered_again(desk, asked):
    row = write(desk, asked, "Cek aja sendiri.")
    with pytest.raises(Refused):
        reply.return_(row, " ", by=desk.ratna, now=desk.now)
    reply.return_(row, "Lebih ramah.", by=desk.ratna, now=desk.now)
    row = reply.rewrite(row, "Kami bantu cek, Kak.", by=desk.sari, now=desk.now)
    assert (row.state, row.returned_reason) == ("awaiting", "")
    assert reply.approve(row, by=desk.ratna, now=desk.now).state == "released"


def test_who_rewrites_cannot_approve(desk, asked):
    row = reply.rewrite(write(desk, asked, "Cek."), "Kami cek.", by=desk.ratna, now=desk.now)
    with pytest.raises(Refused):
        reply.approve(row, by=desk.ratna, now=desk.now)
    assert reply.approve(row, by=desk.sari, now=desk.now).state == "released"


def test_the_counter_is_the_networks(desk, asked):
    item = desk.last(asked)
    length, most = reply.count(asked, item, "x" * 10, desk.now)
    assert (length, most) == (len("@budi ") + 10, 500)
    write(desk, asked, "x" * (500 - len("@budi ")))
    with pytest.raises(Refused):
        write(desk, asked, "x" * (501 - len("@budi ")))


@pytest.mark.parametrize(
    "text", [f"NIK Bapak {NIK}", "Hubungi Pak Joko 0812-3456-7890", "kirim ke joko@gmail.com"]
)
def test_our_own_words_hold_no_personal_data(desk, asked, text):
    with pytest.raises(Refused) as refused:
        write(desk, asked, text)
    assert NIK not in str(refused.value)
    assert "0812" not in str(refused.value)


def test_the_offices_own_numbers_are_no_personal_data(desk, asked, unit):
    unit.contact = "(0299) 550103, halo@lumbung.example"
    unit.save()
    write(desk, asked, "Hubungi (0299) 550103 atau halo@lumbung.example")


def test_private_words_are_answered_in_private(desk):
    found = desk.heard("budi", "NIK saya salah", visibility="direct")
    row = write(desk, found, "Baik, kami bantu.")
    assert row.private
    reply.approve(row, by=desk.ratna, now=desk.now)
    desk.send()
    assert desk.server.posts[-1]["visibility"] == "direct"


def test_the_request_to_remove_a_number_is_private_and_needs_nobody(desk):
    found = desk.heard("budi", f"NIK saya {NIK}, kapan jadi?")
    row = reply.ask_to_remove(found, desk.last(found), by=desk.sari, now=desk.now)
    assert (row.state, row.private) == ("released", True)
    desk.send()
    assert desk.server.posts[-1]["visibility"] == "direct"
    assert reply.REMOVE_DATA in desk.sent[-1]
    found.refresh_from_db()
    # The question itself is still open.
    assert found.state == "new"
    assert found.due_at < promise.NEVER
    with pytest.raises(Refused):
        reply.ask_to_remove(found, desk.last(found), by=desk.sari, now=desk.now)


def test_due_is_counted_in_working_minutes_and_the_earliest_wins(desk, asked):
    asked.refresh_from_db()
    assert asked.due_at > desk.now
    soon = desk.now + timedelta(minutes=5)
    promise.owe([asked.pk], soon, desk.now)
    asked.refresh_from_db()
    assert asked.due_at == soon
    promise.owe([asked.pk], None, desk.now)
    asked.refresh_from_db()
    assert asked.due_at > soon
