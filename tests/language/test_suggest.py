"""Rules suggest, say why, and know when they do not know.

The word lists were written beside the practice world, so agreement with it is no accuracy: it
guards against breaking them. The newcomers below were written afterwards.
"""

from __future__ import annotations

import pytest

from tanggap.language.suggest import MOST_CONFIDENT, Unit, suggest
from tanggap.practice import world

UNITS = [Unit(one["slug"], tuple(one["words"])) for one in world.read("agency")["units"]]
KINDS = {said.expected.kind for said in world.messages()}


def told(text):
    return {one.field: one for one in suggest(text, UNITS)}


@pytest.mark.parametrize("said", world.messages(), ids=lambda said: said.id)
def test_a_confident_kind_is_right_and_reasons_are_in_the_text(said):
    kind, urgency, unit = suggest(said.text, UNITS)
    assert (kind.field, urgency.field, unit.field) == ("kind", "urgency", "unit")
    if kind.confidence is not None:
        assert kind.value == said.expected.kind
    for suggestion in (kind, urgency, unit):
        assert suggestion.confidence is None or 0 < suggestion.confidence <= MOST_CONFIDENT
        assert suggestion.confidence is None or suggestion.reason_spans
        for span in suggestion.reason_spans:
            assert 0 <= span.start < span.end <= len(said.text)


def test_the_practice_world_stays_mostly_sorted():
    told_of = [(said, told(said.text)) for said in world.messages()]
    kinds = sum(one["kind"].value == said.expected.kind for said, one in told_of)
    units = sum(one["unit"].value == said.expected.unit for said, one in told_of)
    grave = [said for said in world.messages() if said.expected.urgency == "danger"]
    assert kinds >= 0.9 * len(told_of) and units >= 0.8 * len(told_of)
    assert all(told(said.text)["urgency"].value == "danger" for said in grave)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Kak, syarat bikin KIA apa saja ya?", "service_question"),
        ("Dalan ngarep pasar rusak parah min, tulung", "complaint"),
        ("Hatur nuhun pisan petugasna bageur", "thanks"),
        ("Katanya sekolah diliburkan sebulan, beneran ngga min? Rame di grup WA", "rumour"),
        ("Ada petugas minta uang pelicin di loket, ini pungli", "integrity"),
        ("TOGEL JACKPOT klik link di bio gacor", "spam"),
        ("Usul, tolong jadwalnya dibuat dua minggu sekali", "aspiration"),
    ],
)
def test_newcomers(text, kind):
    assert told(text)["kind"].value == kind


@pytest.mark.parametrize("text", ["", "…", "ok", "min", "👍", "hmm begitu ya"])
def test_nothing_said_is_not_sure(text):
    one = told(text)
    assert one["kind"].confidence is None
    assert one["urgency"].value == "normal" and one["urgency"].confidence is None
    assert one["unit"].value == "" and one["unit"].confidence is None


def test_an_integrity_report_is_not_sent_to_the_unit_it_names():
    one = told("Ada petugas minta uang di loket KTP Disdukcapil, ini pungli")
    assert one["kind"].value == "integrity" and one["unit"].value == ""


def test_the_critic_is_never_spam():
    critic = next(said for said in world.messages() if said.citizen == "bung_tegar")
    assert told(critic.text)["kind"].value == "criticism"
