"""Maker and checker, and what an approval is bound to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tanggap.archive.models import Record
from tanggap.core.errors import Refused, Stale
from tanggap.messaging import approve, draft
from tanggap.messaging.content import digest
from tanggap.messaging.models import Media, Review

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def test_a_second_person_approves_exactly_what_they_saw(message, maker, checker, now) -> None:
    approve.submit(message, by=maker, now=now)
    approve.approve(message, seen=digest(message), by=checker, now=now)
    assert message.state == "approved"
    assert bytes(message.approved_hash) == digest(message)
    assert Record.objects.filter(verb="message.approved", actor=f"person:{checker.pk}").exists()


def test_the_maker_is_not_the_checker(message, maker, now) -> None:
    approve.submit(message, by=maker, now=now)
    with pytest.raises(Refused):
        approve.approve(message, seen=digest(message), by=maker, now=now)
    message.refresh_from_db()
    assert message.state == "checked"


def test_whoever_changed_it_last_made_it_too(message, maker, checker, now) -> None:
    draft.edit(message, core="Imunisasi campak gratis pekan ini.", by=checker, now=now)
    approve.submit(message, by=maker, now=now)
    with pytest.raises(Refused):
        approve.approve(message, seen=digest(message), by=checker, now=now)


def test_a_change_between_look_and_tap_is_refused(message, maker, checker, member, now) -> None:
    approve.submit(message, by=maker, now=now)
    seen = digest(message)
    draft.edit(message, core="Imunisasi campak berbayar.", by=maker, now=now)
    approve.submit(message, by=maker, now=now)
    with pytest.raises(Stale):
        approve.approve(message, seen=seen, by=checker, now=now)


@pytest.mark.parametrize("change", ["core", "variant", "visibility", "media", "alt"])
def test_any_edit_voids_the_approval(message, account, maker, checker, agency, now, change) -> None:
    picture = Media.objects.create(
        agency=agency,
        file="media/x.png",
        sha256=b"1" * 32,
        mime="image/png",
        size=9,
        alt="Poster jadwal imunisasi",
        uploaded_at=now,
    )
    draft.illustrate(message, [picture], by=maker, now=now)
    approve.submit(message, by=maker, now=now)
    before = digest(message)
    approve.approve(message, seen=before, by=checker, now=now)
    variant = message.variants.get()
    if change == "core":
        draft.edit(message, core="Lain sama sekali.", by=maker, now=now + MINUTE)
    elif change == "variant":
        draft.adapt(variant, ["Bagian satu.", "Bagian dua."], by=maker, now=now + MINUTE)
    elif change == "visibility":
        draft.adapt(variant, [message.core], visibility="unlisted", by=maker, now=now + MINUTE)
    elif change == "media":
        draft.illustrate(message, [], by=maker, now=now + MINUTE)
    else:
        from tanggap.messaging import media

        media.describe(picture, "Poster lain", by=maker, now=now + MINUTE)
    message.refresh_from_db()
    assert message.state == "draft"
    assert message.approved_hash is None
    assert digest(message) != before


def test_returning_needs_one_sentence(message, maker, checker, now) -> None:
    approve.submit(message, by=maker, now=now)
    with pytest.raises(Refused) as refusal:
        approve.return_(message, reason=" ", seen=digest(message), by=checker, now=now)
    assert refusal.value.field == "reason"
    approve.return_(message, reason="Tanggalnya salah.", seen=digest(message), by=checker, now=now)
    assert message.state == "draft"
    assert message.reviews.get().reason == "Tanggalnya salah."


def test_an_emergency_goes_out_by_one_and_owes_a_look(message, maker, checker, now) -> None:
    with pytest.raises(Refused):
        approve.send_in_emergency(message, reason="Banjir bandang.", by=maker, now=now)
    draft.edit(message, emergency=True, openness="immediate", by=maker, now=now)
    approve.send_in_emergency(message, reason="Banjir bandang.", by=maker, now=now)
    assert message.state == "approved"
    assert message.review_owed
    with pytest.raises(Refused):
        approve.review_after(message, note="Sudah benar.", by=maker, now=now)
    approve.review_after(message, note="Sudah benar.", by=checker, now=now)
    assert not message.review_owed
    assert message.reviews.filter(kind=Review.Kind.AFTER).count() == 1


def test_what_may_be_secret_waits_for_the_ppid_officer(
    message, maker, checker, member, now
) -> None:
    draft.edit(message, core="Rekam medis pasien dapat diminta di loket.", by=maker, now=now)
    approve.submit(message, by=maker, now=now)
    with pytest.raises(Refused):
        approve.approve(message, seen=digest(message), by=checker, now=now)
    ppid = member("ppid")
    approve.decide_openness(
        message,
        open_=True,
        reason="Hanya tata cara, tanpa isi rekam medis.",
        seen=digest(message),
        by=ppid,
        now=now,
    )
    approve.approve(message, seen=digest(message), by=checker, now=now)
    assert message.state == "approved"


def test_a_ppid_word_holds_for_those_words_only(message, maker, checker, member, now) -> None:
    draft.edit(message, core="Rekam medis pasien dapat diminta di loket.", by=maker, now=now)
    approve.submit(message, by=maker, now=now)
    approve.decide_openness(
        message, open_=True, reason="Tata cara.", seen=digest(message), by=member("ppid"), now=now
    )
    draft.edit(message, core="Rekam medis pasien Budi ada di loket.", by=maker, now=now)
    approve.submit(message, by=maker, now=now)
    with pytest.raises(Refused):
        approve.approve(message, seen=digest(message), by=checker, now=now)
