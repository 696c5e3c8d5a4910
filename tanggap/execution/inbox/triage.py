"""Step 4: a machine suggests, a person decides.

Suggestions carry the words that decided them and a confidence, or none: "not sure". What a person
said of a conversation stays (`Conversation.labelled`); machines write only beside it. A suspicion
of misconduct seals the conversation at once: only holders of the verb "integrity" see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from tanggap.archive.move import move
from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.membership import tenant_ids
from tanggap.core.models import Agency, Person
from tanggap.core.rules import tenant
from tanggap.execution.inbox import learning, promise, vocabulary
from tanggap.execution.inbox.models import KINDS, Conversation, Item, Suggestion
from tanggap.language import MADE_BY
from tanggap.language.duplicates import Why, propose_groups
from tanggap.language.suggest import suggest, suggest_many
from tanggap.language.words import plain, words

BY = "system:triage"
FIELDS = ("kind", "urgency", "unit", "place")
# In `Conversation.labelled`: who opened it again. Only that keeps the machine from sealing; what a
# person called it before the accusation came does not.
UNSEALED = "unsealed"
URGENCY = {
    "danger": Conversation.Urgency.DANGER,
    "urgent": Conversation.Urgency.URGENT,
    "normal": Conversation.Urgency.NORMAL,
}
LOOK_BACK = timedelta(days=14)
MOST = 400
"""Items among which one looks for the same event: the newest ones."""


def propose(items: Sequence[Item], *, now: datetime) -> list[Suggestion]:
    """Suggestions for new items of one agency, in the order in which they came, and what they mean
    for their conversations. Once an item; the same few queries for one as for many."""
    items = [item for item in items if item.conversation is not None]
    if not items:
        return []
    assert items[0].conversation is not None
    agency = items[0].conversation.agency
    taught = learning.in_use(agency)
    places = Places(vocabulary.places(agency))
    read = suggest_many(
        [item.text for item in items],
        vocabulary.units(agency),
        {field: layer for field, (_, layer) in taught.items()},
    )
    found: list[list[Suggestion]] = []
    for item, suggested in zip(items, read, strict=True):
        mine = [
            Suggestion(
                agency_id=item.agency_id,
                item=item,
                field=one.field,
                value=one.value,
                confidence=one.confidence,
                made_by=f"{MADE_BY}+{taught[one.field][0]}" if one.field in taught else MADE_BY,
                made_at=now,
                reasons=[{"start": span.start, "end": span.end} for span in one.reason_spans],
            )
            for one in suggested
            if one.value
        ]
        place = places.first(item.text)
        if place is not None:
            name, start, end = place
            mine.append(
                Suggestion(
                    agency_id=item.agency_id,
                    item=item,
                    field="place",
                    value=name,
                    confidence=0.8,
                    made_by=MADE_BY,
                    made_at=now,
                    reasons=[{"start": start, "end": end}],
                )
            )
        found.append(mine)
    Suggestion.objects.bulk_create([one for mine in found for one in mine], ignore_conflicts=True)
    talks = [item.conversation for item in items if item.conversation is not None]
    _apply(list(zip(talks, found, strict=True)), now)
    return [one for mine in found for one in mine]


def reread(item: Item, text: str, *, now: datetime) -> None:
    """Words of an edit: when they speak of misconduct they are sealed like those of a new item."""
    conversation = item.conversation
    if conversation is None or conversation.sealed or UNSEALED in conversation.labelled:
        return
    found = suggest(text, vocabulary.units(conversation.agency))
    if any((one.field, one.value) == ("kind", "integrity") for one in found):
        seal(conversation, by=BY, now=now)


def accept(suggestion: Suggestion, *, by: Person, now: datetime) -> Suggestion:
    """A person agrees: the suggestion becomes their label."""
    return _judge(suggestion, "accepted", suggestion.value, by, now)


def correct(suggestion: Suggestion, value: str, *, by: Person, now: datetime) -> Suggestion:
    """A person knows better. Raises Refused when the value is none."""
    if value == suggestion.value:
        return accept(suggestion, by=by, now=now)
    return _judge(suggestion, "corrected", value, by, now)


def label(
    conversation: Conversation, field: str, value: str, *, by: Person, now: datetime
) -> Conversation:
    """A person says what it is. `field` is kind, urgency, unit (a slug) or place."""
    wanted = _value(conversation, field, value)
    with transaction.atomic():
        fresh = (
            Conversation.objects.select_for_update(of=["self"])
            .select_related("agency")
            .get(pk=conversation.pk)
        )
        labelled = {**fresh.labelled, field: f"person:{by.pk}"}
        Conversation.objects.filter(pk=fresh.pk).update(**{field: wanted}, labelled=labelled)
        setattr(fresh, field, wanted)
        fresh.labelled = labelled
        record(
            fresh.agency,
            "conversation.labelled",
            fresh,
            by=by,
            now=now,
            facts={"field": field, "value": value if field != "place" else bool(value)},
        )
        if field == "kind" and value == "integrity":
            seal(fresh, by=by, now=now)
        if fresh.state == "new" and field == "kind":
            move(fresh, "triaged", by=by, now=now, facts={"kind": value})
        promise.set_due(fresh, now)
    conversation.refresh_from_db()
    return conversation


def seal(conversation: Conversation, *, by: Person | str, now: datetime) -> Conversation:
    """Only holders of the verb "integrity" see it from now on."""
    if not Conversation.objects.filter(pk=conversation.pk, sealed=False).update(sealed=True):
        return conversation
    conversation.sealed = True
    record(conversation.agency, "conversation.sealed", conversation, by=by, now=now)
    return conversation


def group(agency: Agency, fresh: Sequence[Item], *, now: datetime) -> int:
    """Suggest which new items speak of one event with others, or are copies of one text.

    A sealed conversation is never compared with others. How many suggestions were made.
    """
    new = {item.pk for item in fresh}
    if not new:
        return 0
    rows = (
        Item.objects.filter(
            agency=agency,
            conversation__isnull=False,
            conversation__sealed=False,
            received_at__gte=now - LOOK_BACK,
        )
        .order_by("-pk")
        .values_list("pk", "text")[:MOST]
    )
    made = []
    for found in propose_groups(reversed(list(rows)), vocabulary.places(agency)):
        ids = [*found.ids, *found.maybe]
        if not new.intersection(ids):
            continue
        value = _group_name(found.why, found.ids[0])
        made += [
            Suggestion(
                agency=agency,
                item_id=pk,
                field="group",
                value=value,
                made_by=MADE_BY,
                made_at=now,
                confidence=0.8 if pk in found.ids else None,
            )
            for pk in ids
        ]
    Suggestion.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def alike(item: Item) -> list[int]:
    """Ids of other items that were suggested to belong with this one."""
    values = (
        Suggestion.objects.filter(item=item, field="group")
        .exclude(verdict="corrected")
        .values_list("value", flat=True)
    )
    rows = (
        Suggestion.objects.filter(
            agency_id=item.agency_id,
            field="group",
            value__in=list(values),
            item__conversation__sealed=False,
        )
        .exclude(item=item)
        .exclude(verdict="corrected")
    )
    return list(rows.order_by("item_id").values_list("item_id", flat=True))


SHOWN = """
UPDATE inbox_conversation AS c
SET kind = v.kind, urgency = v.urgency, unit_id = v.unit, place = v.place
FROM unnest(%s::bigint[], %s::text[], %s::smallint[], %s::bigint[], %s::text[])
  AS v (id, kind, urgency, unit, place)
