"""Whose rows may be seen and changed: the first wall (querysets), the second (row-level security).

A Scope is an argument, never a thread-local. `scoped(Model, scope)` returns nothing without one.
`enter(scope)` opens a transaction in which PostgreSQL itself shows only the readable agencies to
the role `tanggap_app`, and accepts writes only to the writable ones (DESIGN section 6).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from django.db import connection, models, transaction
from django.db.backends.utils import CursorWrapper
from psycopg.pq import TransactionStatus

if TYPE_CHECKING:
    from tanggap.core.models import Agency, Membership, Person

M = TypeVar("M", bound=models.Model)

ROLE_APP, ROLE_WORKER = "tanggap_app", "tanggap_worker"


@dataclass(frozen=True, slots=True)
class Scope:
    """What one request may see: ids of agencies, and through which membership."""

    agency: Agency | None = None
    person: Person | None = None
    membership: Membership | None = None
    readable: frozenset[int] = field(default_factory=frozenset)
    writable: frozenset[int] = field(default_factory=frozenset)
    # Verbs held: those of the role, and those of a deputyship in force.
    verbs: frozenset[str] = field(default_factory=frozenset)

    def may(self, verb: str) -> bool:
        return verb in self.verbs


NOBODY = Scope()


def scoped(model: type[M], scope: Scope | None) -> models.QuerySet[M]:
    """Rows of the scope's readable agencies; none at all without a scope."""
    manager = model._default_manager
    if scope is None or not scope.readable:
        return manager.none()
    return manager.filter(agency_id__in=scope.readable)


@contextmanager
def enter(scope: Scope) -> Iterator[Scope]:
    """Run the block in one transaction as the app role, limited to the scope's agencies."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, current_setting('tanggap.readable', true),"
            " current_setting('tanggap.writable', true)"
        )
        role, readable, writable = cursor.fetchone()
        _set(cursor, ROLE_APP, _csv(scope.readable), _csv(scope.writable))
        try:
            yield scope
        finally:
            # After an error the rollback restores the settings by itself.
            if not connection.needs_rollback and _alive():
                _set(cursor, role, readable or "", writable or "")


def _alive() -> bool:
    status = connection.connection.info.transaction_status
    return bool(status == TransactionStatus.INTRANS)


def _csv(ids: frozenset[int]) -> str:
    return ",".join(map(str, sorted(ids)))


def _set(cursor: CursorWrapper, role: str, readable: str, writable: str) -> None:
    cursor.execute(
        "SELECT set_config('role', %s, true), set_config('tanggap.readable', %s, true),"
        " set_config('tanggap.writable', %s, true)",
        [role, readable, writable],
    )
