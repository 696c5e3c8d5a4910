"""Which deliveries a Hold keeps back. The claim leaves them out; the sender reads it again.

A hold covers an agency and every unit below it, or one account; the emergency lane may be exempt.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import Q

from tanggap.accounts.models import Account
from tanggap.activities.models import Hold
from tanggap.core.together import ask
from tanggap.execution.publishing.models import Delivery

BELOW = """
WITH RECURSIVE below AS (
  SELECT id FROM core_agency WHERE id = ANY(%s)
  UNION SELECT child.id FROM core_agency child JOIN below ON child.parent_id = below.id
) SELECT id FROM below
"""
IN_FORCE = """
SELECT account_id, subtree_id, emergency_exempt FROM activities_hold WHERE lifted_at IS NULL
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


def held_accounts() -> tuple[list[int], list[int]]:
    """The same by account, for a claim: ids of those that are kept back wholly, and of those whose
    emergency lane is exempt."""
    return covered((IN_FORCE, None))


def covered(*asked: tuple[str, Any]) -> tuple[list[int], list[int]]:
    """`held_accounts`, asked in one message with other statements; IN_FORCE is the last of them."""
    kept: dict[bool, set[int]] = {True: set(), False: set()}
    for account, subtree, exempt in ask(*asked)[-1]:
        below = Account.objects.filter(owner_unit__in=_below(subtree)) if account is None else ()
        kept[exempt].update({account} if account else {one.pk for one in below})
    return sorted(kept[False]), sorted(kept[True])


def held_among(rows: Iterable[Delivery]) -> set[int]:
    """Ids of those of these that are kept back at this very moment."""
    wholly, partly = held_accounts()
    return {
        row.pk
        for row in rows
        if row.account_id in wholly
        or (row.account_id in partly and row.lane != Delivery.Lane.EMERGENCY)
    }


def _below(agency_id: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(BELOW, [[agency_id]])
        return [row[0] for row in cursor.fetchall()]
