"""Stage 5 and the proof: measured, judged, the next plan drafted; and one byte changed."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from tanggap.archive.verify import Report, lines_of, verify
from tanggap.core import rules
from tanggap.core.membership import scope_of
from tanggap.core.scope import Scope
from tanggap.execution.inbox.models import Item
from tanggap.monitoring import evaluate
from tanggap.monitoring.models import Evaluation
from tanggap.planning.models import Plan
from tanggap.practice import world
from tanggap.practice.stage import Stage


def numbers_come_in(stage: Stage) -> None:
    """Each post is asked for its numbers at the ages that the agency set."""
    first, ages = stage.first_post(), rules.value(stage.agency, "measurement_hours")
    assert isinstance(ages, list)
    for hours in ages:
        stage.until(first + timedelta(hours=hours, minutes=5))
        stage.work()


def period_is_closed(stage: Stage) -> Plan:
    """What was reached, what was learnt; closing it drafts the next plan."""
    told, lead = world.read("bridge"), stage.person("ratna")
    plan = Plan.objects.get(pk=stage.notes["plan"])
    day = plan.period_end + timedelta(days=1)
    stage.until(stage.first_post() + (day - stage.first_post().astimezone(stage.zone).date()))
    stage.work()
    scope = scope_of_person(stage, "ratna")
    evaluation = Evaluation.objects.filter(plan=plan, state="closed").first()
    if evaluation is not None and evaluation.next_plan is not None:
        return evaluation.next_plan
    evaluation = evaluate.open_(plan, scope=scope, by=lead, now=stage.now)
    evaluate.write(
        evaluation,
        by=lead,
        now=stage.now,
        objectives=[
            {
                "objective_id": row["objective_id"],
                "verdict": "kept",
                "why": "Arahnya benar; angkanya belum dan diteruskan.",
            }
            for row in evaluation.objectives
        ],
        lessons=[{"text": text, "source": "Tim pengelola"} for text in told["lessons"]],
        staff_hours="46,5",
        budget_idr="",
    )
    stage.notes["period"] = f"from={plan.period_start}&until={plan.period_end}"
    following = evaluate.close(evaluation, scope=scope, by=lead, now=stage.now)
    stage.notes["next_plan"] = following.pk
    return following


def scope_of_person(stage: Stage, key: str) -> Scope:
    return scope_of(stage.person(key), stage.agency.slug, stage.now)


def proof(stage: Stage) -> Report:
    """Everything is hashed again and compared with what was signed."""
    stage.work()
    return verify()


def proof_is_shown(stage: Stage) -> None:
    """What `tanggap archive verify` says, for the spectator."""
    report = proof(stage)
    stage.notes["proof"] = lines_of(report)
    # The number of the first record that is not what was signed; None when all are.
    stage.notes["broken"] = report.breaks[0].record if report.breaks else None


def one_byte_is_changed(stage: Stage) -> None:
    """Somebody with the database's password writes over one letter of a citizen's words. The
    attacker is no part of Tanggap: no verb does this."""
    item = stage.item("b17")
    words = item.text.replace("SEKARANG", "SEKARAN6", 1)
    assert words != item.text
    stage.notes["changed"] = item.pk
    _as_attacker(item.pk, words)


def byte_is_put_back(stage: Stage) -> None:
    """So that the story may go on."""
    said = next(one for one in world.messages() if one.id == "b17")
    item = stage.item("b17")
    if "SEKARAN6" in item.text:
        _as_attacker(item.pk, item.text.replace("SEKARAN6", "SEKARANG", 1))
    assert said.text.split()[-1] in Item.objects.get(pk=item.pk).text


def _as_attacker(item_id: int, words: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE inbox_item SET text = %s WHERE id = %s", [words, item_id])
