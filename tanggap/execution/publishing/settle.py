"""Write down what a try came to: first the Attempt, append-only, then the state. Nothing else.

No side job shares this path (pains 1): statistics, notices and webhooks pull from the rows later.
A definite success settles from whatever state it finds, however late it comes. Everything else
settles only while the row is still under the lease of whoever made the try.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models.expressions import RawSQL

from tanggap.archive.move import move, move_many
from tanggap.archive.record import record
from tanggap.channels.base import Posted
from tanggap.core.errors import Stale
from tanggap.core.recordset import recordset
from tanggap.core.together import ask
from tanggap.execution.publishing import lease
from tanggap.execution.publishing.models import Attempt, Delivery, DeliveryStates

BACK_OFF = (5, 15, 30, 60, 120, 300)
"""Seconds before the next try after the first, second, … failure in a row; the last repeats."""
READ_BACKS = (15, 45, 120)
"""Seconds after an unknown outcome, and after each read-back that found nothing."""
SPACE = timedelta(minutes=10)
"""Between looks for what a person was already asked about: the longest wait between two looks."""
NOTED = (
    "agency_id",
    "delivery_id",
    "act",
    "outcome",
    "started_at",
    "ended_at",
    "said",
    "remote_id",
    "facts",
)
NOTE = """
INSERT INTO publishing_attempt (agency_id, delivery_id, act, outcome, started_at, ended_at, said,
                                remote_id, facts)
SELECT * FROM json_to_recordset(%s) AS one(
  agency_id bigint, delivery_id bigint, act text, outcome text, started_at timestamptz,
  ended_at timestamptz, said text, remote_id text, facts jsonb)
"""
OURS = """
SELECT id, lease_token, agency_id FROM publishing_delivery WHERE id = ANY(%s) AND state = %s
ORDER BY id FOR UPDATE
"""
FOLLOWED = "SELECT follows_id FROM publishing_delivery WHERE follows_id = ANY(%s)"


def attempt(
    delivery: Delivery,
    act: str,
    outcome: str,
    *,
    started_at: datetime,
    ended_at: datetime,
    said: str = "",
    remote_id: str = "",
    facts: Mapping[str, Any] | None = None,
) -> Attempt:
    """One try, in a transaction of its own."""
    made = tried(
        delivery,
        act,
        outcome,
        started_at=started_at,
        ended_at=ended_at,
        said=said,
        remote_id=remote_id,
        facts=facts,
    )
    made.save(force_insert=True)
    return made


def tried(
    delivery: Delivery,
    act: str,
    outcome: str,
    *,
    started_at: datetime,
    ended_at: datetime,
    said: str = "",
    remote_id: str = "",
    facts: Mapping[str, Any] | None = None,
) -> Attempt:
    """One try, not yet written down."""
    return Attempt(
        agency_id=delivery.agency_id,
        delivery=delivery,
        act=act,
        outcome=outcome,
        started_at=started_at,
        ended_at=ended_at,
        said=said,
        remote_id=remote_id,
        facts=dict(facts or {}),
    )


def attempts(made: Sequence[Attempt]) -> None:
    """Several tries at once, in one statement and a transaction of their own."""
    if not made:
        return
    with connection.cursor() as cursor:
        cursor.execute(NOTE, [recordset(made, NOTED)])


def published_each(
    found: Mapping[int, tuple[UUID | None, Posted]], *, by: str, now: datetime
) -> set[int]:
    """Bind those that are still as their sender left them, in one transaction: delivery → (lease,
    what the network shows). Returns the others' ids: each of them is for `published`."""
    try:
        with transaction.atomic():
            leases = {pk: token for pk, (token, _posted) in found.items()}
            held, followed = ask(
                (f"{OURS} SKIP LOCKED", [list(leases), "sending"]), (FOLLOWED, [list(leases)])
            )
            known = _under(leases, held)
            ours = {pk: found[pk][1] for pk in known}
            if not ours:
                return set(found)
            done = move_many(
                Delivery,
                list(ours),
                "sending",
                "published",
                by=by,
                now=now,
                known={pk: (known[pk], {"remote_id": one.remote_id}) for pk, one in ours.items()},
                wanted=(),
                remote_id=_by_row({pk: one.remote_id for pk, one in ours.items()}, "text"),
                remote_url=_by_row({pk: one.url[:800] for pk, one in ours.items()}, "text"),
                published_at=_by_row(
                    {pk: (one.at or now).isoformat() for pk, one in ours.items()}, "timestamptz"
                ),
                retry_at=None,
                unknown_since=None,
                trouble="",
                trouble_said="",
                **lease.none(),
            )
            after = {pk for (pk,) in followed}
            for row in done:
                if row.pk in after:
                    _go_on(row, by=by, now=now)
    except IntegrityError:
        # One of these ids belongs to another delivery: `published` finds which.
        return set(found)
    return set(found) - {row.pk for row in done}


