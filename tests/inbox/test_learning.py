"""Officers' corrections become a layer: measured, shown, and in use only when somebody accepts."""

from __future__ import annotations

import pytest

from tanggap.archive.models import Record
from tanggap.core.errors import Refused
from tanggap.execution.inbox import learning, triage
from tanggap.execution.inbox.models import Item, Layer, Suggestion
from tanggap.language import MADE_BY

pytestmark = pytest.mark.django_db


@pytest.fixture
def corrected(desk):
    """Forty praises in words that the shipped model does not know, corrected by an officer."""
    first = desk.heard("budi", "petugas sae 0")
    kind = Suggestion.objects.filter(item__conversation=first, field="kind")
    model = desk.last(first)
    for number in range(1, 40):
        conversation = type(first).objects.get(pk=first.pk)
        conversation.pk, conversation.thread_id = None, f"benang-{number}"
        conversation.save()
        item = Item.objects.get(pk=model.pk)
        item.pk, item.conversation, item.remote_id = None, conversation, f"lain-{number}"
        item.text = f"petugas {number} gremet gremet tenan"
        item.save()
        Suggestion.objects.create(
            agency=desk.agency,
            item=item,
            field="kind",
            value="complaint",
            confidence=None,
            made_by=MADE_BY,
            made_at=desk.now,
            verdict="corrected",
            corrected_to="aspiration",
            judged_by=desk.sari,
            judged_at=desk.now,
        )
    return kind


def test_too_little_teaches_nothing(desk):
    with pytest.raises(Refused, match="diperlukan 30"):
        learning.propose(desk.agency, by=desk.ratna, now=desk.now)


def test_a_layer_speaks_only_once_it_is_accepted(desk, corrected):
    made = learning.propose(desk.agency, by=desk.ratna, now=desk.now)
    assert made.learnt_from + made.held_back == 39
    assert made.before < made.after == 1.0
    assert learning.in_use(desk.agency) == {}
    before = desk.heard("wati", "gremet gremet tenan petugas")
    assert Suggestion.objects.get(item__conversation=before, field="kind").made_by == MADE_BY

    learning.accept(made, by=desk.ratna, now=desk.now)
    after = desk.heard("joko", "gremet gremet tenan petugas iki")
    kind = Suggestion.objects.get(item__conversation=after, field="kind")
    assert (kind.value, kind.made_by) == ("aspiration", f"{MADE_BY}+{made.pk}")
    assert Record.objects.filter(verb="layer.accepted", actor=f"person:{desk.ratna.pk}").exists()


def test_what_is_sealed_teaches_nothing(desk, corrected):
    for item in Item.objects.filter(agency=desk.agency):
        triage.seal(item.conversation, by=desk.ratna, now=desk.now)
    with pytest.raises(Refused):
        learning.propose(desk.agency, by=desk.ratna, now=desk.now)


def test_a_layer_over_another_model_is_set_aside(desk, corrected):
    made = learning.propose(desk.agency, by=desk.ratna, now=desk.now)
    Layer.objects.filter(pk=made.pk).update(over="fast/0")
    made.refresh_from_db()
    with pytest.raises(Refused, match="versi model"):
        learning.accept(made, by=desk.ratna, now=desk.now)
    assert learning.in_use(desk.agency) == {}
