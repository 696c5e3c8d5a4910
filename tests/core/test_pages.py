"""Pages by key: no gap and no repeat, whatever the order is made of; nonsense is the first page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import BooleanField, Case, Value, When

from tanggap.core.models import Invitation
from tanggap.core.pages import page, within

pytestmark = pytest.mark.django_db
NAMES = ("Ani", "Ani", "Budi~Santoso", "Cici 50%", "Cici+Ani", "é~", "")


@pytest.fixture
def rows(agency, member, now):
    lead = member("lead")
    for number, name in enumerate(NAMES):
        Invitation.objects.create(
            agency=agency,
            email="x@lumbung.test",
            name=name,
            role="editor",
            decree_number="SK",
            valid_from=now.date(),
            token_hash=bytes([number]) * 32,
            invited_by=lead,
            # Two at each instant.
            invited_at=now + timedelta(microseconds=number // 2),
            expires_at=now,
        )
    return Invitation.objects.annotate(
        short=Case(When(name="Ani", then=Value(True)), default=False, output_field=BooleanField())
    )


@pytest.mark.parametrize(
    "order",
    [
        ("-pk",),
        ("name", "pk"),
        ("-name", "pk"),
        ("invited_at", "-pk"),
        ("-short", "name", "pk"),
        ("short", "-invited_at", "-pk"),
        ("invited_by__name", "-invited_at", "pk"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 7])
def test_every_row_once_in_its_order(rows, order, size):
    seen, after = [], ""
    while True:
        found = page(rows, order, after=after, size=size)
        assert found.later == bool(after)
        seen += found.rows
        after = found.after
        if not after:
            break
    assert [one.pk for one in seen] == [one.pk for one in rows.order_by(*order)]


@pytest.mark.parametrize(
    "after",
    [
        "x",
        "1",
        "~",
        "1~2~3",
        "2026-11-22~1",
        "2026-11-22T07:00:00~1",
        "0001-01-01T00:00:00+14:00~1",
        "2026-11-22T07:00:00+00:00~99999999999999999999",
        "2026-11-22T07:00:00+00:00~²",
        "2026-11-22T07:00:00+00:00~-1",
    ],
)
def test_what_is_no_key_asks_for_the_first_page(rows, after):
    found = page(rows, ("invited_at", "pk"), after=after, size=3)
    assert len(found.rows) == 3 and not found.later


def test_a_nul_reaches_no_database(rows):
    assert page(rows, ("name", "pk"), after="%00~1", size=3).rows


def test_a_page_that_emptied_is_the_first_one_again(rows):
    found = page(rows, after="1", size=3)
    assert len(found.rows) == 3 and found.after and not found.later


def test_rows_that_are_at_hand_page_alike():
    seen, after = [], ""
    while True:
        found = within(range(7), str, after=after, size=3)
        assert found.later == bool(after)
        seen += found.rows
        after = found.after
        if not after:
            break
    assert seen == list(range(7))
    assert within(range(7), str, after="gone", size=3).rows == [0, 1, 2]
