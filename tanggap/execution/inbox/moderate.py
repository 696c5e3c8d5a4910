"""Hide what breaks the house rules, and nothing else.

Only a reason of house_rules.json hides; criticism is never one, and the refusal quotes the rule and
is kept. The citizen's words stay with us untouched. No network that we speak to today lets an
agency hide an answer below its post, so that hiding concerns our own public views and says so.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.accounts import connect
from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Person
from tanggap.execution.inbox import snooze, triage
from tanggap.execution.inbox.models import Conversation, Item, Moderation
from tanggap.execution.inbox.tables import house_rules, reason, words

OPINION = frozenset({"criticism", "complaint", "aspiration"})


def hide(item: Item, code: str, note: str, *, by: Person, now: datetime) -> Moderation:
    """Hide an item from our public views. Raises Refused, quoting the rule, for anything that is
    no listed reason; the refusal is kept as a Moderation."""
    listed = reason(code)
    kind = item.conversation.kind if item.conversation is not None else ""
    if listed is None or (kind in OPINION and not listed["outweighs_criticism"]):
        _keep(item, "refused", code, note, by, now)
        raise Refused(
            _("This message was not hidden."),
            _("House rule: “%(rule)s”") % {"rule": words(house_rules()["criticism"])},
            _("Answer it. Only the listed reasons allow hiding."),
            field="reason",
        )
    if not note.strip():
        raise Refused(
            _("This message was not hidden."),
            _("An explanation is missing."),
            _("Write which words break the rule."),
            field="note",
        )
    with transaction.atomic():
        Item.objects.filter(pk=item.pk).update(hidden_at=now)
        row = _keep(item, "hide", code, note, by, now)
    item.hidden_at = now
    return row


def show(item: Item, note: str, *, by: Person, now: datetime) -> Moderation:
    """It may be seen again."""
    with transaction.atomic():
        Item.objects.filter(pk=item.pk).update(hidden_at=None)
        row = _keep(item, "show", "", note, by, now)
    item.hidden_at = None
    return row


def on_network(item: Item) -> bool:
    """False where the network gives no way to hide it: it stays visible there, and we say so."""
    return "hide" in connect.can(item.account)


def spam(conversation: Conversation, *, by: Person, now: datetime) -> Conversation:
    """Mark as spam and lay it to rest. Nothing is deleted or hidden by that."""
    with transaction.atomic():
        triage.label(conversation, "kind", "spam", by=by, now=now)
        if conversation.state != "quiet":
            snooze.quiet(conversation, by=by, now=now)
    return conversation


def _keep(item: Item, act: str, code: str, note: str, by: Person, now: datetime) -> Moderation:
    with transaction.atomic():
        row = Moderation.objects.create(
            agency_id=item.agency_id,
            item=item,
            act=act,
            reason=code[:24],
            note=note.strip(),
            by=by,
            at=now,
        )
        record(
            item.agency,
            "item.moderated",
            row,
            by=by,
            now=now,
            facts={"item": item.pk, "act": act, "reason": code[:24]},
        )
    return row