def _under(leases: Mapping[int, UUID | None], held: Iterable[tuple[Any, ...]]) -> dict[int, int]:
    """Those of OURS that are under these leases still, with whose each is."""
    return {pk: agency for pk, token, agency in held if token == leases[pk]}


def _by_row(values: Mapping[int, str], kind: Literal["text", "timestamptz"]) -> RawSQL:
    """Another value for each row of one UPDATE, looked up by its id."""
    table = connection.ops.quote_name(Delivery._meta.db_table)
    # Nothing from outside is in the statement itself.
    found = f"(%s::jsonb ->> {table}.id::text)::{kind}"
    return RawSQL(found, [json.dumps(values)])  # noqa: S611


def ready_each(
    made: Mapping[int, tuple[UUID | None, dict[str, Any]]], *, by: str, now: datetime
) -> int:
    """preparing → ready for those that are still under their lease: delivery → (lease, what
    prepare() gave back). How many."""
    alike: dict[str, list[int]] = {}
    for pk, (_token, prepared) in made.items():
        alike.setdefault(json.dumps(prepared, sort_keys=True), []).append(pk)
    count = 0
    with transaction.atomic():
        leases = {pk: token for pk, (token, _prepared) in made.items()}
        known = _under(leases, ask((OURS, [list(leases), "preparing"]))[0])
        for ids in alike.values():
            moved = move_many(
                Delivery,
                [pk for pk in ids if pk in known],
                "preparing",
                "ready",
                by=by,
                now=now,
                wanted=(),
                known={pk: (agency, {}) for pk, agency in known.items()},
                retry_at=None,
                prepared_at=now,
                trouble="",
                trouble_said="",
                prepared=made[ids[0]][1],
                **lease.none(),
            )
            count += len(moved)
    return count


def published(
    delivery_id: int,
    posted: Posted,
    *,
    by: Any,
    now: datetime,
    facts: Mapping[str, Any] | None = None,
) -> str:
    """It is out: bind it to what the network shows. Returns the state that the row ends in.

    `published` also when it already was, under the same id. When the id belongs to another
    delivery, or this one is already bound to another id, a person must look: two copies may exist.
    """
    while True:
        row = Delivery.objects.get(pk=delivery_id)
        if row.state in ("published", "removing", "removed"):
            if row.remote_id == posted.remote_id:
                return row.state
            record(
                row.agency,
                "delivery.second_copy",
                row,
                by=by,
                now=now,
                facts={"remote_id": posted.remote_id},
            )
            Delivery.objects.filter(pk=row.pk).update(
                trouble="second_copy", trouble_said=posted.url or posted.remote_id
            )
            return row.state
        try:
            with transaction.atomic():
                move(
                    row,
                    "published",
                    by=by,
                    now=now,
                    facts={"remote_id": posted.remote_id, **(facts or {})},
                    remote_id=posted.remote_id,
                    remote_url=posted.url[:800],
                    published_at=posted.at or now,
                    retry_at=None,
                    unknown_since=None,
                    trouble="",
                    trouble_said="",
                    **lease.none(),
                )
                _go_on(row, by=by, now=now)
            return "published"
        except Stale:
            continue
        except IntegrityError:
            return asked(delivery_id, "bound", posted.url or posted.remote_id, by=by, now=now)


def unknown(
    delivery_id: int, token: UUID | None, *, trouble: str, said: str, by: str, now: datetime
) -> bool:
    """sending → unknown: it may be out. Looked up after a while, never sent again unseen."""
    return _under_lease(
        delivery_id,
        token,
        "sending",
        "unknown",
        by=by,
        now=now,
        trouble=trouble,
        trouble_said=said,
        unknown_since=now,
        confirms=0,
        retry_at=now + timedelta(seconds=READ_BACKS[0]),
    )


