"""Forty wordings in three languages are one event; nobody else's message is pulled in."""

from __future__ import annotations

import pytest

from tanggap.language.duplicates import propose_groups
from tanggap.practice import world

PLACES = world.read("agency")["places"]
SAID = [(said.id, said.text) for said in world.messages()]
BRIDGE = {said.id for said in world.messages() if said.expected.group == "jembatan"}


def test_the_forty_are_one_and_nobody_else_is_in_it():
    bridge = [group for group in propose_groups(SAID, PLACES) if group.why.thing == "bridge"]
    assert len(bridge) == 1
    assert set(bridge[0].ids) == BRIDGE
    assert bridge[0].maybe == ()
    assert (bridge[0].why.happened, bridge[0].why.place) == ("broken", "Cikaret")


def test_the_rumour_is_a_group_of_its_own():
    rumours = [group for group in propose_groups(SAID, PLACES) if group.why.thing == "aid"]
    assert [len(group.ids) for group in rumours] == [2]


def test_nothing_else_is_proposed():
    assert len(propose_groups(SAID, PLACES)) == 2


@pytest.mark.parametrize(
    ("text", "joins"),
    [
        ("Jembatan Margasari putus juga, truk tidak bisa lewat", False),
        ("Jembatan Cikaret bagus sekali pemandangannya", False),
        ("Kapan jembatan Cikaret selesai dibangun?", False),
        ("Sinyal di Cikaret putus terus dari tadi", False),
        ("Hubungan saya putus di jembatan hati", False),
        ("JEMBATAN CIKARET AMBROOOOL", True),
        ("jmbatan cikaret pts? eh putus beneran", True),
        ("Kretege neng Cikaret wis ambruk kabeh", True),
        ("Sasak Cikarét tos runtuh, punten enggal dioméan", True),
    ],
)
def test_a_newcomer(text, joins):
    groups = propose_groups([*SAID, ("new", text)], PLACES)
    bridge = next(group for group in groups if group.why.place == "Cikaret")
    assert ("new" in bridge.ids) is joins


def test_without_a_place_it_is_only_maybe():
    groups = propose_groups([*SAID, ("new", "Jembatan kami ambruk, tolong")], PLACES)
    bridge = next(group for group in groups if group.why.place == "Cikaret")
    assert bridge.maybe == ("new",) and "new" not in bridge.ids


def test_two_places_are_two_events():
    items = [
        (1, "jembatan Cikaret ambruk"),
        (2, "kreteg Cikaret ambrol"),
        (3, "jembatan Margasari ambruk"),
        (4, "sasak Margasari rubuh"),
        (5, "jembatan kami ambruk"),
    ]
    groups = propose_groups(items, PLACES)
    assert {group.ids for group in groups if group.why.rule == "event"} == {(1, 2), (3, 4)}
    assert all(group.maybe == () for group in groups)


def test_copies_are_found_whatever_they_say():
    wave = "Slot gacor malam ini bonus new member seratus persen daftar di tautan bio ya kak"
    items = [(number, f"{wave} {number}") for number in range(5)] + [(9, "Matur nuwun sanget")]
    copies = [group for group in propose_groups(items) if group.why.rule == "text"]
    assert [set(group.ids) for group in copies] == [{0, 1, 2, 3, 4}]


def test_nothing_in_nothing_out():
    assert propose_groups([]) == []
    assert propose_groups([(1, ""), (2, ""), (3, "???")]) == []
