"""Step 5: what we owe a conversation, and until when. The only writer of `Conversation.due_at`.

The agency promises a first answer within so many working minutes (core/rules.py,
`first_response_minutes`): its own decision, no legal term. Danger to life keeps no office hours
(`danger_response_minutes`), so it stands before everything else. A later stage adds what it owes
with `owe`; the earliest wins, and 9999-12-31 stands where nothing is owed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Max

from tanggap.core import rules, worktime
from tanggap.core.models import Agency
from tanggap.core.worktime import Office
from tanggap.execution.inbox.models import Conversation, Item, Reply

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Sorts last: nothing is owed."""
OPEN = ("new", "triaged")
# Kinds to which no answer is promised.
NO_ANSWER_OWED = frozenset({"spam", "thanks"})


def set_due(conversation: Conversation, now: datetime, office: Office | None = None) -> datetime:
    """Work out `due_at` again from what is there, and keep it.

    Give `office` along when many conversations of one agency are set at once.
    """
    found = min(
        _first_answer(conversation, office) or NEVER,
        conversation.owed_at or NEVER,
    )
    if found != conversation.due_at:
        Conversation.objects.filter(pk=conversation.pk).update(due_at=found)
        conversation.due_at = found
    return found


DUE = """
UPDATE inbox_conversation AS c SET due_at = v.due_at
FROM unnest(%s::bigint[], %s::timestamptz[]) AS v (id, due_at) WHERE c.id = v.id
"""


def set_due_many(conversations: Sequence[Conversation], office: Office) -> None:
    """The same for many conversations of one agency that were just written to, in four queries."""
    ids = [one.pk for one in conversations]
    settled = Reply.objects.filter(conversation__in=ids, settled_at__isnull=False)
    seen = dict(settled.values_list("conversation").annotate(Max("seen_item_id")))
    oldest = {
        row.conversation_id: row
        for row in Item.objects.filter(conversation__in=[pk for pk in ids if pk not in seen])
        .order_by("conversation", "received_at", "pk")
        .distinct("conversation")
    }
    changed = []
    for one in conversations:
        item = oldest.get(one.pk) if one.pk not in seen else unanswered(one)
        found = min(_answer_by(one, item, office) or NEVER, one.owed_at or NEVER)
        if found != one.due_at:
            one.due_at = found
            changed.append(one)
    if changed:
        rows = sorted((one.pk, one.due_at) for one in changed)
        with connection.cursor() as cursor:
            cursor.execute(DUE, [list(column) for column in zip(*rows, strict=True)])


def owe(conversations: Iterable[int], at: datetime | None, now: datetime) -> int:
    """A later stage owes something in these conversations (their ids, of one agency) until `at`
    (None: no more). Gives how many conversations that changed."""
    rows = Conversation.objects.filter(pk__in=list(conversations))
    changed = list(rows.exclude(owed_at=at).values_list("pk", flat=True))
    rows = Conversation.objects.filter(pk__in=changed)
    # Where no first answer is owed any more, nothing else has to be asked.
    rows.exclude(state__in=OPEN).update(owed_at=at, due_at=at or NEVER)
    rows.filter(state__in=OPEN).update(owed_at=at)
    waiting = list(rows.filter(state__in=OPEN).select_related("agency"))
    office = rules.office(waiting[0].agency) if waiting else None
    for conversation in waiting:
        set_due(conversation, now, office)
    return len(changed)


def waiting_since(conversation: Conversation) -> datetime | None:
    """When the oldest words came that nothing of ours has answered yet; None without any."""
    return _since(unanswered(conversation))


def _since(item: Item | None) -> datetime | None:
    if item is None:
        return None
    # What an officer brings in by hand may be old already; the promise runs from when we had it.
    return item.written_at if item.source == Item.Source.CHANNEL else item.received_at


def unanswered(conversation: Conversation) -> Item | None:
    """The oldest item after the last answer that went out."""
    seen = (
        Reply.objects.filter(conversation=conversation, settled_at__isnull=False)
        .order_by("-seen_item_id")
        .values_list("seen_item_id", flat=True)
        .first()
    )
    rows = Item.objects.filter(conversation=conversation, pk__gt=seen or 0)
    return rows.order_by("received_at", "pk").first()


def first_answer_minutes(agency: Agency) -> int:
    """Working minutes of the promise in force."""
    return rules.number(agency, "first_response_minutes")


def _first_answer(conversation: Conversation, office: Office | None) -> datetime | None:
    if conversation.state not in OPEN or conversation.kind in NO_ANSWER_OWED:
        return None
    return _answer_by(conversation, unanswered(conversation), office)


def _answer_by(
    conversation: Conversation, item: Item | None, office: Office | None
) -> datetime | None:
    """When the first answer is owed for the oldest words that have none."""
    if conversation.state not in OPEN or conversation.kind in NO_ANSWER_OWED:
        return None
    since = _since(item)
    if since is None:
        return None
    agency = conversation.agency
    if conversation.urgency == Conversation.Urgency.DANGER:
        return since + timedelta(minutes=rules.number(agency, "danger_response_minutes"))
    return worktime.add_working_minutes(
        since, first_answer_minutes(agency), office or rules.office(agency)
    )
