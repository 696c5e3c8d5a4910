from __future__ import annotations

import pytest

from tanggap.core.errors import Refused
from tanggap.execution.inbox import moderate, private, triage
from tanggap.execution.inbox.models import Item, Moderation
from tanggap.execution.inbox.tables import house_rules
from tests.inbox.conftest import NIK

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("reason", ["criticism", "", "rude", "off_topic"])
def test_criticism_is_not_hidden_and_the_refusal_quotes_the_rule(desk, reason):
    item = desk.last(desk.heard("budi", "Bupati tidak becus kerja!"))
    with pytest.raises(Refused) as refused:
        moderate.hide(item, reason, "menjelekkan", by=desk.sari, now=desk.now)
    assert house_rules()["criticism"]["id"] in str(refused.value.why)
    item.refresh_from_db()
    assert item.hidden_at is None
    assert Moderation.objects.get().act == "refused"


def test_criticism_is_not_spam(desk):
    found = desk.heard("budi", "Bupati tidak becus kerja!")
    triage.label(found, "kind", "criticism", by=desk.sari, now=desk.now)
    item = Item.objects.select_related("conversation").get(pk=desk.last(found).pk)
    with pytest.raises(Refused):
        moderate.hide(item, "advert", "mengulang-ulang", by=desk.sari, now=desk.now)
    assert moderate.hide(item, "threat", "akan membakar kantor", by=desk.sari, now=desk.now)


def test_the_original_is_kept_and_can_be_shown_again(desk):
    item = desk.last(desk.heard("bot", "Pinjaman cepat klik di sini"))
    with pytest.raises(Refused):
        moderate.hide(item, "fraud", "", by=desk.sari, now=desk.now)
    moderate.hide(item, "fraud", "tautan pinjaman", by=desk.sari, now=desk.now)
    item.refresh_from_db()
    assert item.hidden_at == desk.now
    assert "Pinjaman cepat" in item.text
    assert moderate.on_network(item) is False
    moderate.show(item, "keliru", by=desk.sari, now=desk.now)
    assert [row.act for row in Moderation.objects.order_by("pk")] == ["hide", "show"]


def test_a_look_behind_the_mask_is_on_record(desk):
    from tanggap.archive.models import Record

    item = desk.last(desk.heard("budi", f"NIK {NIK}"))
    with pytest.raises(Refused):
        private.reveal(item, "curious", by=desk.ratna, now=desk.now)
    assert NIK in private.reveal(item, "serve", by=desk.ratna, now=desk.now)
    row = Record.objects.get(verb="personal_data.revealed")
    assert row.facts == {"item": item.pk, "reason": "serve", "kinds": ["nik"]}


def test_spam_is_laid_to_rest_and_nothing_is_owed(desk):
    from tanggap.execution.inbox import promise

    found = moderate.spam(desk.heard("bot", "promo!"), by=desk.sari, now=desk.now)
    found.refresh_from_db()
    assert (found.state, found.kind, found.due_at) == ("quiet", "spam", promise.NEVER)
