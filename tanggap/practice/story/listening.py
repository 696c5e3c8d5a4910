"""A Monday morning: sixty people write, and every word of theirs is kept."""

from __future__ import annotations

from datetime import timedelta

from tanggap.core.errors import Refused
from tanggap.execution.followup import cases
from tanggap.execution.followup.models import Case
from tanggap.execution.inbox import (
    answers,
    assign,
    claims,
    moderate,
    private,
    promise,
    reply,
    snooze,
    triage,
)
from tanggap.execution.inbox.models import Claim, Item, Reply, SavedAnswer, Suggestion
from tanggap.practice import network as net
from tanggap.practice import world
from tanggap.practice.stage import Stage

PROMISES_BREAK = timedelta(hours=4, minutes=40)
"""After the first post, at 11.40: four working hours have passed for those who wrote first."""


def citizens_write(stage: Stage) -> None:
    """They write from three minutes after the first post; one edits what they wrote."""
    first = stage.first_post()
    for said in world.messages():
        stage.until(first + timedelta(minutes=said.at))
        stage.say(said)
    stage.listen()
    for said in world.messages():
        if said.edit_at is not None:
            stage.until(first + timedelta(minutes=said.edit_at))
            net.edit(stage.network, said.citizen, stage.notes["said"][said.id], said.edit_text)
    stage.listen()
    # The second post leaves at ten; then the first promises to answer run out.
    stage.send(first + PROMISES_BREAK - stage.now)
    stage.until(first + PROMISES_BREAK)
    stage.listen()


def sort(stage: Stage) -> None:
    """The officer looks at every suggestion: agrees, or knows better."""
    sari = stage.person("sari")
    for said in world.messages():
        if said.expected.kind == "integrity":
            continue
        talk = stage.talk(said.id)
        proposed = Suggestion.objects.filter(
            item=stage.item(said.id), field="kind", verdict=""
        ).first()
        if "kind" in talk.labelled:
            continue
        if proposed is not None:
            triage.correct(proposed, said.expected.kind, by=sari, now=stage.now)
        else:
            triage.label(talk, "kind", said.expected.kind, by=sari, now=stage.now)


def forty_become_one(stage: Stage) -> Case:
    """The machine proposes which belong together; a person opens one report, nobody is dropped."""
    found = stage.case()
    if found is None:
        told = world.read("bridge")
        wanted = {item.pk for item in stage.bridge()}
        seed = stage.item("b01")
        together = {seed.pk, *triage.alike(seed)} & wanted
        items = (
            Item.objects.select_related("conversation__author", "agency")
            .filter(pk__in=together)
            .order_by("written_at", "pk")
        )
        found = cases.open_case(
            list(items),
            kind=Case.Kind.COMPLAINT,
            title=told["title"],
            place=told["place"],
            unit=stage.unit("pupr"),
            by=stage.person("sari"),
            now=stage.now,
        )
        # What the machine was not sure of, the officer adds by hand: "saya juga mengalami".
        rest = Item.objects.filter(pk__in=wanted - together).select_related("conversation")
        cases.merge(
            found,
            [item.conversation for item in rest if item.conversation],
            by=stage.person("sari"),
            now=stage.now,
        )
        stage.notes["case"] = found.pk
    stage.send()
    return found


def number_is_asked_away(stage: Stage) -> None:
    """A NIK stands in public: masked with us from the start; the citizen is asked in private."""
    sari = stage.person("sari")
    for said in world.messages():
        if said.expected.pii and not _asked(stage.item(said.id)):
            reply.ask_to_remove(stage.talk(said.id), stage.item(said.id), by=sari, now=stage.now)
    stage.send()


def _asked(item: Item) -> bool:
    return Reply.objects.filter(item=item, purpose=Reply.Purpose.REMOVE_DATA).exists()


def critic_stays(stage: Stage) -> None:
    """Somebody wants the critic hidden: refused, with the rule. The critic gets an answer."""
    lead, item = stage.person("ratna"), stage.item("w08")
    try:
        moderate.hide(item, "criticism", world.read("bridge")["hide_words"], by=lead, now=stage.now)
    except Refused as refusal:
        stage.notes["refusal"] = str(refusal)
    else:
        raise AssertionError("A critic was hidden.")
    _answer(stage, "w08")
    stage.send()


