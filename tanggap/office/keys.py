"""Change the keys of the installation, on record.

`rotate_keys` puts new keys first and seals every wrapped key anew; nothing that is stored under a
person's own key is touched. Old master keys stay in the key file until `forget_keys`, because
backups of the database still need them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction

from tanggap.archive.keys import reseal_person_keys
from tanggap.archive.record import Entry, record_many
from tanggap.core import secrets
from tanggap.core.models import Agency, Person

Reseal = Callable[[], int]


def rotate_keys(*, by: Person | str, now: datetime, others: Iterable[Reseal] = ()) -> int:
    """New master and signing keys; everything sealed is sealed anew. Returns how many values were.

    `others` are functions of later stages that seal their own columns anew (credentials of
    accounts) and return a count; the top layer passes them in. Run as the worker or the owner:
    it touches rows of every agency. Repeating it after a failure is safe.
    """
    ring = secrets.rotate()
    with transaction.atomic():
        count = reseal_person_keys() + sum(reseal() for reseal in others)
        facts = {
            "sealing_key": ring.sealing[0].id,
            "signing_key": ring.signing[0].id,
            "resealed": count,
        }
        roots = Agency.objects.filter(parent=None).order_by("pk")
        record_many(
            [Entry(agency.pk, "keys.rotated", agency, facts) for agency in roots], by=by, now=now
        )
    return count


def forget_keys(ids: Iterable[str], *, by: Person | str, now: datetime) -> list[str]:
    """Remove old master keys for good; the newest always stays. Returns the ids removed.

    Backups that were made before the rotation cannot be read without them any more.
    """
    wanted = frozenset(ids)
    before = {key.id for key in secrets.keyring().sealing}
    gone = sorted(before - {key.id for key in secrets.forget(wanted).sealing})
    if gone:
        roots = Agency.objects.filter(parent=None).order_by("pk")
        record_many(
            [Entry(agency.pk, "keys.forgotten", agency, {"keys": gone}) for agency in roots],
            by=by,
            now=now,
        )
    return gone
