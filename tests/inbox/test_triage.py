from __future__ import annotations

import pytest

from tanggap.archive.models import Record
from tanggap.core.errors import Refused
from tanggap.execution.inbox import private, queries, triage, vocabulary
from tanggap.execution.inbox.models import Conversation, Suggestion
from tanggap.language import MADE_BY

pytestmark = pytest.mark.django_db


def suggested(conversation, field):
    return Suggestion.objects.get(item__conversation=conversation, field=field)


def test_suggestions_have_reasons_or_are_not_sure(desk, unit):
    vocabulary.teach(desk.agency, ["jembatan*"], unit=unit, by=desk.ratna, now=desk.now)
    vocabulary.teach(desk.agency, ["Cikaret"], by=desk.ratna, now=desk.now)
    found = desk.heard("euis", "Jembatan Cikaret ambrol, anak-anak tidak bisa sekolah!")
    whose = suggested(found, "unit")
    text = whose.item.text
    assert (whose.value, whose.made_by) == ("dinas-pu", MADE_BY)
    assert [text[one["start"] : one["end"]] for one in whose.reasons] == ["Jembatan"]
    assert suggested(found, "place").value == "Cikaret"
    found.refresh_from_db()
    assert (found.unit, found.place) == (unit, "Cikaret")
    assert suggested(found, "urgency").confidence is None or found.urgency < 2


def test_a_persons_word_is_never_written_over(desk):
    found = desk.heard("budi", "Kapan KTP saya bisa diambil?")
    triage.label(found, "kind", "criticism", by=desk.sari, now=desk.now)
    first = desk.last(found).remote_id
    desk.says("budi", "Kapan KTP bisa diambil? Syarat apa saja?", reply_to=first)
    desk.listen()
    found.refresh_from_db()
    assert (found.kind, found.items_count) == ("criticism", 2)


def test_accepting_makes_it_a_persons_label(desk):
    found = desk.heard("budi", "Kapan KTP saya bisa diambil? Syaratnya apa?")
    kind = suggested(found, "kind")
    triage.accept(kind, by=desk.sari, now=desk.now)
    found.refresh_from_db()
    assert (found.kind, found.state) == (kind.value, "triaged")
    assert found.labelled == {"kind": f"person:{desk.sari.pk}"}
    assert Record.objects.filter(verb="suggestion.judged", facts__verdict="accepted").exists()


def test_correcting_keeps_what_the_machine_had_said(desk):
    found = desk.heard("budi", "Kapan KTP saya bisa diambil? Syaratnya apa?")
    kind = suggested(found, "kind")
    said = kind.value
    triage.correct(kind, "complaint", by=desk.sari, now=desk.now)
    kind.refresh_from_db()
    assert (kind.value, kind.verdict, kind.corrected_to) == (said, "corrected", "complaint")
    with pytest.raises(Refused):
        triage.correct(kind, "nonsense", by=desk.sari, now=desk.now)


def test_a_unit_of_somebody_else_is_refused(desk, other):
    found = desk.heard("budi", "halo")
    with pytest.raises(Refused):
        triage.label(found, "unit", other.slug, by=desk.sari, now=desk.now)


def test_a_suspicion_of_misconduct_is_sealed_at_once(desk, member):
    found = desk.heard("anonim", "Petugas loket minta pungli 200 ribu, ini dugaan korupsi suap")
    assert found.sealed
    watcher = member("integrity")
    for person in (desk.sari, desk.ratna):
        scope = desk.scope(person)
        assert queries.conversation(scope, found.pk) is None
        assert not queries.conversations(scope, now=desk.now, group="", text="pungli").exists()
        assert not queries.sealed(scope).exists()
        assert queries.counts(scope, desk.now)["open"] == 0
    assert queries.conversation(desk.scope(watcher), found.pk, sealed_ones=True) == found
    private.unseal(found, "complaint", by=watcher, now=desk.now)
    assert queries.conversation(desk.scope(), found.pk) == found


def test_an_edit_that_speaks_of_misconduct_is_sealed_too(desk):
    desk.heard("ani", "halo")
    found = desk.heard("budi", "mau tanya soal loket")
    assert not found.sealed
    desk.server.edit(
        desk.last(found).remote_id,
        "@diskominfo Petugas loket minta pungli 200 ribu, ini dugaan korupsi suap",
    )
    desk.pass_(seconds=30)
    for _turn in range(4):
        desk.listen()
    assert queries.conversation(desk.scope(), found.pk) is None
    found.refresh_from_db()
    assert found.sealed


def test_messages_of_one_event_find_each_other(desk):
    vocabulary.teach(desk.agency, ["Cikaret"], by=desk.ratna, now=desk.now)
    one = desk.heard("karsono", "jembatan cikaret ambrol")
    two = desk.heard("euis", "Jembatan Cikaret putus, ambrol tadi pagi")
    desk.heard("budi", "kapan KTP jadi")
    assert triage.alike(desk.last(one)) == [desk.last(two).pk]


def test_a_sealed_one_is_never_grouped(desk):
    one = desk.heard("a", "jembatan ambrol karena korupsi, ada suap dan pungli")
    two = desk.heard("b", "jembatan ambrol")
    assert Conversation.objects.get(pk=one.pk).sealed
    assert triage.alike(desk.last(two)) == []


def test_what_a_person_called_it_before_does_not_keep_misconduct_open(desk, member):
    found = desk.heard("budi", "Kapan KTP saya bisa diambil?")
    triage.label(found, "kind", "service_question", by=desk.sari, now=desk.now)
    said = "Petugas loket minta pungli 200 ribu, ini dugaan korupsi suap"
    desk.says("budi", said, reply_to=desk.last(found).remote_id)
    desk.listen()
    found.refresh_from_db()
    assert found.sealed
    private.unseal(found, "complaint", by=member("integrity"), now=desk.now)
    desk.says("budi", "Ini dugaan pungli dan suap, pak", reply_to=desk.last(found).remote_id)
    desk.listen()
    found.refresh_from_db()
    assert not found.sealed
