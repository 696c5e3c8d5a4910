"""What we paste into LAPOR!, without anybody's personal data, and how guessing is slowed down."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tanggap.core.errors import Refused
from tanggap.execution.followup import cases, guesses, sp4n
from tanggap.execution.followup.models import Guess

pytestmark = pytest.mark.django_db


def test_the_block_masks_personal_data(town):
    item = town.item("NIK saya 3299014507900003, hp 081234567890, jembatan putus")
    case = cases.open_case(
        [item], kind="complaint", title="Jembatan", place="Cikaret", by=town.sari, now=town.now
    )
    said = sp4n.text(case)
    assert "3299014507900003" not in said
    assert "081234567890" not in said
    assert "jembatan putus" in said
    assert case.number in said
    item.refresh_from_db()
    assert "3299014507900003" in item.text


def test_the_number_of_lapor_is_kept(town):
    case = town.case()
    sp4n.set_id(case, " #8123456 ", by=town.sari, now=town.now)
    case.refresh_from_db()
    assert case.sp4n_id == "8123456"
    with pytest.raises(Refused):
        sp4n.set_id(case, "tidak ada", by=town.sari, now=town.now)


def test_guessing_is_slowed_down_and_forgotten(db, now):
    for _ in range(guesses.LIMITS["key"]):
        guesses.allow("key", "203.0.113.7", now)
        guesses.wrong("key", "203.0.113.7", now)
    with pytest.raises(Refused):
        guesses.allow("key", "203.0.113.7", now)
    guesses.allow("key", "203.0.113.8", now)
    guesses.allow("number", "203.0.113.7", now)
    guesses.allow("key", "203.0.113.7", now + guesses.WINDOW)
    assert b"203.0.113.7" not in bytes(Guess.objects.first().who)
    assert guesses.forget(now + guesses.WINDOW + timedelta(seconds=1)) == 1
