"""Where a person posts: the text to copy, the proof, and the same promises."""

from __future__ import annotations

import pytest

from tanggap.accounts import connect
from tanggap.accounts.models import Account
from tanggap.core.errors import Refused
from tanggap.execution.publishing import ask, remove
from tanggap.execution.publishing.models import Delivery


@pytest.fixture
def by_hand(scene):
    account = Account.objects.create(
        agency=scene.agency,
        kind="institution",
        channel="manual",
        preset="facebook",
        handle="lumbung",
        display_name="Lumbung di Facebook",
        owner_unit=scene.agency,
        decree_number="SK/2/2026",
        recovery_contact="0811",
    )
    scene.account = connect.connect(account, {}, by=scene.editor, now=scene.now)
    return scene


def test_a_person_is_asked_to_post_and_shows_the_link(by_hand):
    row = by_hand.post("Pasar murah hari Sabtu")
    by_hand.send()
    assert by_hand.state(row) == "asked" and (row.trouble, row.sends) == ("by_hand", 0)
    by_hand.rounds(3)
    assert by_hand.state(row) == "asked", "nobody but the person answers"
    assert ask.hand_over(row, by_hand.now).open_url.startswith("https://")
    for link in ("", "bukan tautan", "https://palsu.example/1", "https://www.facebook.com/"):
        with pytest.raises(Refused) as refusal:
            ask.published(row, link=link, by=by_hand.editor, now=by_hand.now)
        assert refusal.value.field == "link"
    link = "https://www.facebook.com/lumbung/posts/17?utm_source=x"
    ask.published(row, link=link, by=by_hand.editor, now=by_hand.now)
    assert by_hand.state(row) == "published" and row.remote_url == link
    other = by_hand.post("Yang lain")
    by_hand.send()
    other.refresh_from_db()
    with pytest.raises(Refused):
        ask.published(
            other,
            link="https://m.facebook.com/lumbung/posts/17",
            by=by_hand.editor,
            now=by_hand.now,
        )
    with pytest.raises(Refused):
        remove.remove(row, reason="x", by=by_hand.editor, now=by_hand.now)
    remove.removed_by_hand(row, by=by_hand.editor, now=by_hand.now)
    assert by_hand.state(row) == "removed"


def test_one_open_question_does_not_stop_the_queue(by_hand):
    rows = [by_hand.post("Satu"), by_hand.post("Dua")]
    by_hand.send()
    assert [by_hand.state(row) for row in rows] == ["asked", "asked"]


def test_asked_and_answered_no_is_sent_again_once(scene):
    row = scene.post("Diragukan")
    Delivery.objects.filter(pk=row.pk).update(state="asked", trouble="unknown")
    row.refresh_from_db()
    ask.send_again(row, by=scene.editor, now=scene.now)
    scene.send()
    assert scene.state(row) == "published" and scene.said() == 1
    with pytest.raises(Refused):
        ask.send_again(row, by=scene.editor, now=scene.now)


def test_what_a_person_was_asked_about_may_still_turn_up(scene):
    scene.server.knobs.lag = 12
    row = scene.post("Muncul terlambat")
    scene.server.knobs.next_post = "accept_500"
    scene.send()
    Delivery.objects.filter(pk=row.pk).update(resent_by_machine=True)
    scene.rounds(8)
    assert scene.state(row) == "asked"
    for _ in range(12):
        scene.pass_(650)
        scene.look()
    assert scene.state(row) == "published" and scene.said() == 1


def test_nothing_stays_unknown_for_long(scene):
    row = scene.post("Jejaring mati")
    scene.server.knobs.next_post = "accept_reset"
    scene.send()
    scene.server.http.shutdown()
    scene.server.http.server_close()
    scene.rounds(22)
    assert scene.state(row) == "asked"
