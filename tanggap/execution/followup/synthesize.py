"""Step 6: items of a period in visible groups, without reducing, adding to or changing them.

Every item is in exactly one group or in "lainnya", so that the counts add up; the database keeps
that too. Each sentence stands on originals, which are one click away and never altered. A second
person compares sentences and originals before a head sees them. Capability 88.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.activities.models import Activity
from tanggap.archive.move import move
from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Person
from tanggap.execution.followup import named_groups
from tanggap.execution.followup.models import Case, Finding, FindingGroup, FindingItem
from tanggap.execution.inbox.models import Item
from tanggap.language import duplicates


@dataclass(frozen=True)
class Group:
    """A group as it is proposed: its name, one sentence about it, its items, those quoted."""

    name: str
    sentence: str = ""
    items: Sequence[Item] = ()
    quoted: Sequence[Item] = field(default_factory=tuple)


def write(
    title: str,
    items: Iterable[Item],
    groups: Sequence[Group],
    *,
    by: Person,
    now: datetime,
    activity: Activity | None = None,
    case: Case | None = None,
) -> Finding:
    """A draft over `items`. What stands in no group goes to "lainnya". Raises Refused."""
    what = _("The finding was not written.")
    every = list({item.pk: item for item in items}.values())
    if not every:
        raise Refused(what, _("It covers no message."), _("Choose messages or a report first."))
    if not title.strip():
        raise Refused(
            what, _("It has no title."), _("Say in a few words what was found."), field="title"
        )
    placed: dict[int, int] = {}
    for number, group in enumerate(groups):
        for item in group.items:
            if placed.setdefault(item.pk, number) != number:
                raise Refused(
                    what,
                    _("One message stands in two groups, so it counts twice."),
                    _("Leave it in the group that fits best."),
                )
    if strange := set(placed) - {item.pk for item in every}:
        raise Refused(
            what,
            _("%(count)d messages in groups are not covered by the finding.")
            % {"count": len(strange)},
            _("Cover them, or take them out of the groups."),
        )
    agency = every[0].agency
    with transaction.atomic():
        finding = Finding.objects.create(
            agency=agency,
            title=title.strip(),
            activity=activity,
            case=case,
            period_start=min(item.written_at for item in every),
            period_end=max(item.written_at for item in every),
            items_total=len(every),
            written_by=by,
            written_at=now,
        )
        rows = [
            FindingGroup.objects.create(
                agency=agency,
                finding=finding,
                name=group.name.strip(),
                sentence=group.sentence.strip(),
                order=number,
            )
            for number, group in enumerate(groups)
        ]
        rest = _rest(finding)
        quoted = {item.pk for group in groups for item in group.quoted}
        FindingItem.objects.bulk_create(
            FindingItem(
                agency=agency,
                finding=finding,
                item=item,
                quoted=item.pk in quoted,
                group=rows[placed[item.pk]] if item.pk in placed else rest,
            )
            for item in every
        )
        record(
            agency,
            "finding.written",
            finding,
            by=by,
            now=now,
            facts={"items": len(every), "groups": len(rows), "rest": len(every) - len(placed)},
        )
    return finding


def proposal(items: Sequence[Item], places: Sequence[str] = ()) -> list[Group]:
    """Groups that the rules of language see in the items, largest first; a person decides.
    `places` are the agency's own: without them no two messages are known to mean one place."""
    by_id, taken, found = {item.pk: item for item in items}, set(), []
    pairs = [(item.pk, item.text) for item in items]
    for group in duplicates.propose_groups(pairs, places):
        ids = [pk for pk in (*group.ids, *group.maybe) if pk not in taken]
        if len(ids) < 2:
            continue
        taken.update(ids)
        found.append(Group(named_groups.name(group.why), items=[by_id[pk] for pk in ids]))
    return found


def add_group(finding: Finding, name: str, *, by: Person, now: datetime) -> FindingGroup:
    _draft_only(finding)
    if not name.strip():
        raise Refused(
            _("The group was not added."),
            _("It has no name."),
            _("Name what these messages have in common."),
            field="name",
        )
    with transaction.atomic():
        made = FindingGroup.objects.create(
            agency=finding.agency, finding=finding, name=name.strip(), order=finding.groups.count()
        )
        record(
            finding.agency,
            "finding.grouped",
            finding,
            by=by,
            now=now,
            facts={"group": made.pk, "items": 0},
        )
    return made


