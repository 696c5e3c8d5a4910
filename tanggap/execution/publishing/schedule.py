"""Step 2: put on the calendar what was approved, and take it off again.

What the officer wrote (wall time and zone) is kept beside the instant that it means. A queued
delivery is the approved words; editing the message afterwards voids them at the claim.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.accounts.models import Account
from tanggap.archive.move import move
from tanggap.archive.record import record
from tanggap.channels.base import Target
from tanggap.core.errors import Refused, Stale
from tanggap.core.models import Person
from tanggap.execution.publishing import content, lease, settle
from tanggap.execution.publishing.models import WAITING, Delivery
from tanggap.messaging.content import contents_of
from tanggap.messaging.models import Message, Variant

GRACE = timedelta(minutes=2)
"""A form takes a while to fill: a wall time that passed meanwhile means now."""
TYPED = "%Y-%m-%dT%H:%M"


def instant(wall: str, zone: str) -> datetime:
    """The instant that "2026-11-24T10:00" in an IANA zone means, in UTC.

    A time that the zone skips is refused; of a time that comes twice it is the first.
    """
    what = _("The time was not accepted.")
    try:
        local = datetime.strptime(wall, TYPED).replace(tzinfo=ZoneInfo(zone))
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise Refused(
            what, _("This is no date and time."), _("Choose a day and an hour."), field="at"
        ) from error
    found = local.astimezone(UTC)
    if found.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise Refused(
            what,
            _("Clocks are set forward then: %(time)s does not exist in %(zone)s.")
            % {"time": local.strftime("%H.%M"), "zone": zone},
            _("Choose a time an hour earlier or later."),
            field="at",
        )
    return found


def queue(
    message: Message, *, by: Person, now: datetime, at: tuple[str, str] | None = None
) -> list[Delivery]:
    """Queue every variant of an approved message, at once or at (wall time, zone).

    A variant of several parts becomes a thread. Raises Refused; then nothing is queued.
    """
    due_at = instant(*at) if at else now
    if due_at < now - GRACE:
        raise Refused(
            _("Nothing was scheduled."),
            _("This time has passed."),
            _("Choose a later time, or publish now."),
            field="at",
        )
    due_at = max(due_at, now)
    with transaction.atomic():
        fresh = Message.objects.select_for_update().get(pk=message.pk)
        if fresh.state not in ("approved", "released") or fresh.approved_hash is None:
            raise Refused(
                _("Nothing was scheduled."),
                _("This content is not approved."),
                _("Ask a second person to review it first."),
            )
        made: list[Delivery] = []
        before: dict[int, Delivery] = {}
        for variant, part, said in contents_of(fresh):
            _usable(variant.account)
            row = _part(variant, part, said, fresh, due_at, at, by, now)
            if part and variant.pk in before:
                # What was cancelled may still stand behind it.
                Delivery.objects.filter(follows=before[variant.pk]).update(follows=None)
                row.follows = before[variant.pk]
                row.save(update_fields=["follows"])
            before[variant.pk] = row
            made.append(row)
        if not made:
            raise Refused(
                _("Nothing was scheduled."),
                _("No account is chosen."),
                _("Choose at least one official account."),
            )
    message.refresh_from_db(fields=["state"])
    return made


def queue_reply(
    account: Account,
    *,
    text: str,
    reply_target: str | Target,
    approved_by: str,
    by: Person | str,
    now: datetime,
    visibility: str = "public",
    language: str = "id",
    private: bool = False,
    kind: str = "",
    lane: int = Delivery.Lane.REPLY,
    due_at: datetime | None = None,
    reply_handle: str = "",
    sealed: Mapping[str, Any] | None = None,
) -> Delivery:
    """Queue an answer below something on the network. `approved_by` names the person ("person:3")
    or the rule ("rule:saved_answer:7") that allows it; the caller has checked that. `sealed`
    (archive.payload.fact) are the words of the text's content.BLANK."""
    target = reply_target
    if not isinstance(target, Target):
        target = Target(target, reply_handle)
    _usable(account)
    said = content.make(
        text,
        visibility="direct" if private else visibility,
        language=language,
        reply_handle=target.handle,
        sealed=sealed,
    )
    kind = kind or (Delivery.Kind.PRIVATE if private else Delivery.Kind.REPLY)
    return _create(
        account,
        said,
        by=by,
        now=now,
        due_at=due_at or now,
        approved_by=approved_by,
        kind=Delivery.Kind.PRIVATE if private else kind,
        lane=lane,
        reply_target=target.remote_id,
    )


def release(message: Message, *, by: Person | str, now: datetime) -> None:
    """approved → released, when the first of it leaves. From then on its words are history."""
    if message.state == "approved":
        move(message, "released", by=by, now=now)


def reschedule(delivery: Delivery, *, at: tuple[str, str], by: Person, now: datetime) -> Delivery:
    """Another time for what still waits; the rest of its thread moves along."""
    due_at = instant(*at)
    if due_at < now - GRACE:
        raise Refused(
            _("The time was not changed."),
            _("This time has passed."),
            _("Choose a later time."),
            field="at",
        )
    fields: dict[str, Any] = {"due_at": due_at, "wall_time": at[0], "zone": at[1]}
    with transaction.atomic():
        for row in [delivery, *settle.rest(delivery)]:
            if row.state in ("late", "held"):
                move(
                    row,
                    "queued",
                    by=by,
                    now=now,
                    trouble="",
                    trouble_said="",
                    tries=0,
                    retry_at=None,
                    late_accepted=False,
                    **fields,
                )
                continue
            changed = Delivery.objects.filter(pk=row.pk, state__in=["queued", "ready"]).update(
                **fields, late_accepted=False
            )
            if not changed and row.pk == delivery.pk:
                raise _on_its_way(_("The time was not changed."))
            record(
                row.agency, "delivery.rescheduled", row, by=by, now=now, facts={"due_at": due_at}
            )
    delivery.refresh_from_db()
    return delivery


