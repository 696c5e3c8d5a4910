"""Put every person's wrapped key under the newest master key."""

from __future__ import annotations

from tanggap.archive.models import PersonKey
from tanggap.archive.record import rewrap

BATCH = 1000


def reseal_person_keys() -> int:
    """How many were under an older one. Content under the persons' own keys stays as it is."""
    changed: list[PersonKey] = []
    count = 0
    for key in PersonKey.objects.filter(erased_at=None).order_by("pk").iterator():
        fresh = rewrap(key)
        if fresh != bytes(key.wrapped or b""):
            key.wrapped = fresh
            changed.append(key)
            count += 1
        if len(changed) == BATCH:
            PersonKey.objects.bulk_update(changed, ["wrapped"])
            changed = []
    PersonKey.objects.bulk_update(changed, ["wrapped"])
    return count
