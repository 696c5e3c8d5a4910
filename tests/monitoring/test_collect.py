"""Numbers at set ages: absent is absent, a failure is told, nothing is measured twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tanggap.accounts import limits
from tanggap.accounts.models import Account
from tanggap.monitoring import collect
from tanggap.monitoring.models import Collection, Measurement

pytestmark = pytest.mark.django_db


@pytest.fixture
def published(scene):
    row = scene.post("Imunisasi campak besok.")
    scene.rounds(3, step=1)
    assert scene.state(row) == "published"
    return row


def hours(scene, count):
    scene.pass_(count * 3600)


def found(row):
    return {
        (one.metric, one.age_h): int(one.value) for one in Measurement.objects.filter(delivery=row)
    }


def test_nothing_before_the_first_age(scene, published):
    assert collect.tick(scene.now) == 0
    assert Collection.objects.get(delivery=published).next_age_h == 1
    assert not found(published)


def test_numbers_at_the_set_ages(scene, published):
    hours(scene, 1.1)
    assert collect.tick(scene.now) == 1
    assert found(published) == {("replies", 1): 0, ("reblogs", 1): 2, ("favourites", 1): 3}
    assert collect.tick(scene.now) == 0
    hours(scene, 24)
    assert collect.tick(scene.now) == 1
    assert ("reblogs", 24) in found(published)
    hours(scene, 24 * 40)
    collect.tick(scene.now)
    # A network that was not asked at 168 hours does not get a later number under that name.
    assert {age for _name, age in found(published)} == {1, 24, 720}
    assert Collection.objects.get(delivery=published).next_at is None


def test_what_the_network_does_not_give_is_absent(scene, published):
    scene.server.knobs.metrics = ("favourites",)
    hours(scene, 2)
    collect.tick(scene.now)
    assert set(found(published)) == {("favourites", 1)}


def test_a_silent_network_is_told_and_asked_again(scene, published):
    hours(scene, 2)
    url = scene.account.server
    Account.objects.filter(pk=scene.account.pk).update(server="http://127.0.0.1:9")
    assert collect.tick(scene.now) == 0
    row = Collection.objects.get(delivery=published)
    assert row.failures == 1
    assert row.failed_code
    assert row.next_at == scene.now + timedelta(minutes=5)
    assert not found(published)
    Account.objects.filter(pk=scene.account.pk).update(server=url)
    scene.pass_(301)
    assert collect.tick(scene.now) == 1
    assert Collection.objects.get(delivery=published).failed_code == ""


def test_a_spent_limit_waits_and_asks_nothing(scene, published):
    hours(scene, 2)
    until = scene.now + timedelta(minutes=7)
    limits.block(scene.account, "reads", until, scene.now)
    asked = len(scene.server.requests)
    assert collect.tick(scene.now) == 0
    assert len(scene.server.requests) == asked
    assert Collection.objects.get(delivery=published).next_at == until


def test_a_removed_post_is_asked_no_more(scene, published):
    hours(scene, 2)
    scene.server.statuses.clear()
    collect.tick(scene.now)
    row = Collection.objects.get(delivery=published)
    assert (row.next_at, row.failed_code) == (None, "gone")


def test_refused_credentials_pause_the_account(scene, published):
    hours(scene, 2)
    scene.server.token = "another"
    collect.tick(scene.now)
    assert Account.objects.get(pk=scene.account.pk).state == "paused"
    assert not found(published)
