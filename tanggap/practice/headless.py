"""The whole cycle without a person, on the same code paths; and what came of it, counted.

Posts and doubles are counted from the network's own API, not from our rows.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from tanggap.core.scope import Scope
from tanggap.execution.followup.models import (
    Case,
    Contributor,
    Finding,
    Recommendation,
    Telling,
)
from tanggap.execution.inbox import queries
from tanggap.execution.publishing.models import Delivery
from tanggap.monitoring.models import Evaluation
from tanggap.practice import network as net
from tanggap.practice import world
from tanggap.practice.stage import Stage
from tanggap.practice.story import closing
from tanggap.practice.story.table import BEATS


@dataclass(frozen=True, slots=True)
class Played:
    """What the JSON line holds, and what is wrong with it, in words; nothing when all is well."""

    counts: dict[str, Any]
    problems: list[str]


def play(network: net.Network, progress: net.Progress) -> Played:
    """Every beat but those that are only for a spectator, then the counts."""
    stage = Stage(network, progress)
    for beat in BEATS:
        if not beat.spectators_only:
            begun = time.monotonic()
            beat.play(stage)
            progress(f"{beat.title}: {time.monotonic() - begun:.1f} s")
    return count(stage)


def open_(network: net.Network, beats: int, progress: net.Progress) -> datetime:
    """The first beats alone, for whoever then goes on by themselves. Gives the time it is then."""
    stage = Stage(network, progress)
    for beat in BEATS[:beats]:
        progress(str(beat.title))
        beat.play(stage)
    return stage.now


def count(stage: Stage) -> Played:
    """Everything that the story promises, counted where it can be seen."""
    scope = closing.scope_of_person(stage, "ratna")
    whole = Scope(agency=scope.agency, readable=scope.readable, writable=frozenset())
    on_network = statuses(stage)
    books = queries.balances(whole)
    report = closing.proof(stage)
    evaluation = Evaluation.objects.filter(state="closed").first()
    told = informed()
    contributors = Contributor.objects.filter(case__sealed=False)
    counts = {
        "posts_published": len(on_network),
        "duplicates": doubles(on_network),
        "items_received": sum(one.received for one in books),
        "items_shown": sum(one.shown for one in books),
        "items_quarantined": sum(one.quarantined for one in books),
        "cases_opened": Case.objects.count(),
        "cases_closed": Case.objects.filter(state="closed").count(),
        "contributors": contributors.count(),
        "contributors_informed": sum(one == 1 for one in told.values()),
        "findings": Finding.objects.count(),
        "recommendations_decided": Recommendation.objects.filter(decided_at__isnull=False).count(),
        "return_metrics": len(evaluation.returns) if evaluation else 0,
        "records": report.records,
        "chain_intact": report.intact,
        "next_plan_id": evaluation.next_plan_id if evaluation else None,
    }
    return Played(counts, list(_problems(stage, counts, told, on_network, report)))


def statuses(stage: Stage) -> list[net.Row]:
    """Everything that the agency's account wrote, as the network shows it: public on its timeline,
    private on the phones of those who received it."""
    handle = stage.account.handle
    found = {row["id"]: row for row in net.timeline_of(stage.network, handle)}
    for said in world.messages():
        for row in net.direct_messages(stage.network, said.citizen):
            if row["account"]["username"] == handle:
                found[row["id"]] = row
    return list(found.values())


def doubles(rows: list[net.Row]) -> int:
    """How many statuses say again what another one said in the same place to the same people."""
    same = Counter(
        (
            row["in_reply_to_id"],
            row["visibility"],
            row["content"],
            tuple(sorted(one["username"] for one in row["mentions"])),
        )
        for row in rows
    )
    return sum(times - 1 for times in same.values())


def informed() -> dict[int, int]:
    """Contributor → published deliveries that told them of what was done."""
    found = dict.fromkeys(
        Contributor.objects.filter(case__sealed=False).values_list("pk", flat=True), 0
    )
    rows = Telling.objects.filter(delivery__state="published").values_list(
        "contributor_id", flat=True
    )
    for pk in rows:
        found[pk] = found.get(pk, 0) + 1
    return found


def _problems(
    stage: Stage,
    counts: dict[str, Any],
    told: dict[int, int],
    on_network: list[net.Row],
    report: Any,
) -> list[str]:
    found = []
    if counts["items_received"] != counts["items_shown"] + counts["items_quarantined"]:
        found.append(_("Not everything that came in is shown or set apart."))
    if counts["items_received"] != len(stage.notes["said"]):
        found.append(
            _("%(said)d messages were written, %(got)d came in.")
            % {"said": len(stage.notes["said"]), "got": counts["items_received"]}
        )
    if not told or any(times != 1 for times in told.values()):
        found.append(_("Not everybody was told exactly once."))
    for finding in Finding.objects.all():
        if finding.items_total != finding.lines.values("item").distinct().count():
            found.append(_("The counts of a finding do not add up."))
    if counts["duplicates"]:
        found.append(_("The network shows something twice."))
    ours = set(
        Delivery.objects.filter(account=stage.account, state="published").values_list(
            "remote_id", flat=True
        )
    )
    if ours != {row["id"] for row in on_network}:
        found.append(_("What we hold for published and what the network shows differ."))
    if not counts["chain_intact"]:
        found += [str(one) for one in report.breaks]
    if counts["next_plan_id"] is None:
        found.append(_("There is no next plan."))
    return found
