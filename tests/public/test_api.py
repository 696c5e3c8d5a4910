"""The machines' addresses against their own description: schemathesis asks, the schema judges."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tanggap.accounts.models import Account
from tests.rules.addresses import every

pytestmark = pytest.mark.django_db
PLACE = Path(__file__).resolve().parents[2] / "docs" / "reference"
SPEC = json.loads((PLACE / "openapi.json").read_text())
TOKEN = "rahasia-metrik-7"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
# Addresses without a session that answer people with pages, pictures or a way on.
FOR_PEOPLE = {
    "set_language",
    "desk:join",
    "public:accounts",
    "public:accounts-of",
    "public:accountability",
    "public:behind",
    "public:case",
    "public:case-start",
    "public:clarification",
    "public:clarifications",
    "public:handover",
    "public:link",
    "public:photo",
    "public:result",
    "public:results",
    "public:start",
}
OPERATIONS = [
    (path, method, about)
    for path, item in SPEC["paths"].items()
    for method, about in item.items()
    if method != "parameters"
]


def test_every_address_is_described_or_for_people():
    """Whoever adds an address says here which of the two it is."""
    described = {about["operationId"].partition(" ")[0] for _path, _method, about in OPERATIONS}
    open_ones = {
        one.name
        for one in every()
        if not one.verb and not one.name.startswith(("account_", "mfa_"))
    }
    assert open_ones - FOR_PEOPLE == described - {"alive", "metrics"}
    assert open_ones >= FOR_PEOPLE


def test_every_described_address_stands_in_the_reference():
    text = (PLACE / "api.md").read_text()
    for path, method, _about in OPERATIONS:
        named = re.sub(
            r"\{(slug|agency)\}", "<agency>", re.sub(r"\{(channel|token)\}", r"<\1>", path)
        )
        named = re.sub(r"(/umpan)\.(rss|atom)$", r"\1.json", named)
        assert f"`{method.upper()} {named}`" in text, path


@pytest.fixture
def one_connection():
    """A request of its own would close the connection that holds the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def known(one_connection, agency, other, settings) -> schemathesis.BaseSchema:
    """The description, with names of agencies that are there among those that are made up."""
    settings.METRICS_TOKEN = TOKEN
    Account.objects.create(
        agency=agency,
        owner_unit=agency,
        kind="institution",
        channel="manual",
        handle="lumbung",
        display_name="Lumbung",
        decree_number="SK/1/2026",
        listed=True,
    )
    spec = copy.deepcopy(SPEC)
    for name in ("slug", "agency"):
        made_up = spec["components"]["parameters"][name]["schema"]
        spec["components"]["parameters"][name]["schema"] = {
            "anyOf": [{"enum": [agency.slug, other.slug]}, made_up]
        }
    schema = schemathesis.openapi.from_dict(spec)
    schema.app = get_wsgi_application()
    return schema


@pytest.mark.parametrize(
    ("path", "method"), [one[:2] for one in OPERATIONS], ids=[f"{m} {p}" for p, m, _a in OPERATIONS]
)
def test_each_keeps_its_word_whatever_is_asked(known, path, method):
    answered = set()

    @bounds(
        max_examples=15,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=known[path][method.upper()].as_strategy())
    def ask(case):
        response = case.call()
        case.validate_response(response, checks=CHECKS)
        assert len(response.content) < 1_000_000
        answered.add(response.status_code)

    ask()
    assert answered & {200, 401, 404}


def test_what_is_there_is_answered(known, agency, client):
    """The loop above must not be content with 404s."""
    for path in ("/resmi/{}/akun.json", "/{}/umpan.json", "/{}/umpan.rss", "/{}/umpan.atom"):
        assert client.get(path.format(agency.slug)).status_code == 200
    head = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/metrics", headers=head).status_code == 200
    assert client.get("/metrics").status_code == 401
