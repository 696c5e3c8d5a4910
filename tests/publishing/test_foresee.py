"""A token that was revoked is noticed before the post is due, and Today says so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tanggap.accounts import verify
from tanggap.accounts.models import Account
from tanggap.core.scope import Scope
from tanggap.desk import accounts as desk_accounts
from tanggap.execution.publishing import foresee
from tanggap.execution.publishing.models import Delivery

pytestmark = pytest.mark.django_db


@pytest.fixture
def planned(scene):
    row = scene.post("Upacara besok pagi")
    Delivery.objects.update(due_at=scene.now + timedelta(hours=30))
    # The daily look has just been made.
    Account.objects.update(verified_at=scene.now, check_after=scene.now + timedelta(days=1))
    row.refresh_from_db()
    return row


def looked(scene) -> int:
    foresee.tick(scene.now)
    return verify.tick(scene.now)


def test_a_day_and_an_hour_before_and_no_more(scene, planned):
    asked = []
    for hour in range(31):
        asked += [hour] * looked(scene)
        scene.pass_(3600)
    # 24 and 1 hours before the thirtieth; the daily look fell away in between.
    assert asked == [6, 29], asked


def test_a_bad_token_is_said_on_today_before_the_hour(scene, planned, member):
    scene.server.token = "another"
    scene.pass_(5 * 3600)
    assert looked(scene) == 0
    scene.pass_(3600)
    assert looked(scene) == 1
    account = Account.objects.get()
    assert (account.state, account.paused_code) == ("paused", "credentials")
    lead = member("lead")
    scope = Scope(
        agency=scene.agency,
        person=lead,
        readable=frozenset([scene.agency.pk]),
        writable=frozenset([scene.agency.pk]),
        verbs=frozenset(["account.read", "account.manage", "today"]),
    )
    card = desk_accounts.section(scope, scene.now)
    assert card is not None and account.display_name in str(card.rows[0].title)


def test_a_silent_network_is_not_asked_every_minute(scene, planned):
    scene.server.http.shutdown()
    scene.server.http.server_close()
    scene.pass_(6 * 3600)
    assert looked(scene) == 1
    assert Account.objects.get().state == "connected"
    for _ in range(5):
        scene.pass_(60)
        assert looked(scene) == 0


def test_what_waits_for_nobody_is_left_alone(scene, planned):
    planned.due_at = scene.now + timedelta(days=3)
    planned.save(update_fields=["due_at"])
    assert foresee.tick(scene.now) == 0
