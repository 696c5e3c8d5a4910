"""What a colleague would say before something is scheduled: twice the same, too much, too close.

Warnings only: a person may have good reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from tanggap.accounts import limits
from tanggap.accounts.models import Account
from tanggap.execution.publishing import content
from tanggap.execution.publishing.models import Delivery
from tanggap.messaging.content import contents_of
from tanggap.messaging.models import Message

HOUR = timedelta(hours=1)
CLOSE = timedelta(minutes=10)
GONE = ("cancelled", "failed", "removed")


@dataclass(frozen=True, slots=True)
class Note:
    """`rule` is its code; `why` says what was seen, `next` what to do."""

    rule: str
    what: str
    why: str
    next: str


def look(message: Message, *, due_at: datetime, now: datetime) -> list[Note]:
    """Everything worth saying before `message` is queued for `due_at`."""
    found: list[Note] = []
    for variant, part, said in contents_of(message):
        if part == 0:
            found += _account(variant.account, said["text"], due_at, now, not_of=message)
    return found


def _account(
    account: Account, text: str, due_at: datetime, now: datetime, *, not_of: Message
) -> list[Note]:
    around = (
        Delivery.objects.filter(
            account=account, kind=Delivery.Kind.POST, due_at__range=(due_at - HOUR, due_at + HOUR)
        )
        .exclude(state__in=GONE)
        .exclude(variant__message=not_of)
        .order_by("due_at")
    )
    found = []
    own = (
        Delivery.objects.filter(variant__message=not_of, account=account)
        .exclude(state__in=GONE)
        .exists()
    )
    name = {"account": account.display_name}
    if own:
        found.append(
            Note(
                "scheduled_already",
                _("Already scheduled for %(account)s") % name,
                _("This content is in the queue, or is out."),
                _("Open “Publishing” to change its time."),
            )
        )
    wanted = content.alike(text)
    rows = list(around)
    if any(content.alike(row.content["text"]) == wanted for row in rows):
        found.append(
            Note(
                "same_hour",
                _("The same words within the hour on %(account)s") % name,
                _("Another post with the same words is planned or published then."),
                _("Choose another time, or leave one of the two out."),
            )
        )
    elif any(row.part == 0 and abs(row.due_at - due_at) < CLOSE for row in rows):
        found.append(
            Note(
                "close",
                _("Close to another post on %(account)s") % name,
                _("Another post is planned within ten minutes of it."),
                _("Spread them, so that people read both."),
            )
        )
    free_at = limits.free_at(account, limits.SENDING, now)
    if free_at is not None and free_at > due_at:
        found.append(
            Note(
                "quota",
                _("The network's limit for %(account)s is used up") % name,
                _("It will take the next post only later."),
                _("It goes out by itself as soon as the network allows."),
            )
        )
    if account.state == "paused":
        found.append(
            Note(
                "paused",
                _("%(account)s is paused") % name,
                account.paused_reason,
                _("It waits in the queue until the account goes on."),
            )
        )
    return found
