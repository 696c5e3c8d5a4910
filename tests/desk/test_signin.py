"""Sign-in: nobody signs up, a guesser is locked out, an office is not."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def attempt(client: Client, email: str, password: str):
    return client.post("/masuk/login/", {"login": email, "password": password})


def test_sign_in_opens_the_desk(client, member):
    person = member("lead")
    answer = attempt(client, person.email.upper(), PASSWORD)
    assert (answer.status_code, answer.url) == (302, "/")


def test_nobody_signs_up(client):
    answer = client.get("/masuk/signup/")
    assert "undang" in answer.content.decode()
    client.post(
        "/masuk/signup/", {"email": "a@b.test", "password1": PASSWORD, "password2": PASSWORD}
    )
    assert "_auth_user_id" not in client.session


def test_a_guesser_is_locked_out_but_not_the_office(client, member):
    one, two = member("lead"), member("editor")
    answers = [attempt(client, one.email, "salah").status_code for _ in range(10)]
    assert answers[:9] == [200] * 9
    locked = attempt(client, one.email, PASSWORD)
    assert locked.status_code == 429
    assert "30 menit" in locked.content.decode()
    # The same address, another name: comes in.
    assert attempt(client, two.email, PASSWORD).status_code == 302


def test_a_wrong_password_keeps_the_name(client, member):
    person = member("lead")
    html = attempt(client, person.email, "salah").content.decode()
    assert f'value="{person.email}"' in html


def test_security_pages_ask_again_first(client, member):
    person = member("lead")
    attempt(client, person.email, PASSWORD)
    assert client.get("/masuk/kunci/").status_code == 200
    asked = client.get("/masuk/kunci/totp/activate/")
    assert asked.url.startswith("/masuk/reauthenticate/")
    client.post(asked.url, {"password": PASSWORD})
    html = client.get("/masuk/kunci/totp/activate/").content.decode()
    assert "data:image/svg+xml" in html
