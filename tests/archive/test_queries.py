"""The archive answers who did what to which thing, page by page to the very first."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tanggap.archive.queries import newest_head, recorded, timeline, verbs
from tanggap.archive.record import record
from tanggap.archive.seal import seal
from tanggap.core.scope import Scope
from tests.archive.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def scope(agency):
    return Scope(agency=agency, readable=frozenset({agency.pk}))


def test_the_timeline_of_things(agency, other, scope):
    wanted = [
        record(agency, "case.open", ("case", 1), by="citizen", now=NOW),
        record(agency, "handover.sent", ("handover", 7), by="citizen", now=NOW),
        record(agency, "case.closed", ("case", 1), by="citizen", now=NOW),
    ]
    record(agency, "case.open", ("case", 2), by="citizen", now=NOW)
    record(other, "case.open", ("case", 1), by="citizen", now=NOW)
    assert list(timeline(scope, ("case", 1), ("handover", 7))) == wanted
    assert not timeline(scope).exists() and not timeline(Scope(), ("case", 1)).exists()


def test_pages_to_the_first(agency, other, scope):
    rows = [record(agency, "x.y", ("x", n), by="citizen", now=NOW) for n in range(7)]
    record(other, "x.y", ("x", 1), by="citizen", now=NOW)
    seen, after = [], None
    while True:
        page = recorded(scope, size=3, after=after)
        seen += page.records
        if page.after is None:
            break
        after = page.after
    assert seen == rows[::-1]


def test_filters(agency, scope, person):
    late = datetime(2026, 3, 17, 17, 30, tzinfo=UTC)  # 00.30 WIB on the 18th
    one = record(agency, "message.approved", ("m", 1), by=person, now=NOW)
    two = record(agency, "message.released", ("m", 2), by="system:send", now=late)
    record(agency, "messages", ("m", 3), by="citizen", now=NOW)

    def found(**filters):
        return recorded(scope, **filters).records

    assert found(verb="message.") == [two, one]
    assert found(actor=f"person:{person.pk}") == [one]
    assert found(subject_type="m", subject_id="2") == [two]
    assert found(day=date(2026, 3, 18)) == [two]
    assert found(verb="message.", day=date(2026, 3, 17)) == [one]
    assert verbs(scope) == ["message.approved", "message.released", "messages"]


def test_the_newest_head(agency, scope):
    assert newest_head(scope, agency) is None
    for size in (1, 2):
        record(agency, "x.y", agency, by="citizen", now=NOW)
        seal(NOW)
        assert newest_head(scope, agency).size == size
