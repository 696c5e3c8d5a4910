"""The two addresses for machines: alive or not, and figures behind a token."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from tanggap.archive import seal
from tanggap.health import beat, doors, metrics
from tests.rules.planting import PERSONAL, plant
from tests.rules.test_walk import as_app

TOKEN = "angka-untuk-prometheus-saja-1"
DOC = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"


@pytest.fixture
def token(settings) -> str:
    settings.METRICS_TOKEN = TOKEN
    return TOKEN


def scrape(token: str = TOKEN) -> str:
    with as_app():
        answer = Client().get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return answer.content.decode()


def samples(text: str) -> dict[str, float]:
    """Every line must be one that Prometheus can read."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            fits = re.fullmatch(r'([a-z_]+(?:\{(?:[a-z]+="[^"\n]*",?)+\})?) (-?[\d.e+]+)', line)
            assert fits, line
            assert fits[1] not in found, f"{fits[1]} comes twice"
            found[fits[1]] = float(fits[2])
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["testserver", "10.0.0.7", "whatever.example"])
def test_alive_whatever_the_host_is_called(host):
    with as_app():
        answer = Client().get("/sehat", headers={"host": host})
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.django_db
def test_not_alive_while_tables_are_missing(monkeypatch):
    monkeypatch.setattr(doors, "_ready", False)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'inbox'")
    answer = Client().get("/sehat/")
    assert (answer.status_code, answer.content) == (503, b"not ok\n")


def test_not_alive_without_a_database(monkeypatch, django_db_blocker):
    from django.db import OperationalError

    def broken(*args: object) -> None:
        raise OperationalError("password=rahasia")

    monkeypatch.setattr(doors, "_ready", True)
    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", broken)
    with django_db_blocker.unblock():
        answer = Client().get("/sehat")
    assert (answer.status_code, answer.content) == (503, b"not ok\n")


@pytest.mark.parametrize(
    "given",
    [{}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}, {"Authorization": TOKEN}],
)
def test_figures_need_the_token(token, given):
    answer = Client().get("/metrics", headers=given)
    assert answer.status_code == 401 and b"tanggap_" not in answer.content


@pytest.mark.parametrize("given", ["", TOKEN])
def test_without_a_token_there_are_no_figures(settings, given):
    settings.METRICS_TOKEN = ""
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {given}"})
    assert answer.status_code == 404


def test_figures_say_what_is_there(scene, token):
    scene.post("Sudah tayang")
    scene.send()
    scene.post("Belum")
    seal.seal(scene.now)
    beat.done("tanggap.archive.seal.seal", 2, took_ms=1500, now=scene.now)
    found = samples(scrape())
    assert found['tanggap_deliveries{state="queued"}'] == 1
    assert found["tanggap_published_last_hour"] == 1
    assert found['tanggap_lateness_seconds{quantile="0.95"}'] < 5
    assert found["tanggap_sending"] == 1
    account = f'agency="lumbung",account="{scene.account.pk}",channel="mastodon"'
    assert found[f"tanggap_account_up{{{account}}}"] == 1
    last = found[f'tanggap_account_last_success_timestamp_seconds{{{account},what="send"}}']
    assert abs(last - scene.now.timestamp()) < 5
    assert found["tanggap_archive_records"] > 3 and found["tanggap_archive_waiting"] == 0
    assert found['tanggap_tick_duration_seconds{tick="tanggap.archive.seal.seal"}'] == 1.5
    assert found["tanggap_database_bytes"] > 1e6


@pytest.mark.django_db
def test_figures_hold_nobodys_words(agency, unit, now, token, tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "media"
    planted = plant(agency, unit, "zkt", now)
    text = scrape()
    shown = [word for word in (*planted.words, *planted.sealed, *PERSONAL) if word in text]
    assert shown == []
    assert 'tanggap_conversations{state="triaged"} 2' in text, "every agency is counted"


@pytest.mark.django_db
def test_every_figure_is_documented(now):
    written = set(re.findall(r"^\| `(tanggap_\w+)", DOC.read_text(), re.M))
    assert written == {one.name for one in metrics.metrics(None, now)}


def test_the_page_says_first_what_must_be_done(scene, member):
    client = Client()
    client.force_login(member("operator"), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("desk:health-list")).content.decode()
    assert "perlu ditangani operator" in page and "Belum ada cadangan." in page
    assert scene.account.display_name in page
