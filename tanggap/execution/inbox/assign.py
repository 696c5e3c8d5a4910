"""Who answers a conversation (penugasan)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Membership, Person
from tanggap.core.roles import allows
from tanggap.execution.inbox.models import Conversation


def assign(
    conversation: Conversation, person: Person | None, *, by: Person | str, now: datetime
) -> Conversation:
    """Give it to somebody who answers citizens here, or to nobody (None). Raises Refused."""
    if person is not None and not may_answer(conversation, person):
        raise Refused(
            _("Nothing was changed."),
            _("This person does not answer citizens here."),
            _("Choose somebody of the list."),
            field="person",
        )
    with transaction.atomic():
        Conversation.objects.filter(pk=conversation.pk).update(assigned_to=person)
        record(
            conversation.agency,
            "conversation.assigned",
            conversation,
            by=by,
            now=now,
            facts={"to": person.pk if person else None},
        )
    conversation.assigned_to = person
    return conversation


def may_answer(conversation: Conversation, person: Person) -> bool:
    """By a membership that has not ended. For a sealed one, only who handles those."""
    wanted = "integrity" if conversation.sealed else "inbox.write"
    roles = Membership.objects.filter(
        agency_id=conversation.agency_id, person=person, ended_at=None
    ).values_list("role", flat=True)
    return any(allows(role, wanted) for role in roles)
