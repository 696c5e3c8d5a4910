"""Which agencies a person may see and change today, and by which verbs.

Everything here is fail-closed: no membership in force means NOBODY, whose sets are empty.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from tanggap.core.models import Agency, Membership, Person
from tanggap.core.nested import build
from tanggap.core.roles import DEPUTY, VERBS
from tanggap.core.scope import NOBODY, Scope

# Agencies below one, down to the next tenant boundary: a regency is not read by its province.
TENANT = """
WITH RECURSIVE tenant AS (
  SELECT id FROM core_agency WHERE id = %s
  UNION ALL
  SELECT child.id FROM core_agency child JOIN tenant ON child.parent_id = tenant.id
  WHERE NOT child.autonomous
)
SELECT id FROM tenant
"""


# Each with its agency and the ids of its tenant, so that the door asks once.
MEMBERSHIPS = f"""
SELECT held.*, to_jsonb(agency) AS told_agency,
  ARRAY({TENANT.replace("%s", "agency.id")}) AS told_tenant
FROM core_memberships(%s) held JOIN core_agency agency ON agency.id = held.agency_id
ORDER BY held.id
"""


def memberships_of(person: Person, now: datetime) -> list[Membership]:
    """The person's memberships in force at `now`, oldest first, with their agencies.

    Works without a scope: the database function core_memberships reads past row-level security.
    """
    if not person.is_active or person.pk is None:
        return []
    rows = list(Membership.objects.raw(MEMBERSHIPS, [person.pk]))
    for row in rows:
        told: Any = row
        row.agency = build(Agency, json.loads(told.told_agency))
    return [membership for membership in rows if in_force(membership, now)]


def in_force(membership: Membership, now: datetime) -> bool:
    """Valid on today's date in the agency's zone (both days included), and not ended."""
    if membership.ended_at is not None and membership.ended_at <= now:
        return False
    today = now.astimezone(ZoneInfo(membership.agency.zone)).date()
    until = membership.valid_until
    return membership.valid_from <= today and (until is None or today <= until)


def scope_of(person: Person, agency_slug: str | None, now: datetime) -> Scope:
    """The scope of the person's membership in that agency, or in their first one without a slug.

    Readable and writable are the agency and what lies below it up to the next autonomous agency.
    NOBODY when no membership is in force.
    """
    for membership in memberships_of(person, now):
        if agency_slug in (None, "", membership.agency.slug):
            told: Any = membership
            ids = frozenset(told.told_tenant)
            return Scope(
                agency=membership.agency,
                person=person,
                membership=membership,
                readable=ids,
                writable=ids,
                verbs=verbs_of(membership, now),
            )
    return NOBODY


def verbs_of(membership: Membership, now: datetime) -> frozenset[str]:
    """Verbs of the role, and those of a deputy while the deputyship lasts."""
    held = frozenset(verb for verb, roles in VERBS.items() if membership.role in roles)
    deputy = membership.deputy_until
    return held | DEPUTY if deputy is not None and now < deputy else held


def tenant_ids(agency: Agency) -> frozenset[int]:
    """Ids of the agency and of the agencies below it that are not autonomous."""
    with connection.cursor() as cursor:
        cursor.execute(TENANT, [agency.pk])
        return frozenset(row[0] for row in cursor.fetchall())


def agency_by_slug(slug: str) -> Agency | None:
    """The agency with that slug; agencies are public, so this needs no scope."""
    return Agency.objects.filter(slug=slug).first()
