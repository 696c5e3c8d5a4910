"""The registry of official accounts: who owns each, by which decree, who can recover it.

Capabilities 1 and 2. Two custodians at least: one person who leaves must not take an account along.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from tanggap.accounts.models import Account, Custodian
from tanggap.archive.move import move
from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Person

CUSTODIANS = 2
EDITABLE = (
    "kind",
    "handle",
    "display_name",
    "url",
    "owner_unit",
    "person_in_charge",
    "decree_number",
    "opened_on",
    "recovery_contact",
    "verified_badge",
    "listed",
)


def register(
    agency: Agency,
    *,
    channel: str,
    custodians: Sequence[Person],
    by: Person | str,
    now: datetime,
    preset: str = "",
    server: str = "",
    **fields: Any,
) -> Account:
    """Put an account on the list. `fields` are those of EDITABLE; `server` only where the channel
    has more than one (https://host). Raises Refused, naming the field."""
    _complete(fields, custodians)
    account = Account(
        agency=agency, channel=channel, preset=preset, server=server.rstrip("/"), **_tidy(fields)
    )
    try:
        with transaction.atomic():
            account.save(force_insert=True)
            _custodians(account, custodians, now.date())
            record(
                agency,
                "account.registered",
                account,
                by=by,
                now=now,
                facts={
                    "channel": channel,
                    "kind": account.kind,
                    "decree": account.decree_number,
                    "unit": account.owner_unit_id,
                },
            )
    except IntegrityError as error:
        raise _twice(account.handle) from error
    return account


def edit(
    account: Account,
    *,
    custodians: Sequence[Person],
    by: Person | str,
    now: datetime,
    **fields: Any,
) -> Account:
    """Change what the registry says. The record names the fields that changed."""
    _complete(fields, custodians)
    if account.state == "retired":
        raise Refused(
            _("This account was not changed."),
            _("It is retired and stays as it was."),
            _("Register it anew if it is in use again."),
        )
    # An account that is connected lives where it lives.
    editable = (*EDITABLE, "server") if account.state == "registered" else EDITABLE
    before = {name: getattr(account, name) for name in editable}
    for name, value in _tidy(fields).items():
        if name in editable:
            setattr(account, name, value)
    account.server = account.server.rstrip("/")
    changed = [name for name in editable if getattr(account, name) != before[name]]
    held = set(account.custodians.values_list("person_id", flat=True))
    if {person.pk for person in custodians} != held:
        changed.append("custodians")
    if not changed:
        return account
    try:
        with transaction.atomic():
            account.save(update_fields=list(editable))
            _custodians(account, custodians, now.date())
            record(
                account.agency, "account.edited", account, by=by, now=now, facts={"fields": changed}
            )
    except IntegrityError as error:
        raise _twice(account.handle) from error
    return account


def retire(account: Account, *, reason: str, by: Person | str, now: datetime) -> Account:
    """The account is no longer ours. It stays on the list of what once was, and sends nothing."""
    if not reason.strip():
        raise Refused(
            _("This account was not retired."),
            _("A reason is missing."),
            _("Write why the account ends: closed, merged, or handed over."),
            field="reason",
        )
    with transaction.atomic():
        account.credentials.filter(superseded_at=None).update(superseded_at=now)
        return move(account, "retired", by=by, now=now, retired_reason=reason.strip())


def _complete(fields: dict[str, Any], custodians: Sequence[Person]) -> None:
    what = _("The account was not saved.")
    if not str(fields.get("decree_number") or "").strip():
        raise Refused(
            what,
            _("An official account exists by decree, and its number is missing."),
            _("Write the number of the decree (SK) that names this account."),
            field="decree_number",
        )
    if not str(fields.get("recovery_contact") or "").strip():
        raise Refused(
            what,
            _("Without a recovery contact nobody can get the account back once it is lost."),
            _("Write an office e-mail address or telephone number, not a private one."),
            field="recovery_contact",
        )
    if len({person.pk for person in custodians}) < CUSTODIANS:
        raise Refused(
            what,
            _("If only one person can recover an account, it is lost when that person leaves."),
            _("Choose two different people as custodians."),
            field="custodian_2",
        )


def _tidy(fields: dict[str, Any]) -> dict[str, Any]:
    """Text without blanks around it, a handle without its first @."""
    clean = {
        name: value.strip() if isinstance(value, str) else value for name, value in fields.items()
    }
    if "handle" in clean:
        clean["handle"] = clean["handle"].removeprefix("@")
    return clean


def _custodians(account: Account, people: Sequence[Person], since: date) -> None:
    wanted = {person.pk: person for person in people}
    account.custodians.exclude(person__in=wanted).delete()
    known = set(account.custodians.values_list("person_id", flat=True))
    Custodian.objects.bulk_create(
        Custodian(agency_id=account.agency_id, account=account, person=person, since=since)
        for pk, person in wanted.items()
        if pk not in known
    )


def _twice(handle: str) -> Refused:
    return Refused(
        _("The account was not saved."),
        _("An account with the name “%(handle)s” is already on this list.") % {"handle": handle},
        _("Open the one that is there, or correct the name."),
        field="handle",
    )