def nothing_happened(
    delivery_id: int,
    token: UUID | None,
    source: str,
    *,
    trouble: str,
    said: str,
    by: str,
    now: datetime,
    retry_at: datetime | None,
    counts: bool = True,
    **fields: Any,
) -> bool:
    """Back to the queue from `preparing` or `sending`: surely nothing was published.

    `counts` is False where the network merely asked to wait, or a hold came between.
    """
    with transaction.atomic():
        row = mine(delivery_id, token, source)
        if row is None:
            return False
        if source == "sending":
            fields["sends"] = max(0, row.sends - 1)
        tries = row.tries + 1 if counts else row.tries
        move(
            row,
            "queued",
            by=by,
            now=now,
            facts={"code": trouble},
            trouble=trouble,
            trouble_said=said,
            tries=tries,
            retry_at=retry_at or back_off(tries, now),
            **lease.none(),
            **fields,
        )
    return True


def failed(
    delivery_id: int,
    token: UUID | None,
    source: str,
    *,
    trouble: str,
    said: str,
    by: str,
    now: datetime,
) -> bool:
    """The network refused it in so many words: the writer decides. The rest of a thread waits."""
    with transaction.atomic():
        row = mine(delivery_id, token, source)
        if row is None:
            return False
        sends = max(0, row.sends - 1) if source == "sending" else row.sends
        move(
            row,
            "failed",
            by=by,
            now=now,
            facts={"code": trouble},
            trouble=trouble,
            trouble_said=said,
            retry_at=None,
            sends=sends,
            **lease.none(),
        )
        hold_rest(row, by=by, now=now)
    return True


def asked(delivery_id: int, trouble: str, said: str, *, by: Any, now: datetime) -> str:
    """Only a person can tell. Returns the state that the row ends in."""
    while True:
        row = Delivery.objects.get(pk=delivery_id)
        if "asked" not in DeliveryStates.moves[row.state]:
            return row.state
        try:
            move(
                row,
                "asked",
                by=by,
                now=now,
                facts={"code": trouble},
                trouble=trouble,
                trouble_said=said,
                retry_at=now + timedelta(minutes=10),
                **lease.none(),
            )
            return "asked"
        except Stale:
            continue


def back_off(tries: int, now: datetime) -> datetime:
    return now + timedelta(seconds=BACK_OFF[min(max(tries, 1), len(BACK_OFF)) - 1])


def hold_rest(row: Delivery, *, by: Any, now: datetime) -> None:
    """The parts after this one stay back until a person decides."""
    for found in rest(row):
        # Under lock: another slot may be preparing it at this moment.
        part = Delivery.objects.select_for_update(of=["self"]).get(pk=found.pk)
        if part.state == "preparing":
            # Not under anybody's lease any more: whoever prepares it will find it gone.
            move(part, "queued", by=by, now=now, **lease.none())
        if part.state in ("queued", "ready"):
            move(part, "held", by=by, now=now, facts={"part": row.part}, trouble="before")


def rest(row: Delivery) -> list[Delivery]:
    """The parts of a thread after this one, in order."""
    found: list[Delivery] = []
    last = row
    while True:
        following = Delivery.objects.filter(follows=last).first()
        if following is None:
            return found
        found.append(following)
        last = following


def _go_on(row: Delivery, *, by: Any, now: datetime) -> None:
    """A part is out: the parts that waited for it may go on."""
    ids = [part.pk for part in rest(row) if part.state == "held" and part.trouble == "before"]
    if ids:
        move_many(Delivery, ids, "held", "queued", by=by, now=now, trouble="")


def mine(delivery_id: int, token: UUID | None, state: str) -> Delivery | None:
    """The row under lock, if it is still in that state under that lease."""
    return (
        Delivery.objects.select_for_update(of=["self"])
        .filter(pk=delivery_id, state=state, lease_token=token)
        .first()
    )


def _under_lease(
    delivery_id: int,
    token: UUID | None,
    source: str,
    to: str,
    *,
    by: str,
    now: datetime,
    trouble: str,
    **fields: Any,
) -> bool:
    with transaction.atomic():
        row = mine(delivery_id, token, source)
        if row is None:
            return False
        move(
            row,
            to,
            by=by,
            now=now,
            facts={"code": trouble},
            trouble=trouble,
            **lease.none(),
            **fields,
        )
    return True
