"""Steps 6 to 8: the unit answers by link, the head decides, everybody who asked is told."""

from __future__ import annotations

import re
from datetime import timedelta

from django.test import Client
from django.urls import reverse

from tanggap.core import rules
from tanggap.core.worktime import add_working_days, local_day
from tanggap.execution.followup import (
    announce,
    cases,
    evidence,
    handover,
    recommend,
    synthesize,
)
from tanggap.execution.followup.models import (
    Announcement,
    Case,
    Contributor,
    Finding,
    Handover,
    Recommendation,
    Telling,
)
from tanggap.execution.inbox import reply
from tanggap.execution.inbox.models import Item, Reply
from tanggap.practice import network as net
from tanggap.practice import pictures, world
from tanggap.practice import time as practice_time
from tanggap.practice.stage import Stage
from tanggap.practice.story.listening import approved

WORKING_DAYS = 14


def unit_gets_a_link(stage: Stage) -> str:
    """The report goes to the unit that knows. Returns the token of the link."""
    told, case = world.read("bridge"), _case(stage)
    if "token" not in stage.notes:
        _made, token = handover.offer(
            case,
            to_unit=stage.unit("pupr"),
            ask=told["ask"],
            to_person=told["unit_name"],
            by=stage.person("sari"),
            now=stage.now,
        )
        stage.notes["token"] = token
    return str(stage.notes["token"])


def unit_answers(stage: Stage) -> None:
    """The unit opens the link on a phone, writes what it found and adds a photo: the real form."""
    told, token = world.read("bridge"), unit_gets_a_link(stage)
    stage.pass_(timedelta(minutes=25))
    if Handover.objects.filter(case=_case(stage), state="answered").exists():
        return
    phone = Client(SERVER_NAME="localhost")
    address = reverse("public:handover", kwargs={"token": token})
    page = phone.get(address)
    assert page.status_code == 200, f"{address}: {page.status_code}"
    sent = phone.post(
        address,
        {
            "name": told["unit_name"],
            "answer": told["unit_answer"],
            "before": pictures.bridge(whole=False),
            "caption": told["unit_photo"],
        },
    )
    if not Handover.objects.filter(case=_case(stage), state="answered").exists():
        raise AssertionError(
            f"The unit's answer was not taken: {sent.status_code} "
            f"{re.sub(r'<[^>]+>', ' ', sent.content.decode())[:2000]}"
        )


def finding_adds_up(stage: Stage) -> Finding:
    """Forty originals in visible groups; a second person compared the sentences with them."""
    told = world.read("bridge")
    found = Finding.objects.filter(title=told["finding"]).first()
    if found is None:
        items = list(stage.bridge())
        left, groups = list(items), []
        for one in told["groups"]:
            mine = [
                item for item in left if any(word in item.text.lower() for word in one["words"])
            ]
            left = [item for item in left if item not in mine]
            groups.append(synthesize.Group(one["name"], one["sentence"], mine, mine[:2]))
        found = synthesize.write(
            told["finding"],
            items,
            [one for one in groups if one.items],
            by=stage.person("dimas"),
            now=stage.now,
            case=_case(stage),
        )
    if found.state == "draft":
        synthesize.check(found, by=stage.person("sari"), now=stage.now)
    return found


def choice_is_put_to_the_head(stage: Stage) -> Recommendation:
    """Options with cost, time and risk."""
    told = world.read("bridge")["recommendation"]
    finding = finding_adds_up(stage)
    found = Recommendation.objects.filter(finding=finding).first()
    if found is None:
        found = recommend.write(
            finding,
            told["title"],
            background=told["background"],
            options=[recommend.Choice(**one) for one in told["options"]],
            owner_unit=stage.unit("pupr"),
            by=stage.person("dimas"),
            now=stage.now,
        )
        recommend.propose(found, by=stage.person("ratna"), now=stage.now)
    return found


def head_decides(stage: Stage) -> Recommendation:
    """With a reason, on a phone: whoever watches the story may have done it already."""
    told = world.read("bridge")["recommendation"]
    found, office = choice_is_put_to_the_head(stage), rules.office(stage.agency)
    if found.state == "proposed":
        recommend.decide(
            found,
            "accepted",
            option="A",
            reason=told["reason"],
            due_on=local_day(add_working_days(stage.now, told["working_days"], office), office),
            by=stage.person("bupati"),
            now=stage.now,
        )
    return found


def fourteen_days_pass(stage: Stage) -> None:
    """At one press: weekends and holidays do not count."""
    practice_time.advance_working_days(
        stage.agency, WORKING_DAYS, now=stage.now, network=stage.network
    )
    stage.send()


