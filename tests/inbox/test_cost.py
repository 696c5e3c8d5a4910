"""What the pages of incoming messages cost: statements that read or write rows, with the frame."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.inbox.test_screens import client_of, here, sari

__all__ = ["here", "sari"]
pytestmark = pytest.mark.django_db
MOST = 12
# Not counted: they touch no table (the door's transaction and its row-level security).
NOT_COUNTED = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT", "SET ", "SELECT SET_CONFIG")


def asked(client, address: str) -> list[str]:
    client.get(address)  # what a process asks once, not each page
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    said = [one["sql"] for one in captured.captured_queries]
    return [sql for sql in said if not sql.upper().startswith(NOT_COUNTED)]


@pytest.mark.parametrize("role", ["responder", "lead"])
def test_list_and_conversation_take_twelve_queries_with_the_frame(here, member, role):
    for number in range(4):
        found = here.heard(f"warga{number}", "Jembatan Cikaret ambruk, tolong diperbaiki")
    client = client_of(member(role))
    for address in (
        reverse("desk:inbox-list"),
        reverse("desk:inbox-thread", args=[found.pk]),
    ):
        said = asked(client, address)
        assert len(said) <= MOST, "\n".join(sql[:200] for sql in said)


def test_the_list_is_walked_by_key_to_its_end_without_a_gap_or_a_repeat(here, sari):
    for number in range(28):
        here.says(f"warga{number}", "halo")
    here.listen()
    address, seen = reverse("desk:inbox-list"), []
    while True:
        page = sari.get(address)
        seen += [line.row.pk for line in page.context["lines"]]
        if not page.context["next"]:
            break
        address = reverse("desk:inbox-list") + "?" + urlencode({"after": page.context["next"]})
    assert len(seen) == len(set(seen)) == 28
