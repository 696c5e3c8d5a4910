from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from tanggap.core.errors import Refused
from tanggap.messaging import check, draft, exempt

pytestmark = pytest.mark.django_db


def entry(now, **change):
    return {
        "letter": "c",
        "words": ["gudang amunisi"],
        "reason": "Pertahanan negara.",
        "consequence_test": "UK/3/2026",
        "decided_on": now.date(),
        "place": "Lumbung",
        "expires_on": now.date() + timedelta(days=365),
        **change,
    }


@pytest.mark.parametrize("field", ["words", "reason", "consequence_test", "place"])
def test_an_incomplete_entry_is_not_kept(agency, member, now, field) -> None:
    with pytest.raises(Refused) as refusal:
        exempt.register(
            agency,
            by=member("ppid"),
            now=now,
            **entry(now, **{field: [] if field == "words" else " "}),
        )
    assert refusal.value.field == field


def test_an_entry_stops_a_message_until_it_is_lifted(message, agency, maker, member, now) -> None:
    ppid = member("ppid")
    row = exempt.register(agency, by=ppid, now=now, **entry(now))
    draft.edit(message, core="Denah gudang amunisi terlampir.", by=maker, now=now)
    assert [one.rule for one in check.stopping(check.run(message, now))] == ["exempt_register"]
    exempt.lift(row, reason="Sudah dipindahkan.", by=ppid, now=now)
    assert not check.stopping(check.run(message, now))


def test_the_register_on_screen(client, agency, member, now) -> None:
    client.force_login(member("ppid"))
    given = {**entry(now), "words": "gudang amunisi\nsandi negara"}
    wrong = client.post(reverse("desk:exempt-new"), {**given, "place": ""})
    assert wrong.status_code == 422
    assert "sandi negara" in wrong.content.decode()
    given["decided_on"] = given["decided_on"].replace(year=2025)
    assert client.post(reverse("desk:exempt-new"), given).status_code == 302
    assert "UK/3/2026" in client.get(reverse("desk:exempt-list")).content.decode()
    client.force_login(member("editor"))
    assert client.post(reverse("desk:exempt-new"), given).status_code == 403
