"""Stop and start an account: its queue waits, nothing of it is lost."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.accounts.models import Account
from tanggap.archive.move import move
from tanggap.core.errors import Refused
from tanggap.core.models import Person

CREDENTIALS, PERSON = "credentials", "person"


def pause(
    account: Account, *, reason: str, by: Person | str, now: datetime, code: str = PERSON
) -> Account:
    """Nothing is sent or fetched for this account until `resume`. Pausing twice changes nothing.

    `code` is CREDENTIALS when the network itself refused them; then reconnecting is the way out.
    """
    if account.state == "paused":
        return account
    if not reason.strip():
        raise Refused(
            _("The account was not paused."),
            _("A reason is missing."),
            _("Write why, so that colleagues know when it may go on."),
            field="reason",
        )
    return move(
        account,
        "paused",
        by=by,
        now=now,
        facts={"code": code},
        paused_reason=reason.strip(),
        paused_code=code,
        paused_at=now,
    )


def refused(account_id: int, said: str, *, by: str, now: datetime) -> bool:
    """The network said that our credentials no longer count. True when this paused the account."""
    with transaction.atomic():
        account = (
            Account.objects.select_for_update().filter(pk=account_id, state="connected").first()
        )
        if account is None:
            return False
        pause(
            account,
            reason=said or _("The network refused our credentials."),
            by=by,
            now=now,
            code=CREDENTIALS,
        )
        Account.objects.filter(pk=account_id).update(trouble="credentials", trouble_said=said)
    return True


def resume(account: Account, *, by: Person | str, now: datetime) -> Account:
    """Go on. Refused while the network does not accept our credentials."""
    if account.paused_code == CREDENTIALS:
        raise Refused(
            _("The account is still paused."),
            _("The network does not accept our credentials."),
            _("Connect it again; it then goes on by itself."),
        )
    return move(
        account,
        "connected",
        by=by,
        now=now,
        paused_reason="",
        paused_code="",
        paused_at=None,
        check_after=now,
    )