def place(
    finding: Finding, items: Iterable[int], group: FindingGroup, *, by: Person, now: datetime
) -> int:
    """Put items (by id) into another group of the finding; the total stays. How many moved."""
    _draft_only(finding)
    if group.finding_id != finding.pk:
        raise Refused(
            _("Nothing was moved."),
            _("The group belongs to another finding."),
            _("Choose a group of this one."),
        )
    with transaction.atomic():
        lines = FindingItem.objects.filter(finding=finding, item__in=list(items))
        moved = lines.update(group=group)
        record(
            finding.agency,
            "finding.grouped",
            finding,
            by=by,
            now=now,
            facts={"group": group.pk, "items": moved},
        )
    return moved


def say(
    group: FindingGroup, sentence: str, *, quoted: Iterable[int], by: Person, now: datetime
) -> FindingGroup:
    """One sentence about a group, and the originals (item ids) that are quoted below it."""
    _draft_only(group.finding)
    ids = set(quoted)
    if sentence.strip() and not group.lines.exists():
        raise Refused(
            _("The sentence was not kept."),
            _("No message stands behind it."),
            _("Put messages into the group first."),
            field="sentence",
        )
    with transaction.atomic():
        group.sentence = sentence.strip()
        group.save(update_fields=["sentence"])
        group.lines.update(quoted=False)
        group.lines.filter(item__in=ids).update(quoted=True)
        record(
            group.agency,
            "finding.said",
            group.finding,
            by=by,
            now=now,
            content=group.sentence.encode(),
            facts={"group": group.pk, "quoted": sorted(ids)},
        )
    return group


def check(finding: Finding, *, by: Person, now: datetime) -> Finding:
    """A second person read the originals: the sentences say no less, no more, nothing else."""
    what = _("The finding was not confirmed.")
    if by.pk == finding.written_by_id:
        raise Refused(
            what,
            _("You wrote it; somebody else compares it with the originals."),
            _("Ask a colleague to read it."),
        )
    if adds_up(finding) is False:
        raise Refused(
            what,
            _("The groups do not add up to the messages covered."),
            _("Put every message into one group."),
        )
    empty = [one.name for one in finding.groups.filter(rest=False, lines=None)]
    if empty:
        raise Refused(
            what,
            _("The group “%(name)s” has no message.") % {"name": empty[0]},
            _("Remove it, or put messages into it."),
        )
    unsaid = [one.name for one in finding.groups.filter(rest=False, sentence="")]
    if unsaid:
        raise Refused(
            what,
            _("The group “%(name)s” has no sentence yet.") % {"name": unsaid[0]},
            _("Say in one sentence what these messages say."),
        )
    return move(
        finding,
        "checked",
        by=by,
        now=now,
        checked_by=by,
        checked_at=now,
        facts={"items": finding.items_total, "groups": finding.groups.count()},
    )


def back(finding: Finding, *, by: Person, now: datetime) -> Finding:
    """Not faithful yet: back to its writer."""
    return move(finding, "draft", by=by, now=now)


def finish(finding: Finding, *, by: Person, now: datetime) -> Finding:
    return move(finding, "final", by=by, now=now)


def remove_group(group: FindingGroup, *, by: Person, now: datetime) -> None:
    """Its messages go to "lainnya": none is lost."""
    _draft_only(group.finding)
    if group.rest:
        raise Refused(
            _("The group was not removed."),
            _("Messages that fit nowhere stand here."),
            _("Put them into other groups instead."),
        )
    with transaction.atomic():
        moved = group.lines.update(group=_rest(group.finding))
        record(
            group.agency,
            "finding.grouped",
            group.finding,
            by=by,
            now=now,
            facts={"group": group.pk, "items": moved, "removed": True},
        )
        group.delete()


def adds_up(finding: Finding) -> bool:
    """Different items in groups are as many as the finding says."""
    return finding.lines.values("item").distinct().count() == finding.items_total


def _rest(finding: Finding) -> FindingGroup:
    return FindingGroup.objects.get_or_create(
        agency=finding.agency,
        finding=finding,
        rest=True,
        defaults={"name": "lainnya", "order": 999},
    )[0]


def _draft_only(finding: Finding) -> None:
    if finding.state != "draft":
        raise Refused(
            _("The finding was not changed."),
            _("It was compared with the originals already."),
            _("Send it back to its writer first."),
        )
