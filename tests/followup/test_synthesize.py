"""Counts add up, originals stay, a second person compares."""

from __future__ import annotations

import random

import pytest
from django.db import DatabaseError, transaction
from django.utils.translation import override
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tanggap.core.errors import Refused
from tanggap.execution.followup import named_groups, synthesize
from tanggap.execution.followup.models import Finding, FindingItem
from tanggap.execution.followup.synthesize import Group
from tanggap.language import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def items(town):
    return town.items(12)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 3), min_size=12, max_size=12), st.randoms())
def test_the_groups_always_add_up(town, items, places, chance: random.Random):
    """Whatever is placed where, and however often it is moved."""
    with transaction.atomic():
        groups = [
            Group(f"g{n}", items=[one for one, at in zip(items, places, strict=True) if at == n])
            for n in range(3)
        ]
        finding = synthesize.write("Jembatan", items, groups, by=town.sari, now=town.now)
        every = list(finding.groups.all())
        for _ in range(5):
            some = chance.sample([one.pk for one in items], 3)
            synthesize.place(finding, some, chance.choice(every), by=town.sari, now=town.now)
        synthesize.remove_group(
            next(one for one in every if not one.rest), by=town.sari, now=town.now
        )
        assert sum(group.lines.count() for group in finding.groups.all()) == 12
        assert synthesize.adds_up(finding)
        transaction.set_rollback(True)


def finding_of(town, items) -> Finding:
    return synthesize.write(
        "Jembatan Cikaret",
        items,
        [Group("Anak sekolah", "Anak sekolah memutar 7 km.", items[:8], items[:2])],
        by=town.sari,
        now=town.now,
    )


def test_an_item_in_two_groups_is_refused(town, items):
    with pytest.raises(Refused):
        synthesize.write(
            "x",
            items,
            [Group("a", items=items[:2]), Group("b", items=items[1:3])],
            by=town.sari,
            now=town.now,
        )
    assert not Finding.objects.exists()


def test_what_fits_nowhere_stands_in_the_rest(town, items):
    finding = finding_of(town, items)
    assert finding.items_total == 12
    assert finding.groups.get(rest=True).lines.count() == 4
    assert set(
        finding.groups.get(rest=False).lines.filter(quoted=True).values_list("item", flat=True)
    ) == {items[0].pk, items[1].pk}


def test_originals_are_not_touched(town, items):
    before = {one.pk: one.text for one in items}
    finding = finding_of(town, items)
    for line in finding.lines.select_related("item"):
        assert line.item.text == before[line.item_id]


def test_a_second_person_compares(town, items):
    finding = finding_of(town, items)
    with pytest.raises(Refused):
        synthesize.check(finding, by=town.sari, now=town.now)
    synthesize.check(finding, by=town.dimas, now=town.now)
    assert finding.checked_by == town.dimas
    with pytest.raises(Refused):
        synthesize.place(
            finding, [items[0].pk], finding.groups.get(rest=True), by=town.sari, now=town.now
        )


def test_the_database_lets_no_checked_finding_change(town, items):
    finding = finding_of(town, items)
    synthesize.check(finding, by=town.dimas, now=town.now)
    with pytest.raises(DatabaseError), transaction.atomic():
        FindingItem.objects.filter(finding=finding).first().delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        Finding.objects.filter(pk=finding.pk).update(items_total=99)


def test_the_database_refuses_a_count_that_does_not_add_up(town, items):
    finding = finding_of(town, items)
    FindingItem.objects.filter(finding=finding, item=items[0]).delete()
    with pytest.raises(Refused):
        synthesize.check(finding, by=town.dimas, now=town.now)
    from tanggap.archive.move import move

    with pytest.raises(DatabaseError), transaction.atomic():
        move(finding, "checked", by=town.dimas, now=town.now, checked_by=town.dimas)


def test_a_sentence_without_originals_is_refused(town, items):
    finding = finding_of(town, items)
    empty = synthesize.add_group(finding, "Kosong", by=town.sari, now=town.now)
    with pytest.raises(Refused):
        synthesize.say(empty, "Warga marah.", quoted=[], by=town.sari, now=town.now)
    with pytest.raises(Refused):
        synthesize.check(finding, by=town.dimas, now=town.now)


def test_the_rules_of_language_propose_groups(town, items):
    with override("id"):
        proposed = synthesize.proposal(items, ["Cikaret"])
    assert len(proposed[0].items) == 12
    assert proposed[0].name == "Jembatan rusak, Cikaret"


def test_whatever_language_knows_has_a_name():
    known = words.data("events")
    assert set(known["objects"]) == set(named_groups.THINGS)
    assert set(known["events"]) == set(named_groups.HAPPENED)
