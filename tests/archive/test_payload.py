"""Words are kept word for word under a person's key, and destroying the key erases them."""

from __future__ import annotations

import pytest
from django.db import Error, transaction

from tanggap.archive import payload
from tanggap.archive.models import Payload, PersonKey, Record
from tanggap.archive.record import key_for
from tanggap.core import secrets
from tanggap.core.secrets import SecretsError
from tanggap.office.keys import forget_keys, rotate_keys
from tests.archive.conftest import NOW

pytestmark = pytest.mark.django_db

WHO = "account:12:author:345"


def stored(pk):
    return Payload.objects.select_related("key").get(pk=pk)


def test_it_comes_back_word_for_word(agency):
    words = "NIK saya 3201… \u0000 \U0001f62d".encode()
    kept = payload.store(agency, WHO, words, now=NOW)
    assert payload.read(stored(kept.pk)) == words and words not in bytes(stored(kept.pk).locked)


def test_one_key_per_person_and_agency(agency, other):
    one = key_for(agency, WHO, now=NOW)
    assert key_for(agency, WHO, now=NOW) == one
    assert key_for(other, WHO, now=NOW) != one


def test_erased_for_good(agency, person):
    kept = payload.store(agency, WHO, b"words", now=NOW)
    other_words = payload.store(agency, "account:12:author:346", b"other", now=NOW)
    key = payload.erase(agency, WHO, by=person, now=NOW, reason="request")
    assert key == kept.key and PersonKey.objects.get(pk=key.pk).wrapped is None
    with pytest.raises(payload.Erased):
        payload.read(stored(kept.pk))
    assert payload.read(stored(other_words.pk)) == b"other"
    row = Record.objects.get(verb="person.erased")
    assert row.facts == {"reason": "request"} and row.subject_id == str(key.pk)
    assert payload.erase(agency, WHO, by=person, now=NOW, reason="request") is None
    # Who writes again gets a new key; the old words stay gone.
    again = payload.store(agency, WHO, b"new", now=NOW)
    assert again.key_id != key.pk and payload.read(stored(again.pk)) == b"new"


def test_the_database_refuses_half_an_erasure(agency):
    key = key_for(agency, WHO, now=NOW)
    with pytest.raises(Error), transaction.atomic():
        PersonKey.objects.filter(pk=key.pk).update(erased_at=NOW)


def test_a_swapped_payload_does_not_open(agency):
    one = payload.store(agency, WHO, b"one", now=NOW)
    two = payload.store(agency, "b:2", b"two", now=NOW)
    Payload.objects.filter(pk=one.pk).update(locked=two.locked)
    with pytest.raises(SecretsError):
        payload.read(stored(one.pk))


def test_keys_rotate_on_record(agency, province, person):
    kept = payload.store(agency, WHO, b"words", now=NOW)
    old = secrets.keyring().sealing[0].id
    assert rotate_keys(by=person, now=NOW, others=[lambda: 2]) == 3
    assert secrets.key_id(bytes(PersonKey.objects.get().wrapped)) != old
    row = Record.objects.get(verb="keys.rotated")
    assert row.agency == province and row.facts["resealed"] == 3
    assert forget_keys([old], by=person, now=NOW) == [old]
    assert forget_keys([old], by=person, now=NOW) == []
    assert payload.read(stored(kept.pk)) == b"words"
    assert Record.objects.filter(verb="keys.forgotten").count() == 1
