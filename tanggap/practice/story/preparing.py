"""Stages 1 to 3 and the first steps of 4: plan, agenda, content, and out it goes, once."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from tanggap.activities import calendar, crisis
from tanggap.activities.models import Activity, Hold
from tanggap.execution.publishing import schedule
from tanggap.execution.publishing.models import Delivery
from tanggap.messaging import approve, draft, media
from tanggap.messaging.content import digest
from tanggap.messaging.models import Message
from tanggap.planning import approve as plans
from tanggap.planning import write
from tanggap.planning.models import Plan
from tanggap.practice import network as net
from tanggap.practice import pictures, world
from tanggap.practice.stage import Stage


def plan_is_approved(stage: Stage) -> Plan:
    """POST: people, objectives, strategy, technology; whoever is in charge does not approve."""
    told, editor, head = world.read("plan"), stage.person("dimas"), stage.person("bupati")
    day = stage.first_post().astimezone(stage.zone).date()
    words = (
        "people",
        "strategy",
        "technology",
        "welfare_outcome",
        "issues",
        "priority_issue",
        "key_message",
        "programme",
    )
    plan = write.create(
        stage.agency,
        title=told["title"],
        period_start=day + timedelta(days=told["from_day"]),
        period_end=day + timedelta(days=told["until_day"]),
        by=editor,
        now=stage.now,
        person_in_charge=stage.person(told["in_charge"]),
        **{name: told[name] for name in words},
    )
    segments = {
        one["name"]: write.add_segment(plan, by=editor, now=stage.now, **one)
        for one in told["segments"]
    }
    for one in told["objectives"]:
        made = write.add_objective(
            plan,
            kind=one["kind"],
            text=one["text"],
            metric=one["metric"],
            target=one["target"],
            baseline=one["baseline"],
            baseline_source=one["baseline_source"],
            due_on=day + timedelta(days=one["due_day"]),
            by=editor,
            now=stage.now,
            segments=[segments[name] for name in one["segments"]],
        )
        stage.notes.setdefault("objectives", {})[one["key"]] = made.pk
    for one in told["channels"]:
        write.choose_channel(plan, by=editor, now=stage.now, **one)
    plan.refresh_from_db()
    plans.review(plan, by=editor, now=stage.now)
    plans.approve(plan, seen=plan.version, by=head, now=stage.now)
    plans.start(plan, by=stage.person("ratna"), now=stage.now)
    stage.notes["plan"] = plan.pk
    return plan


def agenda_is_set(stage: Stage) -> None:
    """Every activity has an objective, a purpose and a person in charge."""
    plan = Plan.objects.get(pk=stage.notes["plan"])
    segments = {one.name: one for one in plan.segments.all()}
    for one in world.read("activities"):
        starts = _at(one["day"], one["time"], stage)
        made = calendar.place(
            stage.agency,
            title=one["title"],
            objective=plan.objectives.get(pk=stage.notes["objectives"][one["objective"]]),
            purpose=one["purpose"],
            relation=one["relation"],
            programme_code=one["programme_code"],
            starts_at=starts,
            ends_at=starts + timedelta(hours=one["hours"]),
            place=one["place"],
            person_in_charge=stage.person(one["in_charge"]),
            by=stage.person("dimas"),
            now=stage.now,
            segments=[segments[name] for name in one["segments"]],
        )
        stage.notes.setdefault("activities", {})[one["key"]] = made.pk


def content_is_approved(stage: Stage) -> None:
    """Written by one, approved by another, bound to the hash of everything that will be sent."""
    first = stage.first_post().astimezone(stage.zone)
    editor, lead = stage.person("dimas"), stage.person("ratna")
    for one in world.read("posts"):
        message = draft.write(
            stage.agency,
            title=one["title"],
            core=world.fill(one["text"], first.date()),
            accounts=[stage.account],
            activity=Activity.objects.get(pk=stage.notes["activities"][one["activity"]]),
            language=one["language"],
            tone=one["tone"],
            openness=one["openness"],
            source=one["source"],
            valid_until=first.date() + timedelta(days=one["valid_days"]),
            by=editor,
            now=stage.now,
        )
        picture = media.upload(
            stage.agency,
            pictures.draw(one["title"], first.date()),
            alt=one["alt"],
            source="Diskominfo (rekaan)",
            by=editor,
            now=stage.now,
        )
        draft.illustrate(message, [picture], by=editor, now=stage.now)
        approve.submit(message, by=editor, now=stage.now)
        approve.approve(message, seen=digest(message), by=lead, now=stage.now)
        hour = one["time"]
        day = first.date() + timedelta(days=one["day"])
        schedule.queue(
            message, by=editor, now=stage.now, at=(f"{day.isoformat()}T{hour}", stage.agency.zone)
        )
        stage.notes.setdefault("messages", {})[one["key"]] = message.pk


def first_post_leaves(stage: Stage) -> None:
    """07.00: the worker sends what is due, once."""
    stage.until(stage.first_post() + timedelta(seconds=20))
    stage.send(timedelta(minutes=2))


def answer_is_lost(stage: Stage) -> Delivery:
    """The detour goes out; the network takes it and the wire dies before it can say so. It is
    looked up, not sent again: one post, not two."""
    told, editor, lead = (
        world.read("bridge")["detour"],
        stage.person("dimas"),
        stage.person("ratna"),
    )
    found = Message.objects.filter(agency=stage.agency, title=told["title"]).first()
    if found is None:
        found = draft.write(
            stage.agency,
            title=told["title"],
            core=told["text"],
            accounts=[stage.account],
            openness="immediate",
            tone="formal",
            source=told["source"],
            by=editor,
            now=stage.now,
        )
        approve.submit(found, by=editor, now=stage.now)
        approve.approve(found, seen=digest(found), by=lead, now=stage.now)
        schedule.queue(found, by=editor, now=stage.now)
    stage.notes.setdefault("messages", {})["detour"] = found.pk
    net.lose_answers(stage.network, 1)
    stage.work()
    row = Delivery.objects.get(variant__message=found)
    stage.notes["lost"] = row.state
    stage.notes["detour"] = row.pk
    net.mend(stage.network)
    stage.send(timedelta(minutes=10))
    row.refresh_from_db()
    return row


def quiz_is_held(stage: Stage) -> Hold:
    """The hold switch: at 16.30 the quiz does not leave. The lead takes it off and goes on."""
    told, lead = world.read("bridge"), stage.person("ratna")
    hold = Hold.objects.filter(agency=stage.agency, lifted_at=None).first() or crisis.place(
        stage.agency, reason=told["hold_reason"], by=lead, now=stage.now
    )
    quiz = Delivery.objects.get(variant__message=stage.notes["messages"]["kuis"])
    stage.until(quiz.due_at + timedelta(minutes=1))
    stage.work()
    quiz.refresh_from_db()
    stage.notes["quiz_at_its_time"] = quiz.state
    stage.notes["quiz"] = quiz.pk
    return hold


def hold_is_lifted(stage: Stage) -> None:
    """What was held was looked at one by one; news for citizens goes on."""
    told, lead = world.read("bridge"), stage.person("ratna")
    quiz = Delivery.objects.get(variant__message=stage.notes["messages"]["kuis"])
    if quiz.state in ("queued", "ready", "late", "held"):
        schedule.cancel(quiz, by=lead, now=stage.now, reason=told["hold_reason"])
    for hold in Hold.objects.filter(agency=stage.agency, lifted_at=None):
        crisis.lift(hold, reason=told["lift_reason"], by=lead, now=stage.now)
    stage.send()


def _at(ahead: int, hour: str, stage: Stage) -> datetime:
    first = stage.first_post().astimezone(stage.zone).date()
    hours, minutes = map(int, hour.split(":"))
    return datetime.combine(first + timedelta(days=ahead), time(hours, minutes), stage.zone)
