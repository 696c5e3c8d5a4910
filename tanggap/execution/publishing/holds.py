"""Which deliveries a Hold keeps back. The claim leaves them out; the sender reads it again.

A hold covers an agency and every unit below it, or one account; the emergency lane may be exempt.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection
from django.db.models import Q

from tanggap.activities.models import Hold
from tanggap.execution.publishing.models import Delivery

BELOW = """
WITH RECURSIVE below AS (
  SELECT id FROM core_agency WHERE id = ANY(%s)
  UNION SELECT child.id FROM core_agency child JOIN below ON child.parent_id = below.id
) SELECT id FROM below
"""


def held() -> Q:
    """A condition on Delivery: true for what some hold in force keeps back."""
    found = Q(pk__in=[])
    for hold in Hold.objects.filter(lifted_at=None).order_by("pk"):
        if hold.account_id is not None:
            covered = Q(account_id=hold.account_id)
        else:
            covered = Q(account__owner_unit_id__in=_below(hold.subtree_id))
        if hold.emergency_exempt:
            covered &= ~Q(lane=Delivery.Lane.EMERGENCY)
        found |= covered
    return found


def held_among(delivery_ids: Collection[int]) -> set[int]:
    """Which of these are kept back at this very moment."""
    if not Hold.objects.filter(lifted_at=None).exists():
        return set()
    found = Delivery.objects.filter(held(), pk__in=delivery_ids)
    return set(found.values_list("pk", flat=True))


def _below(agency_id: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(BELOW, [[agency_id]])
        return [row[0] for row in cursor.fetchall()]