def save_answers(stage: Stage) -> None:
    """What the units have approved once, so that sixty people need not wait for it each time."""
    start = stage.first_post().astimezone(stage.zone).date()
    for one in world.read("answers"):
        # A text whose day has passed cannot be saved any more.
        if one["valid_days"] >= 0:
            answers.save(
                stage.agency,
                title=one["question"],
                text=world.fill(one["answer"], start),
                unit=stage.unit(one["owner"]),
                source=one["source"],
                valid_until=start + timedelta(days=one["valid_days"]),
                by=stage.person("sari"),
                now=stage.now,
            )


def everybody_is_answered(stage: Stage) -> None:
    """Questions from saved answers, the rest by a second person; thanks and spam need none."""
    sari, lead = stage.person("sari"), stage.person("ratna")
    for said in world.messages():
        talk, kind = stage.talk(said.id), said.expected.kind
        if talk.state not in promise.OPEN or said.expected.group or talk.sealed:
            continue
        if kind == "spam":
            moderate.spam(talk, by=sari, now=stage.now)
            moderate.hide(stage.item(said.id), "advert", "Iklan judi", by=lead, now=stage.now)
        elif kind == "thanks":
            snooze.quiet(talk, by=sari, now=stage.now)
        else:
            _answer(stage, said.id)
    _integrity(stage)
    stage.send()


def _answer(stage: Stage, said_id: str) -> Reply | None:
    talk, item = stage.talk(said_id), stage.item(said_id)
    if Reply.objects.filter(conversation=talk, purpose=Reply.Purpose.ANSWER).exists():
        return None
    saved, text = None, world.read("replies").get(said_id, "")
    if not text:
        saved = _fitting(item)
        text = saved.text if saved else ""
    row = reply.write(
        talk,
        item,
        text,
        by=stage.person("sari"),
        now=stage.now,
        saved_answer=saved,
        seen_item_id=talk.last_item_id,
    )
    return approved(stage, row)


def approved(stage: Stage, row: Reply, by: str = "ratna") -> Reply:
    """A second person looks, where no rule allowed it alone."""
    if row.state == "awaiting":
        reply.approve(row, by=stage.person(by), now=stage.now)
    return row


def _fitting(item: Item) -> SavedAnswer | None:
    """The saved answer that shares most words with the question: an officer's search finds it."""
    last = item.revisions.order_by("-number").first()
    asked = (last.text if last else item.text).lower()
    told = [
        (sum(word in asked for word in one["words"]), one["question"])
        for one in world.read("answers")
    ]
    hits, question = max(told)
    return SavedAnswer.objects.filter(title=question).first() if hits else None


def _integrity(stage: Stage) -> None:
    """A report about a bribe: sealed at once, and only the inspectorate's officer reads it."""
    talk, hasan = stage.talk("w09"), stage.person("hasan")
    if not talk.sealed:
        triage.label(talk, "kind", "integrity", by=hasan, now=stage.now)
    private.opened(talk, by=hasan, now=stage.now)
    assign.assign(talk, hasan, by=hasan, now=stage.now)
    if not Case.objects.filter(sealed=True).exists():
        cases.open_case(
            [talk],
            kind=Case.Kind.INTEGRITY,
            title="Dugaan pungutan di loket 3",
            by=hasan,
            now=stage.now,
        )


# --- the rumour, and the quiz that must not go out today -----------------------------------------


def rumour_is_corrected(stage: Stage) -> Claim:
    """Two sources, the lead's verdict, a correction where it was said."""
    told, sari, lead = world.read("bridge"), stage.person("sari"), stage.person("ratna")
    claim = Claim.objects.filter(text=told["claim"]).first()
    if claim is None:
        claim = claims.notice(
            stage.agency,
            told["claim"],
            items=[stage.item("w06"), stage.item("w05")],
            unit=stage.unit("dinsos"),
            by=sari,
            now=stage.now,
        )
        for one in told["claim_evidence"]:
            claims.add_evidence(claim, by=sari, now=stage.now, **one)
    if claim.state == "checking":
        claims.decide(
            claim,
            "false",
            told["claim_explanation"],
            factual=True,
            publish=True,
            by=lead,
            now=stage.now,
        )
    if claim.state == "decided":
        for said_id in ("w06", "w05"):
            approved(
                stage,
                claims.correct(
                    claim,
                    stage.item(said_id),
                    world.read("replies")[said_id],
                    by=sari,
                    now=stage.now,
                ),
            )
    stage.send()
    return claim
