"""Private notes of the team (catatan internal). Citizens never see them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Person
from tanggap.execution.inbox.models import Conversation, Note


def add(conversation: Conversation, text: str, *, by: Person, now: datetime) -> Note:
    """Raises Refused for an empty note."""
    if not text.strip():
        raise Refused(
            _("No note was added."),
            _("There are no words in it."),
            _("Write a note."),
            field="note",
        )
    with transaction.atomic():
        row = Note.objects.create(
            agency_id=conversation.agency_id,
            conversation=conversation,
            text=text.strip(),
            by=by,
            at=now,
        )
        record(
            conversation.agency,
            "note.added",
            row,
            by=by,
            now=now,
            facts={"conversation": conversation.pk},
        )
    return row