WHERE c.id = v.id
"""


def _apply(read: Sequence[tuple[Conversation, Sequence[Suggestion]]], now: datetime) -> None:
    """What the list shows for now: sure suggestions, where no person has spoken."""
    slugs = {one.value for _, found in read for one in found if one.field == "unit"}
    units = {row.slug: row for row in Agency.objects.filter(slug__in=slugs)} if slugs else {}
    changed: dict[int, Conversation] = {}
    for conversation, found in read:
        by_field = {one.field: one for one in found}
        kind = by_field.get("kind")
        if kind and kind.value == "integrity" and UNSEALED not in conversation.labelled:
            # A doubt is enough: opening it again is one step, a leak is for ever.
            seal(conversation, by=BY, now=now)
        for field in FIELDS:
            one = by_field.get(field)
            if one is None or one.confidence is None or field in conversation.labelled:
                continue
            changed[conversation.pk] = conversation
            if field == "urgency":
                # The worst that was said counts.
                conversation.urgency = min(conversation.urgency, URGENCY[one.value])
            elif field == "unit":
                conversation.unit = units.get(one.value)
            elif not getattr(conversation, field):
                setattr(conversation, field, one.value)
    if changed:
        rows = [
            (one.pk, one.kind, int(one.urgency), one.unit_id, one.place)
            for _, one in sorted(changed.items())
        ]
        with connection.cursor() as cursor:
            cursor.execute(SHOWN, [list(column) for column in zip(*rows, strict=True)])


def _judge(
    suggestion: Suggestion, verdict: str, value: str, by: Person, now: datetime
) -> Suggestion:
    item = suggestion.item
    if item.conversation is None:
        raise Refused(_("Nothing was changed."), _("This message is in quarantine."), "")
    with transaction.atomic():
        changed = Suggestion.objects.filter(pk=suggestion.pk).update(
            verdict=verdict,
            corrected_to=value if verdict == "corrected" else "",
            judged_by=by,
            judged_at=now,
        )
        if not changed:
            raise Refused(_("Nothing was changed."), _("This suggestion is gone."), "")
        record(
            item.agency,
            "suggestion.judged",
            suggestion,
            by=by,
            now=now,
            facts={"verdict": verdict, "field": suggestion.field, "item": item.pk},
        )
        if suggestion.field in FIELDS:
            label(item.conversation, suggestion.field, value, by=by, now=now)
    suggestion.refresh_from_db()
    return suggestion


def _value(conversation: Conversation, field: str, value: str) -> Any:
    what = _("Nothing was changed.")
    if field == "kind" and value in dict(KINDS):
        return value
    if field == "urgency" and value in URGENCY:
        return URGENCY[value]
    if field == "place":
        return value.strip()[:200]
    if field == "unit":
        if not value:
            return None
        ours = tenant_ids(tenant(conversation.agency))
        unit = Agency.objects.filter(slug=value, pk__in=ours).first()
        if unit is not None:
            return unit
    raise Refused(
        what, _("This is not one of the choices."), _("Choose one of the list."), field=field
    )


class Places:
    """Places that an agency knows, by their first word."""

    def __init__(self, names: Sequence[str]) -> None:
        self._by_first: dict[str, list[tuple[str, list[str], int]]] = {}
        # Longer names first: "Griya Asri" before "Asri".
        for rank, name in enumerate(sorted(names, key=len, reverse=True)):
            if wanted := [plain(part) for part in name.split()]:
                self._by_first.setdefault(wanted[0], []).append((name, wanted, rank))

    def first(self, text: str) -> tuple[str, int, int] | None:
        """The longest known place that is named: as the agency spells it, and where."""
        spoken = words(text)
        found: list[tuple[int, int, str, int]] = []
        for at, span in enumerate(spoken):
            for name, wanted, rank in self._by_first.get(span.word, ()):
                if [one.word for one in spoken[at : at + len(wanted)]] == wanted:
                    found.append((rank, at, name, at + len(wanted) - 1))
        if not found:
            return None
        _rank, at, name, last = min(found)
        return name, spoken[at].start, spoken[last].end


def _group_name(why: Why, first: int) -> str:
    if why.rule == "text":
        return f"text:{first}"
    return ":".join(["event", why.thing, why.happened, why.place])[:200]
