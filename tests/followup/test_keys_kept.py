"""A citizen's private key leaves in one message and stands in clear nowhere."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection

from tanggap.archive import payload
from tanggap.execution.followup import keys
from tanggap.execution.followup.models import Contributor
from tanggap.execution.inbox.people import person_key
from tanggap.execution.publishing.models import Delivery

pytestmark = pytest.mark.django_db


def everything() -> str:
    """Each row of each of our tables, as the database would print it."""
    tables = [
        model._meta.db_table
        for model in apps.get_models()
        if model.__module__.startswith("tanggap.")
    ]
    with connection.cursor() as cursor:
        found = []
        for table in tables:
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" AS t')
            found += [row for (row,) in cursor.fetchall()]
    return "\n".join(found)


def sent_key(town) -> str:
    private = [one for one in town.scene.server.posts if one["visibility"] == "direct"]
    assert len(private) == 1
    return re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2}", private[0]["text"]).group()


def test_the_key_is_sent_and_no_row_holds_it(town):
    case = town.case(1, tell=True)
    town.scene.rounds(3, 20)
    key = sent_key(town)
    who = Contributor.objects.get(case=case)
    assert keys.hash_key(key) == bytes(who.key_hash)
    kept = everything()
    assert case.number in kept
    assert key not in kept and key.replace("-", "") not in kept


@pytest.mark.parametrize("fault", ["accept_500", "accept_reset"])
def test_it_is_found_again_by_its_words_when_the_answer_was_lost(town, fault):
    case = town.case(1)
    Delivery.objects.filter(kind="reply").update(due_at=town.now + timedelta(days=9))
    secret = Contributor.objects.get(case=case).key_delivery
    town.scene.server.knobs.next_post = fault
    town.scene.rounds(4, 20)
    assert town.scene.state(secret) == "published"
    assert "confirm:posted" in town.scene.outcomes(secret)
    assert len([one for one in town.scene.server.posts if one["visibility"] == "direct"]) == 1


def test_whoever_was_erased_is_sent_nothing_more(town):
    case = town.case(1)
    who = Contributor.objects.select_related("author").get(case=case)
    subject = person_key(who.author.account_id, who.author.remote_id)
    payload.erase(case.agency, subject, by=town.lead, now=town.now, reason="request")
    town.scene.rounds(3, 20)
    assert town.scene.state(who.key_delivery) == "failed"
    assert not [one for one in town.scene.server.posts if one["visibility"] == "direct"]


def test_another_key_than_the_approved_one_is_never_filled_in(town):
    first, second = town.case(1), town.case(1)
    mine, other = (Contributor.objects.get(case=one).key_delivery for one in (first, second))
    Delivery.objects.filter(pk=mine.pk).update(
        content={**mine.content, "sealed": other.content["sealed"]}
    )
    town.scene.rounds(3, 20)
    assert town.scene.state(mine) == "failed"
    assert town.scene.state(other) == "published"
    assert len([one for one in town.scene.server.posts if one["visibility"] == "direct"]) == 1
