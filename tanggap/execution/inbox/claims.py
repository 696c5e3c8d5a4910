"""The hoax desk (meja klarifikasi): evidence first, then a verdict by the lead, then a correction.

A verdict speaks about a claim of fact, on two sources or a document of the responsible unit. It is
never given to an opinion, a complaint or criticism, and never to a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from tanggap.accounts.models import Account
from tanggap.archive.move import move
from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Person
from tanggap.core.rules import tenant
from tanggap.execution.inbox import reply
from tanggap.execution.inbox.models import Claim, ClaimEvidence, Item, Reply
from tanggap.execution.inbox.people import public_contacts
from tanggap.execution.inbox.tables import verdict as listed
from tanggap.execution.inbox.tables import words
from tanggap.execution.publishing.models import Delivery
from tanggap.language.redact import redact
from tanggap.messaging import draft
from tanggap.messaging.models import Message

BY = "system:claims"
OPINION = frozenset({"criticism", "complaint", "aspiration", "thanks", "integrity"})
SOURCES = 2


def notice(
    agency: Agency,
    text: str,
    *,
    by: Person,
    now: datetime,
    items: Sequence[Item] = (),
    unit: Agency | None = None,
) -> Claim:
    """Write a doubtful claim down in one sentence, as it circulates, with where it was seen."""
    what = _("No claim was made.")
    if not text.strip():
        raise Refused(
            what,
            _("The claim is missing."),
            _("Write it in one sentence, as it circulates."),
            field="text",
        )
    if redact(text, public_contacts(agency)):
        raise Refused(what, _("It holds personal data."), _("Leave it out."), field="text")
    for item in items:
        _factual(item, what)
    with transaction.atomic():
        row = Claim.objects.create(
            agency=agency,
            text=text.strip(),
            unit=unit,
            first_seen_at=now,
            slug=slugify(text)[:60].strip("-"),
        )
        row.items.set(items, through_defaults={"agency": agency})
        record(
            agency,
            "claim.noticed",
            row,
            by=by,
            now=now,
            content=row.text.encode(),
            facts={"items": [item.pk for item in items], "unit": unit.pk if unit else None},
        )
    return row


def seen_again(claim: Claim, item: Item, *, by: Person, now: datetime) -> Claim:
    """Another place where the same claim stands."""
    _factual(item, _("Nothing was added."))
    with transaction.atomic():
        claim.items.add(item, through_defaults={"agency": claim.agency})
        record(claim.agency, "claim.seen", claim, by=by, now=now, facts={"item": item.pk})
    return claim


def add_evidence(
    claim: Claim,
    *,
    title: str,
    by: Person,
    now: datetime,
    url: str = "",
    document: str = "",
    quote: str = "",
) -> ClaimEvidence:
    """A page that anybody can open, or a numbered document of the unit. Raises Refused."""
    what = _("No evidence was added.")
    if claim.state not in ("noticed", "checking"):
        raise Refused(what, _("The verdict has been given."), "")
    if not title.strip():
        raise Refused(what, _("A name for it is missing."), _("Write what it is."), field="title")
    if not url.strip() and not document.strip():
        raise Refused(
            what,
            _("It has neither an address nor a number."),
            _("Give the page's address, or the number of the unit's document."),
            field="url",
        )
    with transaction.atomic():
        row = ClaimEvidence.objects.create(
            agency_id=claim.agency_id,
            claim=claim,
            title=title.strip(),
            url=url.strip(),
            document=document.strip(),
            quote=quote.strip(),
            added_by=by,
            added_at=now,
        )
        record(
            claim.agency,
            "claim.evidence_added",
            claim,
            by=by,
            now=now,
            facts={"evidence": row.pk, "document": bool(document.strip())},
        )
        if claim.state == "noticed":
            move(claim, "checking", by=by, now=now)
    return row


def enough(claim: Claim) -> bool:
    """Two different sources, or one document of the unit responsible."""
    rows = list(claim.sources.all())
    if claim.unit_id is not None and any(row.document for row in rows):
        return True
    return len({row.url or row.document for row in rows}) >= SOURCES


def decide(
    claim: Claim,
    verdict: str,
    explanation: str,
    *,
    by: Person,
    now: datetime,
    factual: bool,
    publish: bool = False,
) -> Claim:
    """The lead's verdict. `factual` is the lead's word that this is a claim of fact and no opinion.

    The caller holds "claim.decide". Raises Refused.
    """
    what = _("No verdict was given.")
    if listed(verdict) is None:
        raise Refused(
            what,
            _("This is not one of the choices."),
            _("Choose one of the list."),
            field="verdict",
        )
    if not factual:
        raise Refused(
            what,
            _("A verdict is given only to a claim of fact, never to opinion or criticism."),
            _("Confirm that it is one, or drop the claim and answer the citizen."),
            field="factual",
        )
    if not enough(claim):
        raise Refused(
            what,
            _("There are not two sources, and no document of the responsible unit."),
            _("Add evidence first."),
            field="evidence",
        )
    if not explanation.strip():
        raise Refused(
            what,
            _("The explanation is missing."),
            _("Write what is true, with its source."),
            field="explanation",
        )
    return move(
        claim,
        "decided",
        by=by,
        now=now,
        facts={"verdict": verdict, "public": publish},
        content=explanation.strip().encode(),
        verdict=verdict,
        explanation=explanation.strip(),
        decided_by=by,
        decided_at=now,
        published=publish,
    )


def drop(claim: Claim, *, by: Person, now: datetime) -> Claim:
    """It is an opinion, or nobody says it any more. No verdict."""
    return move(claim, "dropped", by=by, now=now)


def correct(
    claim: Claim,
    item: Item,
    text: str,
    *,
    by: Person,
    now: datetime,
    seen_item_id: int | None = None,
) -> Reply:
    """Answer one place where it stands with what is true; goes through approval like any answer.
    The claim counts as corrected when the network has one (reply.tick)."""
    if claim.state not in ("decided", "corrected"):
        raise Refused(
            _("The correction was not sent."),
            _("There is no verdict yet."),
            _("The lead decides first."),
        )
    if item.conversation is None:
        raise Refused(_("The correction was not sent."), _("This message is in quarantine."), "")
    return reply.write(
        item.conversation,
        item,
        text,
        by=by,
        now=now,
        purpose="correction",
        claim=claim,
        seen_item_id=seen_item_id,
    )


def draft_post(
    claim: Claim, *, by: Person, now: datetime, accounts: Iterable[Account] = ()
) -> Message:
    """A draft of a post that corrects it, with the verdict, the truth and its sources filled in.
    It goes the way of every message: checked, approved by a second person, sent. Raises Refused."""
    what = _("No draft was made.")
    row = listed(claim.verdict) if claim.state in ("decided", "corrected") else None
    if row is None:
        raise Refused(what, _("There is no verdict yet."), _("The lead decides first."))
    sources = [one.document or one.url or one.title for one in claim.sources.order_by("pk")]
    with transaction.atomic():
        made = draft.write(
            claim.agency,
            title=_("Correction: %(claim)s") % {"claim": claim.text[:150]},
            core=f"[{words(row)}] “{claim.text}”\n\n{told(claim)}",
            source="; ".join(sources)[:300],
            accounts=accounts,
            by=by,
            now=now,
        )
        return choose_post(claim, made, by=by, now=now)


def told(claim: Claim) -> str:
    """What is true, and where anybody may read it with its sources, when that is public."""
    return "\n\n".join(part for part in (claim.explanation, page(claim)) if part)


def page(claim: Claim) -> str:
    """The address of its public page; empty where it has none."""
    if not claim.published:
        return ""
    return f"{settings.PUBLIC_URL}/{tenant(claim.agency).slug}/klarifikasi/{claim.pk}/"


def choose_post(claim: Claim, message: Message, *, by: Person, now: datetime) -> Message:
    """This post corrects it; when it is out already, the claim is corrected now. Raises Refused."""
    what = _("No post was linked.")
    if claim.state not in ("decided", "corrected"):
        raise Refused(what, _("There is no verdict yet."), _("The lead decides first."))
    if message.agency_id != claim.agency_id:
        raise Refused(what, _("This post belongs to another agency."), "")
    with transaction.atomic():
        Claim.objects.filter(pk=claim.pk).update(message=message)
        claim.message = message
        record(
            claim.agency, "claim.post_chosen", claim, by=by, now=now, facts={"message": message.pk}
        )
        _follow(claim, by=by, now=now)
    return message


def tick(now: datetime) -> int:
    """Claims whose post is on the network count as corrected. How many that were."""
    rows = Claim.objects.filter(state="decided", message__isnull=False).select_related("agency")
    return sum(_follow(row, by=BY, now=now) for row in rows.order_by("pk")[:200])


def _follow(claim: Claim, *, by: Person | str, now: datetime) -> bool:
    out = (
        Delivery.objects.filter(
            variant__message=claim.message, state="published", published_at__isnull=False
        )
        .order_by("published_at", "pk")
        .first()
    )
    if claim.state != "decided" or out is None:
        return False
    corrected_by(claim, out, by=by, now=now)
    return True


def corrected_by(claim: Claim, delivery: Delivery, *, by: Person | str, now: datetime) -> Claim:
    """A post of ours corrects it: it must be out."""
    if delivery.published_at is None:
        raise Refused(_("Nothing was changed."), _("This post is not out yet."), "")
    return move(
        claim, "corrected", by=by, now=now, facts={"delivery": delivery.pk}, correction=delivery
    )


def _factual(item: Item, what: str) -> None:
    kind = item.conversation.kind if item.conversation is not None else ""
    person_said = item.conversation is not None and "kind" in item.conversation.labelled
    if kind in OPINION and person_said:
        raise Refused(
            what,
            _("This message was marked as opinion, complaint or criticism."),
            _("A verdict is given only to a claim of fact. Answer the citizen instead."),
        )