def cancel(delivery: Delivery, *, by: Person | str, now: datetime, reason: str = "") -> Delivery:
    """Take it off, by compare-and-swap: it never leaves, or it is refused because it is leaving.

    The parts after it in a thread are taken off with it. Published things are removed instead.
    """
    if delivery.state in ("published", "removing", "removed"):
        raise Refused(
            _("Nothing was cancelled."),
            _("It is already published."),
            _("Use “Remove from the network” instead."),
        )
    if delivery.state not in (*WAITING, "asked", "failed"):
        raise _on_its_way(_("Nothing was cancelled."))
    with transaction.atomic():
        try:
            move(
                delivery,
                "cancelled",
                by=by,
                now=now,
                facts={"reason": bool(reason)},
                trouble="cancelled",
                trouble_said=reason.strip(),
                retry_at=None,
                **lease.none(),
            )
        except Stale as error:
            raise _on_its_way(_("Nothing was cancelled.")) from error
        for part in settle.rest(delivery):
            if part.state in WAITING:
                move(
                    part,
                    "cancelled",
                    by=by,
                    now=now,
                    facts={"part": delivery.part},
                    trouble="cancelled",
                    trouble_said=reason.strip(),
                    retry_at=None,
                    **lease.none(),
                )
    return delivery


def cancel_waiting(message: Message, *, by: Person | str, now: datetime, reason: str = "") -> int:
    """Everything of a message that has not left (it is withdrawn). How many were taken off."""
    taken = 0
    rows = Delivery.objects.filter(variant__message=message, state__in=WAITING).order_by("part")
    for row in rows:
        row.refresh_from_db()
        if row.state in WAITING:
            cancel(row, by=by, now=now, reason=reason)
            taken += 1
    return taken


def _part(
    variant: Variant,
    part: int,
    said: content.Content,
    message: Message,
    due_at: datetime,
    at: tuple[str, str] | None,
    by: Person,
    now: datetime,
) -> Delivery:
    old = (
        Delivery.objects.filter(variant=variant, part=part)
        .exclude(state__in=["cancelled", "removed"])
        .select_for_update(of=["self"])
        .first()
    )
    if old is not None and old.state != "failed":
        raise Refused(
            _("Nothing was scheduled."),
            _("For %(account)s this is already scheduled or published.")
            % {"account": variant.account.display_name},
            _("Open “Publishing” to change its time or cancel it."),
        )
    wall = {"wall_time": at[0], "zone": at[1]} if at else {}
    lane = Delivery.Lane.EMERGENCY if message.emergency else Delivery.Lane.SCHEDULED
    approved_by = f"person:{message.approved_by_id}" if message.approved_by_id else "rule:emergency"
    if old is None:
        return _create(
            variant.account,
            said,
            by=by,
            now=now,
            due_at=due_at,
            lane=lane,
            approved_by=approved_by,
            variant=variant,
            part=part,
            kind=Delivery.Kind.POST,
            **wall,
        )
    found = content.digest(said, old.account_id)
    old.content = said
    wall_time, zone = at or ("", "")
    move(
        old,
        "queued",
        by=by,
        now=now,
        content_hash=found,
        approved_hash=found,
        due_at=due_at,
        queued_at=now,
        approved_by=approved_by,
        retry_at=None,
        tries=0,
        trouble="",
        trouble_said="",
        prepared={},
        late_accepted=False,
        lane=lane,
        wall_time=wall_time,
        zone=zone,
    )
    Delivery.objects.filter(pk=old.pk).update(content=said)
    _on_record(old, by, now)
    return old


def _create(
    account: Account,
    said: content.Content,
    *,
    by: Person | str,
    now: datetime,
    reply_target: str = "",
    **fields: Any,
) -> Delivery:
    found = content.digest(said, account.pk, reply_target)
    row = Delivery(
        agency_id=account.agency_id,
        account=account,
        content=said,
        content_hash=found,
        approved_hash=found,
        reply_target=reply_target,
        queued_at=now,
        key=uuid.uuid4(),
        created_by=by if isinstance(by, Person) else None,
        **fields,
    )
    with transaction.atomic():
        row.save(force_insert=True)
        _on_record(row, by, now)
    return row


def _on_record(row: Delivery, by: Person | str, now: datetime) -> None:
    record(
        row.agency,
        "delivery.queued",
        row,
        by=by,
        now=now,
        content=row.evidence(),
        facts={
            "account": row.account_id,
            "kind": row.kind,
            "lane": int(row.lane),
            "variant": row.variant_id,
            "part": row.part,
            "due_at": row.due_at,
            "approved_by": row.approved_by,
            "hash": bytes(row.content_hash).hex(),
            **row.content.get("sealed", {}),
        },
    )


def _usable(account: Account) -> None:
    if account.state in ("connected", "paused"):
        return
    raise Refused(
        _("Nothing was queued."),
        _("%(account)s is not connected.") % {"account": account.display_name},
        _("Connect it under “Official accounts”, or choose another account."),
    )


def _on_its_way(what: str) -> Refused:
    return Refused(
        what,
        _("It is already on its way to the network."),
        _("Wait a moment; once it is published you can remove it."),
    )
