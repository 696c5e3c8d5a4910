"""A network whose sessions end: connected by an app password, carried on by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from tanggap.accounts import connect, verify
from tanggap.accounts.models import Account, Credential
from tanggap.archive.models import Record
from tanggap.channels.base import Draft, Ready
from tanggap.channels.errors import NotAuthorised
from tanggap.core import http
from tanggap.execution.inbox import listen
from tanggap.execution.inbox.models import Item
from tests.fakes.bluesky_server import BlueskyServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(agency, member, bluesky_fake, clock, client, settings) -> Account:
    """Registered and connected by the officer, through the pages."""
    settings.SECOND_FACTOR = False
    http.configure(private_hosts=[f"127.0.0.1:{bluesky_fake.port}"])
    lead, operator = member("lead"), member("operator")
    client.force_login(lead, backend="django.contrib.auth.backends.ModelBackend")
    page = client.post(
        reverse("desk:accounts-new"),
        {
            "place": "bluesky",
            "server": bluesky_fake.url,
            "kind": "institution",
            "handle": "@diskominfo.lumbung.example",
            "display_name": "Diskominfo",
            "owner_unit": agency.pk,
            "decree_number": "SK/12/2026",
            "recovery_contact": "kominfo@lumbung.test",
            "custodian_1": lead.pk,
            "custodian_2": operator.pk,
        },
    )
    row = Account.objects.get()
    assert page.status_code == 302 and page.url.endswith(f"/{row.pk}/sambung/")
    shown = client.get(page.url).content.decode()
    assert "Sandi aplikasi" in shown and 'name="app_password"' in shown
    assert 'name="handle"' not in shown and "127.0.0.1" in shown
    done = client.post(page.url, {"way": "token", "app_password": bluesky_fake.password})
    assert done.status_code == 302
    row.refresh_from_db()
    return row


def test_the_officer_types_an_app_password(account: Account, bluesky_fake: BlueskyServer) -> None:
    assert (account.state, account.remote_id) == ("connected", bluesky_fake.me.did)
    assert connect.limits(account).max_bytes == 3000
    secret = bytes(Credential.objects.get().sealed)
    assert bluesky_fake.password.encode() not in secret
    assert bluesky_fake.count("com.atproto.server.createSession") == 1


def test_a_wrong_password_is_said_and_nothing_is_kept(
    account: Account, client, bluesky_fake: BlueskyServer
) -> None:
    before = Credential.objects.count()
    page = client.post(
        reverse("desk:accounts-connect", args=[account.pk]),
        {"way": "token", "app_password": "salah"},
    )
    assert page.status_code == 422 and "Invalid identifier or password" in page.content.decode()
    assert Credential.objects.count() == before


def test_a_server_that_is_left_empty_is_the_usual_one(account: Account, client, member) -> None:
    form = {
        "place": "bluesky",
        "kind": "institution",
        "handle": "lain.lumbung.example",
        "display_name": "Lain",
        "owner_unit": account.owner_unit_id,
        "decree_number": "SK/13/2026",
        "recovery_contact": "kominfo@lumbung.test",
        "custodian_1": member("lead").pk,
        "custodian_2": member("operator").pk,
    }
    page = client.post(reverse("desk:accounts-new"), form)
    assert page.status_code == 302
    assert Account.objects.get(handle="lain.lumbung.example").server == "https://bsky.social"
    page = client.post(reverse("desk:accounts-new"), {**form, "place": "mastodon", "handle": "a"})
    assert page.status_code == 422, "that network has no usual server"


def test_a_session_is_renewed_at_half_of_its_life(
    account: Account, bluesky_fake: BlueskyServer, clock
) -> None:
    versions, records = Credential.objects.count(), Record.objects.count()
    first = connect.credentials(account)
    assert connect.in_force(account, clock + timedelta(minutes=50)) == first
    later = clock + timedelta(minutes=70)
    fresh = connect.in_force(account, later)
    assert fresh["access_jwt"] != first["access_jwt"]
    assert connect.credentials(account) == fresh and fresh["app_password"]
    assert connect.in_force(account, later + timedelta(minutes=5)) == fresh
    assert bluesky_fake.count("com.atproto.server.refreshSession") == 1
    assert bluesky_fake.count("com.atproto.server.createSession") == 1
    assert (Credential.objects.count(), Record.objects.count()) == (versions, records)


def test_listening_and_sending_go_through_a_renewed_session(
    account: Account, bluesky_fake: BlueskyServer, clock
) -> None:
    later = clock + timedelta(hours=5)
    bluesky_fake.says("siti.example", "@diskominfo.lumbung.example lampu mati")
    assert listen.pull(account, later).new == 1
    assert Item.objects.get().text.endswith("lampu mati")
    opened = connect.channel(account, later)
    opened.publish(Ready(Draft("Halo")), "k")
    assert len(bluesky_fake.posts()) == 1


def test_only_the_network_s_no_pauses(account: Account, bluesky_fake: BlueskyServer, clock) -> None:
    later = clock + timedelta(hours=5)
    bluesky_fake.knobs.limited = True
    assert verify.check(account, now=later) == "silent"
    bluesky_fake.knobs.limited = False
    bluesky_fake.knobs.refresh_refused = "ExpiredToken"
    assert verify.check(account, now=later) == "", "a new session by the app password"
    bluesky_fake.password = "dicabut"
    with pytest.raises(NotAuthorised):
        connect.channel(account, later + timedelta(hours=5))
    assert verify.check(account, now=later + timedelta(hours=5)) == "credentials"
    account.refresh_from_db()
    assert (account.state, account.paused_code) == ("paused", "credentials")
