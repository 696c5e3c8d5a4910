"""Connecting: the app registers itself, the officer agrees in the browser, secrets are versions."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from tanggap.accounts import connect, limits, pause, verify
from tanggap.accounts.models import Account, App, Bucket, Connecting, Credential
from tanggap.channels.base import Rate
from tanggap.core import http
from tanggap.core.errors import Refused
from tanggap.execution.publishing.models import Delivery

pytestmark = pytest.mark.django_db
BACK = "http://localhost:8000/akun/kembali/"


def begin(account, person, clock) -> str:
    address = connect.begin(account, redirect_uri=BACK, by=person, now=clock)
    return parse_qs(urlsplit(address).query)["state"][0]


def test_the_whole_way_in_the_browser(account, member, mastodon_fake, clock):
    person = member("lead")
    state = begin(account, person, clock)
    done = connect.finish(
        state=state, code=mastodon_fake.code, redirect_uri=BACK, by=person, now=clock
    )
    assert (done.state, done.remote_id) == ("connected", mastodon_fake.me.id)
    assert done.limits["max_text"] == 500 and connect.limits(done).max_text == 500
    assert connect.credentials(done)["access_token"] == mastodon_fake.token
    assert mastodon_fake.verifier, "PKCE was used"
    for row in (*Credential.objects.all(), *App.objects.all()):
        assert mastodon_fake.token.encode() not in bytes(row.sealed)
        assert mastodon_fake.client_secret.encode() not in bytes(row.sealed)
    begin(account, person, clock)
    assert mastodon_fake.count("POST", "/api/v1/apps") == 1, "known to the server once"


def test_the_answer_counts_once_for_one_person_and_not_for_long(
    account, member, mastodon_fake, clock
):
    person, stranger = member("lead"), member("operator")
    state = begin(account, person, clock)
    answer = {"code": mastodon_fake.code, "redirect_uri": BACK}
    for wrong in (
        {"state": "x", "by": person, "now": clock},
        {"state": state, "by": stranger, "now": clock},
        {"state": state, "by": person, "now": clock + timedelta(minutes=31)},
    ):
        with pytest.raises(Refused):
            connect.finish(**answer, **wrong)
    connect.finish(state=state, by=person, now=clock, **answer)
    with pytest.raises(Refused):
        connect.finish(state=state, by=person, now=clock, **answer)
    assert Connecting.objects.get().used_at is not None


def test_a_no_at_the_network_is_a_sentence(account, member, mastodon_fake, clock):
    person = member("lead")
    for code in ("", "kode-salah"):
        state = begin(account, person, clock)
        with pytest.raises(Refused) as refusal:
            connect.finish(state=state, code=code, redirect_uri=BACK, by=person, now=clock)
        assert refusal.value.why and refusal.value.next
    assert not Credential.objects.exists()


def test_a_private_server_is_not_asked_and_the_operator_is_told_how(
    account, member, mastodon_fake, clock
):
    http.configure()
    with pytest.raises(Refused) as refusal:
        begin(account, member("lead"), clock)
    assert f"127.0.0.1:{mastodon_fake.port}" in refusal.value.next
    assert refusal.value.field == "server"
    assert not mastodon_fake.count("POST", "/api/v1/apps")


def test_somebody_elses_account_is_refused(account, member, mastodon_fake, clock):
    Account.objects.update(handle="dinaspu")
    account.refresh_from_db()
    with pytest.raises(Refused, match="dinaspu"):
        connect.connect(
            account, {"access_token": mastodon_fake.token}, by=member("lead"), now=clock
        )
    assert not Credential.objects.exists()


def test_an_empty_value_never_blanks_a_secret(account, member, clock):
    person = member("lead")
    connect.keep(account, {"access_token": "a", "refresh_token": "r"}, by=person, now=clock)
    connect.keep(account, {"access_token": "b", "refresh_token": ""}, by=person, now=clock)
    found = connect.credentials(account)
    assert (found["access_token"], found["refresh_token"]) == ("b", "r")
    assert (
        Credential.objects.count() == 2
        and Credential.objects.filter(superseded_at=None).count() == 1
    )


@pytest.mark.parametrize("status", [400, 401, 403])
def test_only_a_word_about_credentials_pauses(scene, status):
    scene.server.token = "lain"
    scene.server.knobs.bad_token_status = status
    assert verify.check(scene.account, now=scene.now) == "credentials"
    account = Account.objects.get()
    assert (account.state, account.paused_code) == (
        "paused",
        "credentials",
    ) and account.paused_reason
    with pytest.raises(Refused):
        pause.resume(account, by=scene.editor, now=scene.now)
    again = connect.connect(account, {"access_token": "lain"}, by=scene.editor, now=scene.now)
    assert (again.state, again.paused_code, again.paused_reason) == ("connected", "", "")


def test_silence_never_pauses(scene):
    scene.server.http.shutdown()
    scene.server.http.server_close()
    assert verify.check(scene.account, now=scene.now) == "silent"
    account = Account.objects.get()
    assert account.state == "connected" and account.trouble == "silent"


def test_the_daily_look_takes_new_limits(scene):
    scene.server.knobs.max_characters = 1200
    assert verify.tick(scene.now) == 0, "connected just now"
    later = scene.now + timedelta(days=1, minutes=1)
    assert verify.tick(later) == 1 and verify.tick(later) == 0
    assert Account.objects.get().limits["max_text"] == 1200


def test_a_person_pauses_and_resumes(scene):
    row = scene.post("Menunggu")
    pause.pause(scene.account, reason="Serah terima", by=scene.editor, now=scene.now)
    scene.send()
    assert scene.state(row) == "queued" and scene.said() == 0
    pause.resume(Account.objects.get(), by=scene.editor, now=scene.now)
    scene.send()
    assert scene.state(row) == "published"


def test_the_bucket_follows_the_network(scene):
    now = scene.now
    limits.seed(scene.account, Rate("posts", 2, 300, now + timedelta(minutes=5)), now)
    assert [limits.take(scene.account, "posts", now) for _ in range(3)] == [True, True, False]
    assert limits.free_at(scene.account, "posts", now) == now + timedelta(minutes=5)
    assert limits.take(scene.account, "posts", now + timedelta(minutes=5))
    assert limits.take(scene.account, "media", now), "nothing said, nothing limited"
    limits.block(scene.account, "posts", now + timedelta(hours=1), now)
    assert not limits.take(scene.account, "posts", now + timedelta(minutes=59))
    assert limits.take(scene.account, "posts", now + timedelta(hours=1))


def test_a_network_that_refuses_once_and_names_no_limit_is_not_held_to_one_request(scene):
    """The deliver bench found it: such a bucket let one post go in five minutes, for ever."""
    until = scene.now + timedelta(seconds=30)
    limits.block(scene.account, "posts", until, scene.now)
    assert not limits.take(scene.account, "posts", scene.now)
    assert all(limits.take(scene.account, "posts", until) for _ in range(40))


def test_an_empty_bucket_keeps_the_queue_waiting(scene):
    row = scene.post("Nanti")
    limits.seed(scene.account, Rate("posts", 0, 300, scene.now + timedelta(seconds=90)), scene.now)
    scene.send()
    assert scene.state(row) == "ready" and scene.said() == 0 and row.tries == 0
    scene.pass_(91)
    scene.send()
    assert scene.state(row) == "published"
    assert Bucket.objects.get(scope="posts").tokens == 250, "as the answer's header says"


def test_keys_are_rotated(scene):
    from tanggap.core import secrets

    old = Credential.objects.get(superseded_at=None).key_id
    secrets.rotate()
    assert connect.reseal(scene.now) == 1
    assert Credential.objects.get(superseded_at=None).key_id != old
    assert connect.credentials(scene.account)["access_token"] == scene.server.token


# --- on screen ------------------------------------------------------------------------------------


@pytest.fixture
def web(client, member, settings):
    settings.PUBLIC_URL = "http://testserver"
    client.force_login(member("operator"), backend="django.contrib.auth.backends.ModelBackend")
    return client


def text(response) -> str:
    return " ".join(response.content.decode().split())


def test_register_then_connect_in_the_browser(web, member, agency, mastodon_fake, account):
    account.delete()
    people = [member("lead"), member("editor")]
    form = {
        "place": "mastodon",
        "server": mastodon_fake.url,
        "display_name": "Diskominfo",
        "handle": "@diskominfo",
        "kind": "institution",
        "owner_unit": agency.pk,
        "decree_number": "SK/7/2026",
        "recovery_contact": "0811",
        "custodian_1": people[0].pk,
        "custodian_2": people[0].pk,
        "listed": "on",
    }
    wrong = web.post(reverse("desk:accounts-new"), form)
    assert wrong.status_code == 422 and 'value="SK/7/2026"' in text(wrong)
    assert "Pilih dua orang yang berbeda" in text(wrong)
    done = web.post(reverse("desk:accounts-new"), {**form, "custodian_2": people[1].pk})
    row = Account.objects.get()
    assert done["Location"] == reverse("desk:accounts-connect", args=[row.pk])
    page = web.post(done["Location"], {"way": "browser"})
    assert page.status_code == 200 and page.context["address"].startswith(mastodon_fake.url)
    state = parse_qs(urlsplit(page.context["address"]).query)["state"][0]
    back = web.get(reverse("desk:accounts-callback"), {"state": state, "code": mastodon_fake.code})
    assert back["Location"] == reverse("desk:accounts-one", args=[row.pk])
    row.refresh_from_db()
    assert row.state == "connected"
    again = web.get(reverse("desk:accounts-callback"), {"state": state, "code": "x"})
    assert again.status_code == 422 and "sudah pernah dipakai" in text(again)


def test_the_pages_of_an_account(web, scene):
    scene.post("Antre")
    one = reverse("desk:accounts-one", args=[scene.account.pk])
    for address in (
        one,
        reverse("desk:accounts-list"),
        reverse("desk:accounts-list") + "?state=paused",
        reverse("desk:accounts-list") + "?q=disk",
        reverse("desk:accounts-connect", args=[scene.account.pk]),
        reverse("desk:accounts-edit", args=[scene.account.pk]),
    ):
        page = web.get(address)
        assert page.status_code == 200 and len(page.content) < 100_000
    empty = web.post(reverse("desk:accounts-pause", args=[scene.account.pk]), {"pause-reason": ""})
    assert empty.status_code == 422
    web.post(reverse("desk:accounts-pause", args=[scene.account.pk]), {"pause-reason": "Audit"})
    assert "Audit" in text(web.get(one)) and "1 tayangan menunggu" in text(web.get(one))
    assert "Akun yang dijeda" in text(web.get(reverse("desk:today")))
    web.post(reverse("desk:accounts-resume", args=[scene.account.pk]))
    scene.server.token = "lain"
    page = web.post(reverse("desk:accounts-verify", args=[scene.account.pk]), follow=True)
    assert "tidak menerima izin akses" in text(page)
    assert "1 akun terputus" in text(web.get(reverse("desk:today")))
    assert Delivery.objects.get().state == "queued"


def test_a_bad_token_is_explained_and_the_page_stays(web, account):
    page = web.post(
        reverse("desk:accounts-connect", args=[account.pk]),
        {"way": "token", "access_token": "salah"},
    )
    assert page.status_code == 422 and "Kata jejaring" in text(page)
    Account.objects.update(server="https://tidak-ada.invalid")
    page = web.post(reverse("desk:accounts-connect", args=[account.pk]), {"way": "browser"})
    assert page.status_code == 422 and "Tidak ada server yang menjawab" in text(page)


def test_another_agency_reaches_nothing(client, member, other, scene):
    client.force_login(
        member("operator", agency=other), backend="django.contrib.auth.backends.ModelBackend"
    )
    for name in ("one", "edit", "connect"):
        assert (
            client.get(reverse(f"desk:accounts-{name}", args=[scene.account.pk])).status_code == 404
        )
    for name in ("verify", "pause", "resume", "retire", "connect"):
        assert (
            client.post(
                reverse(f"desk:accounts-{name}", args=[scene.account.pk]),
                {"pause-reason": "x", "retire-reason": "x"},
            ).status_code
            == 404
        )
    assert Account.objects.get().state == "connected"
