"""What only named roles may read: sealed conversations, and personal data behind its mask.

Every look behind a mask is on record with a reason from a list.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Person
from tanggap.execution.inbox import triage
from tanggap.execution.inbox.models import Conversation, Item, Revision

REASONS = {
    "serve": gettext_lazy("Needed to serve this citizen, who asked for it"),
    "wrong_mask": gettext_lazy("To check whether this was masked by mistake"),
    "law": gettext_lazy("Ordered by law or by the inspectorate"),
}

# Why somebody needs to know who wrote a sealed report.
IDENTITY = {
    "protect": gettext_lazy("To protect the reporter"),
    "examine": gettext_lazy("The examination cannot go on without it"),
    "law": gettext_lazy("Ordered by law or by the inspectorate"),
}


def reveal(words: Item | Revision, reason: str, *, by: Person, now: datetime) -> str:
    """The words without a mask, on record. The caller holds the verb "reveal"."""
    if reason not in REASONS:
        raise Refused(
            _("Nothing was revealed."),
            _("A reason is missing."),
            _("Choose why you need it."),
            field="reason",
        )
    item = words.item if isinstance(words, Revision) else words
    record(
        item.agency,
        "personal_data.revealed",
        words,
        by=by,
        now=now,
        facts={
            "item": item.pk,
            "reason": reason,
            "kinds": sorted({one["kind"] for one in words.personal}),
        },
    )
    return words.text


def opened(conversation: Conversation, *, by: Person, now: datetime) -> None:
    """A sealed conversation was read: on record each time."""
    record(conversation.agency, "conversation.read", conversation, by=by, now=now)


def identify(conversation: Conversation, reason: str, *, by: Person, now: datetime) -> None:
    """Who wrote a sealed report was shown, on record. The caller holds the verb "integrity"."""
    if reason not in IDENTITY:
        raise Refused(
            _("The reporter stays unnamed."),
            _("A reason is missing."),
            _("Choose why you need to know who it is."),
            field="reason",
        )
    record(
        conversation.agency,
        "identity.revealed",
        conversation,
        by=by,
        now=now,
        facts={"reason": reason},
    )


def unseal(conversation: Conversation, kind: str, *, by: Person, now: datetime) -> Conversation:
    """It is no report of misconduct but `kind`; the team may see it. For holders of "integrity"."""
    if kind == "integrity":
        raise Refused(
            _("Nothing was changed."),
            _("Such reports stay sealed."),
            _("Choose what it is instead."),
            field="kind",
        )
    with transaction.atomic():
        triage.label(conversation, "kind", kind, by=by, now=now)
        labelled = {**conversation.labelled, triage.UNSEALED: f"person:{by.pk}"}
        Conversation.objects.filter(pk=conversation.pk).update(sealed=False, labelled=labelled)
        record(
            conversation.agency,
            "conversation.unsealed",
            conversation,
            by=by,
            now=now,
            facts={"kind": kind},
        )
    conversation.refresh_from_db()
    return conversation
