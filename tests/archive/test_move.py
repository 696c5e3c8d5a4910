"""A change that is not on record cannot happen, and a lost race changes nothing."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from tanggap.archive.models import Pending, Record
from tanggap.archive.move import graph, move, move_many
from tanggap.archive.record import leaf_hash
from tanggap.core.errors import Refused, Stale
from tanggap.core.models import Agency
from tanggap.core.states import IllegalMove
from tests.archive.conftest import NOW, as_owner
from tests.archive.things import Thing

pytestmark = pytest.mark.django_db


@pytest.fixture
def thing(agency):
    with as_owner(), connection.schema_editor() as editor:
        editor.create_model(Thing)
    return Thing.objects.create(agency_id=agency.pk)


def test_it_moves_and_is_on_record(thing, person):
    moved = move(thing, "held", by=person, now=NOW, facts={"reason": "crisis"}, note="wait")
    assert moved is thing and (thing.state, thing.note) == ("held", "wait")
    thing.refresh_from_db()
    assert (thing.state, thing.note) == ("held", "wait")
    row = Record.objects.get()
    assert (row.verb, row.actor, row.at) == ("thing.held", f"person:{person.pk}", NOW)
    assert (row.subject_type, row.subject_id) == ("archive_tests.thing", str(thing.pk))
    assert row.facts == {"from": "open", "to": "held", "reason": "crisis"}


def test_a_lost_race_changes_nothing(thing):
    seen_by_another = Thing.objects.get(pk=thing.pk)
    move(thing, "held", by="citizen", now=NOW)
    with pytest.raises(Stale) as refused:
        move(seen_by_another, "done", by="citizen", now=NOW, note="mine")
    assert refused.value.what and refused.value.why and refused.value.next
    assert (seen_by_another.state, seen_by_another.note) == ("open", "")
    assert Thing.objects.get().state == "held" and Record.objects.count() == 1


def test_the_graph_forbids(thing):
    move(thing, "done", by="citizen", now=NOW)
    with pytest.raises(IllegalMove) as refused:
        move(thing, "open", by="citizen", now=NOW)
    assert isinstance(refused.value, Refused) and refused.value.what and refused.value.next
    assert Thing.objects.get().state == "done"


def test_without_a_record_there_is_no_change(thing):
    with pytest.raises(TypeError):
        move(thing, "held", by="citizen", now=NOW, facts={"x": object()}, note="lost")
    assert (thing.state, thing.note) == ("open", "")
    with pytest.raises(DatabaseError), transaction.atomic():
        move(thing, "held", by="x" * 121, now=NOW)
    assert thing.state == "open"
    assert Thing.objects.get().state == "open" and not Record.objects.exists()


def test_an_expression_is_read_back(thing):
    assert move(thing, "held", by="citizen", now=NOW, count=F("count") + 1).count == 1


def test_a_model_without_states():
    with pytest.raises(TypeError, match="declares no STATES"):
        graph(Agency)


def test_many_move_in_one_update(thing, agency, django_assert_num_queries):
    things = [thing, *(Thing.objects.create(agency_id=agency.pk) for _ in range(4))]
    move(things[1], "done", by="citizen", now=NOW)
    ids = [one.pk for one in things]
    # One UPDATE, one INSERT.
    with django_assert_num_queries(2):
        rows = move_many(
            Thing,
            ids,
            "open",
            "held",
            by="system:worker",
            now=NOW,
            facts_of=lambda row: {"count": row.count},
            count=F("count") + 3,
        )
    assert [row.pk for row in rows] == [ids[0], *ids[2:]]
    assert {(row.state, row.count) for row in rows} == {("held", 3)}
    records = Record.objects.filter(verb="thing.held").order_by("pk")
    assert [row.subject_id for row in records] == [str(row.pk) for row in rows]
    assert records[0].facts == {"from": "open", "to": "held", "count": 3}
    assert Pending.objects.count() == 5


def test_many_that_are_known_move_in_one_statement(thing, agency, django_assert_num_queries):
    things = [thing, *(Thing.objects.create(agency_id=agency.pk) for _ in range(3))]
    move(things[1], "done", by="citizen", now=NOW)
    known = {one.pk: (agency.pk, {"place": place}) for place, one in enumerate(things)}
    with django_assert_num_queries(1):
        rows = move_many(
            Thing, list(known), "open", "held", by="system:worker", now=NOW, known=known
        )
    assert [row.pk for row in rows] == [things[0].pk, things[2].pk, things[3].pk]
    assert {row.state for row in rows} == {"held"}
    records = Record.objects.filter(verb="thing.held")
    assert {row.subject_id: row.facts for row in records} == {
        str(things[place].pk): {"from": "open", "to": "held", "place": place} for place in (0, 2, 3)
    }, "what somebody else moved is not on record"
    assert all(bytes(row.leaf_hash) == leaf_hash(row) for row in records)
    assert Pending.objects.count() == 4


def test_many_claimed_by_a_queryset(thing, agency):
    for _ in range(3):
        Thing.objects.create(agency_id=agency.pk)
    due = Thing.objects.filter(state="open").order_by("pk").select_for_update(skip_locked=True)[:2]
    assert len(move_many(Thing, due, "open", "held", by="system:worker", now=NOW)) == 2
    assert Thing.objects.filter(state="open").count() == 2


def test_none_due(thing):
    assert move_many(Thing, [], "open", "held", by="system:worker", now=NOW) == []
    assert move_many(Thing, [-1], "open", "held", by="system:worker", now=NOW) == []


def test_many_obey_the_graph(thing):
    with pytest.raises(IllegalMove):
        move_many(Thing, [thing.pk], "done", "open", by="system:worker", now=NOW)
