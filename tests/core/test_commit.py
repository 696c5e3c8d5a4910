"""Tests that commit leave nothing behind, though the product's roles may not empty a table."""

from __future__ import annotations

from datetime import date

import pytest

from tanggap.core.models import Agency, DayOverride

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("turn", [1, 2])
def test_tables_are_empty_at_the_start(agency, turn):
    assert Agency.objects.count() == 2
    DayOverride.objects.create(agency=agency, day=date(2026, 1, 1), working=True, reason="x")
