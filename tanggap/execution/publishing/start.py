"""Is this the one installation that sends? A restored or copied one starts with sending off.

The database knows the places (machine and home) that may send from it; a home keeps, under the
place's mark, how many sends it has made and in which cluster. So three things are noticed:

- the database wakes up in a place that it does not know: it was copied, or restored elsewhere;
- the home has seen more sends than the database remembers: an older copy was restored here;
- the cluster is another one than before: a copy was loaded into it.

A person then says that this is the only one that runs: on the page Publishing, or an operator with
`tanggap sending on`. Everything that waits is looked up before it is sent, for the other one may
have sent it, earlier than planned too.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Max

from tanggap.archive.record import record
from tanggap.core.models import Agency, Person
from tanggap.execution.publishing.models import WAITING, Attempt, Delivery, Place

MACHINE = Path("/etc/machine-id")


def file() -> Path:
    """Where this home keeps who it is and what it has sent."""
    return Path(settings.HOME) / "installation.json"


def fingerprint() -> str:
    """Names this machine and home; says nothing about them."""
    machine = MACHINE.read_text().strip() if MACHINE.exists() else ""
    parts = [_kept()["id"], machine, str(Path(settings.HOME).resolve())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def known() -> Place | None:
    """This place's row, when it has one already. Changes nothing."""
    return Place.objects.filter(fingerprint=fingerprint()).first()


def here(now: datetime) -> Place:
    """This place's row; made when there is none. The first place of a database may send at once."""
    name = fingerprint()
    found = Place.objects.filter(fingerprint=name).first()
    if found is not None:
        return found
    first = not Place.objects.exists()
    try:
        with transaction.atomic():
            return Place.objects.create(
                fingerprint=name,
                mark=uuid.uuid4(),
                first_seen_at=now,
                allowed_at=now if first else None,
                allowed_by="system:first" if first else "",
                looked_at=now if first else None,
                stopped="" if first else "copied",
                stopped_at=None if first else now,
            )
    except IntegrityError:
        return Place.objects.get(fingerprint=name)


def may_send(now: datetime) -> bool:
    """False while nobody has said that this place is the one that sends."""
    place = here(now)
    if place.allowed_at is None:
        return False
    # The home first: another worker may write more there while we look.
    kept = _kept()
    sent, said, cluster = _sent(), place.allowed_at.isoformat(), _cluster()
    before, heard = kept["marks"].get(str(place.mark), (0, said))
    moved = kept["cluster"] not in ("", cluster)
    if heard != said:
        # A person has allowed it anew since: what the home remembers is settled.
        before, moved = sent, False
    if sent < before or moved:
        if place.stopped != "restored":
            Place.objects.filter(pk=place.pk).update(
                stopped="restored", stopped_at=now, allowed_at=None
            )
        return False
    if place.looked_at != place.allowed_at:
        # The worker does it, for every agency, before it claims anything.
        Delivery.objects.filter(state__in=WAITING).update(confirm_first=True, retry_at=None)
        Place.objects.filter(pk=place.pk).update(looked_at=place.allowed_at)
    if sent > before or heard != said or kept["cluster"] != cluster:
        _keep(str(place.mark), sent, said, cluster)
    return True


def stopped() -> Place | None:
    """A place where sending is off, for the banner; None when all is well."""
    return Place.objects.exclude(stopped="").order_by("-stopped_at").first()


def allow(place: Place, *, by: Person | str, agency: Agency | None, now: datetime) -> None:
    """A person says: this is the only installation that sends, and its clock is right.

    After a copy or a restore everything that waits is looked up before it is sent. Without an
    agency (an operator's word) every autonomous agency gets it on record.
    """
    # A wrong clock says nothing about what went out before.
    settled = {"looked_at": now} if place.stopped == "clock" else {}
    with transaction.atomic():
        Place.objects.filter(pk=place.pk).update(
            allowed_at=now,
            allowed_by=by if isinstance(by, str) else f"person:{by.pk}",
            stopped="",
            stopped_at=None,
            parted_s=0,
            **settled,
        )
        # Places that were never allowed, or no more, stay silent; they are nobody's trouble now.
        Place.objects.filter(allowed_at=None).update(stopped="", stopped_at=None)
        _on_record(place, agency, allowed=True, by=by, now=now)


def stop(now: datetime, *, by: Person | str) -> Place:
    """An operator switches sending off here, as before the installation moves elsewhere."""
    place = here(now)
    with transaction.atomic():
        Place.objects.filter(pk=place.pk).update(allowed_at=None, stopped="off", stopped_at=now)
        place.refresh_from_db()
        _on_record(place, None, allowed=False, by=by, now=now)
    return place


def _on_record(
    place: Place, agency: Agency | None, *, allowed: bool, by: Person | str, now: datetime
) -> None:
    for one in [agency] if agency else Agency.objects.filter(autonomous=True):
        record(
            one,
            "sending.allowed" if allowed else "sending.stopped",
            ("publishing.place", place.pk),
            by=by,
            now=now,
            facts={"stopped": place.stopped},
        )


def sent_before(account_id: int) -> datetime | None:
    """The last send for this account of which the database knew when a person allowed sending here
    again: whatever another installation sent, it sent after that."""
    place = known()
    rows = Attempt.objects.filter(delivery__account_id=account_id, act=Attempt.Act.SEND)
    if place is not None and place.looked_at is not None:
        rows = rows.filter(started_at__lt=place.looked_at)
    found: datetime | None = rows.aggregate(last=Max("started_at"))["last"]
    return found


def _sent() -> int:
    """Rises with every send that was ever written down here."""
    return Attempt.objects.filter(act=Attempt.Act.SEND).aggregate(last=Max("pk"))["last"] or 0


def _cluster() -> str:
    """Names the PostgreSQL cluster: made by initdb, the same until the data go elsewhere. "" where
    a hosted database does not tell."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")
        if not cursor.fetchone()[0]:
            return ""
        cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
        return str(cursor.fetchone()[0])


def _kept() -> dict[str, Any]:
    try:
        found = json.loads(file().read_text(encoding="utf-8"))
        return {
            "id": str(found["id"]),
            "marks": dict(found["marks"]),
            # Release 0.1.0 did not keep it.
            "cluster": str(found.get("cluster", "")),
        }
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        fresh = {"id": uuid.uuid4().hex, "marks": {}, "cluster": ""}
        _write(fresh)
        return fresh


def _keep(mark: str, sent: int, said: str, cluster: str) -> None:
    kept = _kept()
    # A home serves one database; marks of those that are gone say nothing any more.
    _write({**kept, "marks": {mark: [sent, said]}, "cluster": cluster})


def _write(kept: dict[str, Any]) -> None:
    path = file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{uuid.uuid4().hex[:6]}")
    fresh.write_text(json.dumps(kept), encoding="utf-8")
    fresh.replace(path)
