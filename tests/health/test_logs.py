"""No secret and no personal data in any line, in either form."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import subprocess
import sys

import pytest
from django.db import IntegrityError, connection, transaction

from tanggap.core import database
from tanggap.core.models import Person
from tanggap.health import logs
from tests.rules.planting import EMAIL, NIK, PERSONAL, PHONE, TOKEN


@pytest.fixture(params=["line", "json"])
def logged(request):
    """logged(): everything that was written so far, in this form."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logs.FORMS[request.param]())
    log = logging.getLogger("tanggap.test")
    log.addHandler(handler)
    log.propagate, log.level = False, logging.INFO
    yield lambda: out.getvalue()
    log.removeHandler(handler)
    log.propagate = True


LOG = logging.getLogger("tanggap.test")
WAYS = [
    f"Warga dengan NIK {NIK} menulis",
    f"hubungi {PHONE} atau {EMAIL}",
    f"Authorization: Bearer {TOKEN}",
    f"GET /api/v1/statuses?access_token={TOKEN}&limit=5",
    f'{{"client_secret": "{TOKEN}", "id": 3}}',
    f"postgresql://tanggap:{TOKEN}@db.example/tanggap",
    f"Not Found: /tindak/{TOKEN}/",
    f"password={TOKEN} host=x",
    f"EMAIL_URL=smtp+tls://user:{TOKEN}@mail.example:587",
    f"Cookie: sessionid={TOKEN}",
    f"3 2 9 9 0 1 4 5 0 7 9 0 0 0 0 1 nik: {NIK}",
]


@pytest.mark.parametrize("said", WAYS)
def test_a_message_that_quotes_them(logged, said):
    LOG.error(said)
    LOG.error("Kata orang: %s (%d)", said, 3)
    text = logged()
    assert text.count("\n") == 2
    assert [word for word in PERSONAL if word in text] == []


@pytest.mark.parametrize("said", WAYS)
@pytest.mark.parametrize("kind", [ValueError, KeyError, RuntimeError, OSError])
def test_an_error_that_quotes_them(logged, said, kind):
    try:
        try:
            raise kind(said)
        except kind as error:
            raise RuntimeError(f"sesudah itu: {said}") from error
    except RuntimeError:
        LOG.exception("Delivery %s was not looked up.", 7)
    text = logged()
    assert [word for word in PERSONAL if word in text] == []
    assert kind.__name__ in text and "test_logs.py" in text and "Delivery 7" in text


def test_an_error_that_quotes_what_it_was_given_says_only_its_class(logged):
    try:
        int(" ".join(["pak", "jembatan", "putus"]))
    except ValueError:
        LOG.exception("Item %s was not read.", 12)
    assert "jembatan putus" not in logged() and "ValueError" in logged()


@pytest.mark.django_db
def test_what_postgresql_quotes_of_a_row(logged):
    Person.objects.create_user(EMAIL, name="Tini")
    try:
        with transaction.atomic():
            Person.objects.create_user(EMAIL, name="Tini")
    except IntegrityError as error:
        assert EMAIL in str(error), "PostgreSQL does quote it"
        LOG.exception("The person was not made.")
    assert EMAIL not in logged() and "core_person_email_key" in logged()


@pytest.mark.django_db
@pytest.mark.skipif(not database.is_local(), reason="DATABASE_URL names somebody else's server")
def test_our_own_postgresql_logs_no_statement():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('log_min_error_statement')")
        assert cursor.fetchone() == ("panic",)


def test_what_is_not_personal_stays(logged):
    said = (
        "Delivery 12 of account 3 failed: 503 from sosial.example at 2026-11-22T08:15:00Z (2.5 s)"
    )
    LOG.warning(said)
    assert said in logged()


def test_an_object_a_line():
    form = logs.Json()
    record = logging.LogRecord("tanggap.worker", logging.ERROR, "x.py", 1, "Tick %s", ("a",), None)
    record.status_code = 503
    body = json.loads(form.format(record))
    assert (body["text"], body["level"], body["logger"]) == ("Tick a", "ERROR", "tanggap.worker")
    assert body["status"] == 503 and body["at"].endswith("Z") and "\n" not in form.format(record)


@pytest.mark.parametrize("form", logs.FORMS.values())
def test_a_message_whose_arguments_do_not_fit(form):
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "Tick %d", ("bukan angka",), None)
    said = form().format(record)
    assert "Tick %d (TypeError)" in said and "bukan angka" not in said


def test_what_nobody_caught_passes_the_same_way():
    code = (
        "import logging.config\n"
        "from tanggap.health import logs\n"
        "logging.config.dictConfig(logs.config('json', 'WARNING'))\n"
        "logs.catch_the_rest()\n"
        "import threading\n"
        f"def thread(): raise RuntimeError('token={TOKEN}')\n"
        "one = threading.Thread(target=thread); one.start(); one.join()\n"
        f"raise OSError('{EMAIL} {NIK}')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout == ""
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["error"].split(":")[0] for line in lines] == ["RuntimeError", "OSError"]
    assert [word for word in PERSONAL if word in done.stderr] == []


def test_the_servers_own_lines_pass_the_same_way():
    logging.config.dictConfig(
        {"version": 1, "disable_existing_loggers": False, **logs.of_server("json")}
    )
    try:
        (handler,) = logging.getLogger("_granian").handlers
        assert isinstance(handler.formatter, logs.Json)
    finally:
        logging.getLogger("_granian").handlers.clear()