def bridge_is_open(stage: Stage) -> Case:
    """The unit's photo of what is there now; the report is resolved."""
    told, case = world.read("bridge"), _case(stage)
    if case.state not in ("resolved", "closed"):
        evidence.add(
            case,
            pictures.bridge(whole=True),
            when="after",
            caption=told["after_photo"],
            by=stage.person("wayan"),
            given_by=told["unit_name"],
            now=stage.now,
            taken_on=stage.now.astimezone(stage.zone).date(),
            public=True,
        )
        for before in case.photos.filter(when="before", public=False):
            evidence.show(before, True, by=stage.person("sari"), now=stage.now)
        cases.resolve(case, resolution=told["resolution"], by=stage.person("sari"), now=stage.now)
    decision = head_decides(stage)
    if decision.state == "accepted":
        recommend.done(
            decision, told["recommendation"]["done"], by=stage.person("ratna"), now=stage.now
        )
    return case


def everybody_is_told(stage: Stage) -> Announcement:
    """ "Anda sampaikan, kami lakukan": one public post, and one reply in every thread."""
    told = world.read("bridge")["announcement"]
    made = Announcement.objects.filter(case=_case(stage)).first()
    if made is None:
        made = announce.write(
            told["title"],
            you_said=told["you_said"],
            we_did=told["we_did"],
            reply_text=told["reply"],
            recommendation=head_decides(stage),
            case=_case(stage),
            accounts=[stage.account],
            by=stage.person("dimas"),
            now=stage.now,
        )
    if made.state == "draft":
        announce.approve(
            made, seen_hash=announce.batch_hash(made), by=stage.person("ratna"), now=stage.now
        )
    stage.send()
    return made


def some_answer(stage: Stage) -> None:
    """Thanks, and one "belum"."""
    for one in world.read("followups")["after_announcement"]:
        if one["id"] not in stage.notes["said"]:
            item = _item_of(stage, one["citizen"])
            said = Telling.objects.filter(contributor__author=item.author).first()
            target = said.delivery.remote_id if said and said.delivery else None
            row = net.say(
                stage.network,
                one["citizen"],
                one["text"],
                reply_to=target,
                mention=stage.account.handle,
                language=one["language"],
            )
            stage.notes["said"][one["id"]] = row["id"]
    stage.listen()


def it_is_opened_again(stage: Stage) -> Case:
    """ "Belum": the report runs again, and the clocks with it."""
    case, sari = _case(stage), stage.person("sari")
    item = stage.item("f11")
    if case.state in ("resolved", "closed"):
        contributor = Contributor.objects.get(case=case, author=item.author)
        case = cases.reopen(case, by=sari, now=stage.now, contributor=contributor, words=item.text)
    if not Reply.objects.filter(item=item).exists():
        talk = stage.talk("f11")
        approved(
            stage,
            reply.write(
                talk,
                item,
                world.read("replies")["f11"],
                by=sari,
                now=stage.now,
                seen_item_id=talk.last_item_id,
            ),
        )
    stage.send()
    return case


def it_is_closed(stage: Stage) -> Case:
    """The unit comes back, the citizen is told in the same thread, and nobody says "belum"."""
    told, sari = world.read("bridge"), stage.person("sari")
    stage.pass_(timedelta(days=2))
    case = _case(stage)
    if case.state == "reopened":
        cases.begin(case, by=sari, now=stage.now)
    if case.state == "in_progress":
        evidence.add(
            case,
            pictures.bridge(whole=True),
            when="after",
            caption=told["fixed"],
            by=stage.person("wayan"),
            given_by=told["unit_name"],
            now=stage.now,
            public=True,
        )
        cases.resolve(case, resolution=told["fixed"], by=sari, now=stage.now)
        item, talk = stage.item("f11"), stage.talk("f11")
        approved(
            stage,
            reply.write(
                talk,
                item,
                world.read("replies")["fixed"],
                by=sari,
                now=stage.now,
                purpose=Reply.Purpose.OUTCOME,
                seen_item_id=talk.last_item_id,
            ),
        )
    stage.send()
    stage.pass_(timedelta(days=1))
    if case.state == "resolved":
        cases.close(case, by=sari, now=stage.now)
    return case


def _case(stage: Stage) -> Case:
    found = stage.case()
    assert found is not None, "No report was opened."
    return found


def _item_of(stage: Stage, citizen: str) -> Item:
    said = next(one.id for one in world.messages() if one.citizen == citizen)
    return stage.item(said)
