"""Put a conversation off until a time, or lay it to rest. A new word of the citizen wakes both."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.archive.move import move
from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Person
from tanggap.execution.inbox import promise
from tanggap.execution.inbox.models import Conversation


def snooze(
    conversation: Conversation, until: datetime, *, by: Person, now: datetime
) -> Conversation:
    """Out of the list until then. What is owed stays owed: not later than its due time."""
    if until <= now:
        raise Refused(
            _("Nothing was changed."),
            _("This time has passed."),
            _("Choose a later time."),
            field="until",
        )
    if until > conversation.due_at:
        raise Refused(
            _("Nothing was changed."),
            _("An answer is promised before that time."),
            _("Choose an earlier time, or answer first."),
            field="until",
        )
    return _set(conversation, until, by, now)


def wake(conversation: Conversation, *, by: Person | str, now: datetime) -> Conversation:
    """Back in the list."""
    return _set(conversation, None, by, now)


def quiet(conversation: Conversation, *, by: Person, now: datetime) -> Conversation:
    """Nothing more to do: thanks, spam, or settled without an answer of ours."""
    with transaction.atomic():
        move(conversation, "quiet", by=by, now=now)
        promise.set_due(conversation, now)
        Conversation.objects.filter(pk=conversation.pk).update(unread=False)
    return conversation


def reopen(conversation: Conversation, *, by: Person, now: datetime) -> Conversation:
    """There is something to do after all."""
    with transaction.atomic():
        move(conversation, "triaged", by=by, now=now)
        promise.set_due(conversation, now)
    return conversation


def _set(
    conversation: Conversation, until: datetime | None, by: Person | str, now: datetime
) -> Conversation:
    with transaction.atomic():
        Conversation.objects.filter(pk=conversation.pk).update(snoozed_until=until)
        record(
            conversation.agency,
            "conversation.snoozed",
            conversation,
            by=by,
            now=now,
            facts={"until": until},
        )
    conversation.snoozed_until = until
    return conversation
