"""Ask the network whether our credentials still count, and what its limits are: daily, and at will.

Only an explicit answer about credentials pauses an account. Silence never does.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from tanggap.accounts import connect, pause
from tanggap.accounts.models import Account
from tanggap.channels.errors import ChannelError, NotAuthorised
from tanggap.core.errors import Refused
from tanggap.core.models import Person

AGAIN = timedelta(hours=1)
"""After a silence."""
LEASE = timedelta(minutes=5)
BATCH = 20
BY = "system:verify"
log = logging.getLogger(__name__)


def check(
    account: Account,
    *,
    by: Person | str = BY,
    now: datetime,
    within: connect.Within = transaction.atomic,
) -> str:
    """Look once. "" when all is well, else "credentials" (the account is now paused) or "silent".

    Touches nothing but the account's own row; raises Refused only for a channel that is not here.
    """
    try:
        secret = connect.in_force(account, now, within=within)
        identity = connect.identify(account, secret, now)
    except NotAuthorised as error:
        with within():
            pause.refused(account.pk, error.said, by="system:verify", now=now)
        return "credentials"
    except ChannelError as error:
        with within():
            Account.objects.filter(pk=account.pk).update(
                trouble="silent", trouble_said=error.said, check_after=now + AGAIN
            )
        return "silent"
    with within():
        fresh = Account.objects.select_for_update().get(pk=account.pk)
        if identity is None:
            Account.objects.filter(pk=account.pk).update(check_after=now + timedelta(days=1))
        elif fresh.remote_id and identity.account_id != fresh.remote_id:
            pause.refused(account.pk, identity.handle, by="system:verify", now=now)
            return "credentials"
        else:
            connect.learn(fresh, identity, now=now)
            if fresh.state == "paused" and fresh.paused_code == pause.CREDENTIALS:
                fresh.paused_code = pause.PERSON
                pause.resume(fresh, by=by, now=now)
    return ""


def tick(now: datetime) -> int:
    """Look at the accounts whose daily look is due. How many were looked at."""
    with transaction.atomic():
        due = list(
            Account.objects.select_for_update(skip_locked=True, of=["self"])
            .filter(state="connected", check_after__lte=now)
            .order_by("check_after", "pk")[:BATCH]
        )
        # Somebody else's tick leaves them alone meanwhile.
        Account.objects.filter(pk__in=[row.pk for row in due]).update(check_after=now + LEASE)
    for account in due:
        try:
            check(account, now=now)
        except Exception as error:
            # What stops one account (a secret that cannot be opened) stops no other.
            if not isinstance(error, Refused):
                log.exception("Account %s could not be looked at.", account.pk)
            said = str(error) if isinstance(error, Refused) else type(error).__name__
            Account.objects.filter(pk=account.pk).update(
                trouble="silent", trouble_said=said, check_after=now + AGAIN
            )
    return len(due)
