"""The practice world holds together, and nobody in it is real."""

from __future__ import annotations

import json
import re
from datetime import date

from tanggap.channels.manual.presets import PRESETS
from tanggap.core.roles import ROLES
from tanggap.practice import world

BRIDGE = [said for said in world.messages() if said.expected.group == "jembatan"]
UNITS = {unit["slug"] for unit in world.read("agency")["units"]}


def test_forty_people_report_one_bridge_in_forty_wordings():
    assert len(BRIDGE) == 40
    assert len({said.citizen for said in BRIDGE}) == 40
    assert len({re.sub(r"\W+", "", said.text.lower()) for said in BRIDGE}) == 40
    assert {"id", "jv", "su", "mix"} == {said.language for said in BRIDGE}


def test_some_sixty_citizens_write_in_order():
    said = world.messages()
    assert 55 <= len({one.citizen for one in said}) == len(said) <= 70
    assert [one.at for one in said] == sorted(one.at for one in said)
    assert all(re.fullmatch(r"[a-z0-9_]{2,30}", one.citizen) for one in said)
    assert {one.expected.kind for one in said} >= {
        "service_question",
        "complaint",
        "rumour",
        "criticism",
        "integrity",
        "thanks",
        "spam",
    }
    assert all(one.expected.unit in UNITS | {""} for one in said)
    assert [one.id for one in said if one.edit_text] == ["w25"]
    # Room for "@pemkab " in front; the network counts 500.
    assert all(len(one.text) <= 480 for one in said)


def test_marked_personal_data_is_in_the_text():
    marked = [(one, words) for one in world.messages() for _, words in one.expected.pii]
    assert len(marked) == 3
    assert all(words in one.text for one, words in marked)


def test_the_plan_the_calendar_and_the_posts_point_at_each_other():
    plan, keys = world.read("plan"), {post["key"] for post in world.read("posts")}
    objectives = {objective["key"] for objective in plan["objectives"]}
    segments = {segment["name"] for segment in plan["segments"]}
    activities = {activity["key"]: activity for activity in world.read("activities")}
    assert all(set(objective["segments"]) <= segments for objective in plan["objectives"])
    assert all(one["objective"] in objectives for one in activities.values())
    assert all(set(one["segments"]) <= segments for one in activities.values())
    assert all(post["activity"] in activities for post in world.read("posts"))
    assert {said.to for said in world.messages()} <= keys | {""}
    assert all(answer["owner"] in UNITS for answer in world.read("answers"))


def test_the_team_covers_every_role_by_decree():
    team = world.read("agency")["team"]
    assert {person["role"] for person in team} == set(ROLES)
    assert all(person["decree_number"] for person in team)
    citizens = {said.citizen for said in world.messages()}
    later = world.read("followups")
    assert all(one["citizen"] in citizens for group in later.values() for one in group)


def test_every_address_is_one_that_cannot_exist():
    everything = json.dumps(
        [
            world.read(name)
            for name in (
                "agency",
                "plan",
                "activities",
                "house",
                "posts",
                "answers",
                "followups",
                "messages",
            )
        ]
    )
    hosts = re.findall(r"(?:https?://|@)([a-z0-9-]+(?:\.[a-z0-9-]+)+)", everything)
    assert hosts and all(host.endswith(".example") for host in hosts)


def test_dates_are_filled_in():
    posts = {post["key"]: post["text"] for post in world.read("posts")}
    text = world.fill(posts["vaksin"], date(2026, 11, 23))
    assert "24 November–28 November" in text
    assert "Senin 23 November" in world.fill(posts["dukcapil"], date(2026, 11, 23))
    assert all(len(world.fill(post, date(2026, 11, 23))) <= 500 for post in posts.values())


def test_accounts_are_of_channels_that_exist():
    for account in world.read("agency")["accounts"]:
        assert account["channel"] == "mastodon" or account["preset"] in PRESETS
    assert {choice["channel"] for choice in world.read("plan")["channels"]} <= {
        "mastodon",
        *PRESETS,
    }
