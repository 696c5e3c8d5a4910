"""`tanggap doctor`: one sentence about each thing, and what to do where it is not well."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from django.db import connection

from tanggap import doctor
from tanggap.execution.publishing import start

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_files(tmp_path, settings):
    settings.HOME = tmp_path
    settings.KEY_FILE = tmp_path / "keys.json"


def said(part: str) -> doctor.Finding:
    (found,) = [finding for finding in doctor.examine() if part in finding.text]
    return found


def wake(seconds_ago: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_periodic_defers (task_name, defer_timestamp)"
            " VALUES ('t', %s)",
            [int(time.time()) - seconds_ago],
        )


def test_a_silent_worker_is_told():
    assert not said("No worker has run here").well
    wake(900)
    assert not said("The worker last ran 90").well
    wake(1)
    assert said("The worker is at work").well


def test_nobody_who_can_sign_in(member):
    assert not said("tanggap admin create").well
    member("lead")
    assert said("1 people can sign in").well


def test_a_copied_installation_is_told(settings, tmp_path):
    start.here(datetime.now(UTC))
    assert said("Sending is on").well
    settings.HOME = tmp_path / "copy"
    start.here(datetime.now(UTC))
    assert not said("Sending is off (copied)").well


def test_a_key_file_that_others_can_read(settings):
    settings.KEY_FILE.write_text("{}")
    settings.KEY_FILE.chmod(0o640)
    assert "chmod 600" in said("keys of credentials").text
    settings.KEY_FILE.chmod(0o600)
    assert said("keys of credentials").well


def test_mail_that_is_only_printed_matters_on_a_public_address(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert said("E-mail is printed").well
    settings.PUBLIC_URL = "https://medsos.example.go.id"
    assert not said("E-mail is printed").well
