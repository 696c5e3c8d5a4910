"""Step 8, "Anda sampaikan, kami lakukan": published, and told to everybody who asked, once each.

One approval covers the batch: it is bound to a hash over the public words and over every reply
with its receiver. Replies leave one after another, by the agency's own pause. Who cannot be told
by machine is listed with the reason; the outcome is pulled from the deliveries. Capability 88.8.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import translation
from django.utils.text import slugify
from django.utils.translation import gettext as _

from tanggap.accounts import connect
from tanggap.accounts.models import Account
from tanggap.archive.move import move
from tanggap.archive.record import record
from tanggap.channels.base import Target
from tanggap.core import rules
from tanggap.core.errors import Refused, Stale
from tanggap.core.models import Person
from tanggap.execution.followup import keys, tickets
from tanggap.execution.followup.models import (
    Announcement,
    Case,
    Contributor,
    Recommendation,
    Telling,
)
from tanggap.execution.publishing import content, schedule
from tanggap.execution.publishing.models import Delivery
from tanggap.execution.publishing.queries import outcome
from tanggap.messaging.content import contents_of
from tanggap.messaging.models import Message, Variant, VariantMedia

log = logging.getLogger(__name__)
BY = "system:announce"
# Why somebody is not told by machine; the words are in desk/words/followup.py.
WHY = ("deleted", "erased", "sealed", "paused", "not_connected", "by_hand", "no_verb", "failed")
DECIDED = ("accepted", "changed", "declined", "done")


@dataclass(frozen=True)
class Receiver:
    """One contributor, the words for them, and why they cannot be reached ("" when they can)."""

    contributor: Contributor
    text: str
    why_not: str


def write(
    title: str,
    *,
    you_said: str,
    we_did: str,
    reply_text: str,
    by: Person,
    now: datetime,
    recommendation: Recommendation | None = None,
    case: Case | None = None,
    accounts: Sequence[Account] = (),
) -> Announcement:
    """A draft, from a decision or a resolved case. `accounts` carry the public post as well."""
    what = _("The announcement was not written.")
    case = case or (recommendation.finding.case if recommendation else None)
    if recommendation is None and case is None:
        raise Refused(
            what,
            _("There is no decision and no report behind it."),
            _("Start from a decision or from a resolved report."),
        )
    if case is not None and case.sealed:
        raise Refused(
            what,
            _("This report is kept sealed and is never made public."),
            _("Tell the person by private message."),
        )
    if recommendation is not None and recommendation.state not in DECIDED:
        raise Refused(what, _("The head has not decided yet."), _("Wait for the decision."))
    if recommendation is None and case is not None and case.state not in ("resolved", "closed"):
        raise Refused(what, _("The report is not resolved yet."), _("Resolve it first."))
    for name, text in (
        ("title", title),
        ("you_said", you_said),
        ("we_did", we_did),
        ("reply_text", reply_text),
    ):
        if not text.strip():
            raise Refused(what, _("A part of it is empty."), _("Fill it in."), field=name)
    agency = (recommendation or case).agency  # type: ignore[union-attr]
    with transaction.atomic():
        made = Announcement.objects.create(
            agency=agency,
            recommendation=recommendation,
            case=case,
            title=title.strip(),
            you_said=you_said.strip(),
            we_did=we_did.strip(),
            reply_text=reply_text.strip(),
            written_by=by,
            written_at=now,
            slug=_slug(title),
        )
        made.accounts.set(accounts, through_defaults={"agency": agency})
        _fits(made)
        record(
            agency,
            "announcement.written",
            made,
            by=by,
            now=now,
            facts={
                "recommendation": recommendation.pk if recommendation else None,
                "case": case.pk if case else None,
                "accounts": [one.pk for one in accounts],
            },
        )
    return made


def change(
    announcement: Announcement,
    *,
    title: str,
    you_said: str,
    we_did: str,
    reply_text: str,
    accounts: Sequence[Account],
    by: Person,
    now: datetime,
) -> Announcement:
    """Other words, while it is a draft. The approver's hash no longer fits then."""
    if announcement.state != "draft":
        raise Refused(
            _("The announcement was not changed."),
            _("It was approved already."),
            _("Withdraw it and write a new one."),
        )
    with transaction.atomic():
        announcement.title, announcement.you_said = title.strip(), you_said.strip()
        announcement.we_did, announcement.reply_text = we_did.strip(), reply_text.strip()
        announcement.written_by, announcement.written_at = by, now
        announcement.save(
            update_fields=["title", "you_said", "we_did", "reply_text", "written_by", "written_at"]
        )
        announcement.accounts.set(accounts, through_defaults={"agency": announcement.agency})
        _fits(announcement)
        record(announcement.agency, "announcement.changed", announcement, by=by, now=now)
    return announcement


def contributors(announcement: Announcement) -> QuerySet[Contributor]:
    """Everybody who is behind it: of its report, and of its finding's originals."""
    behind = Q(case=announcement.case_id) if announcement.case_id else Q(pk__in=[])
    if announcement.recommendation is not None:
        finding = announcement.recommendation.finding
        behind |= Q(item__in=finding.lines.values("item"))
        if finding.case_id:
            behind |= Q(case=finding.case_id)
    return (
        Contributor.objects.filter(behind, agency=announcement.agency_id)
        .select_related("author", "item", "conversation__account", "case__agency")
        .order_by("joined_at", "pk")
    )


def receivers(announcement: Announcement) -> list[Receiver]:
    """One line an author, even where somebody is behind it twice."""
    seen: set[int] = set()
    found = []
    for one in contributors(announcement):
        if one.author_id not in seen:
            seen.add(one.author_id)
            found.append(Receiver(one, words_for(announcement, one), why_not(one)))
    return found


def words_for(announcement: Announcement, contributor: Contributor) -> str:
    """The reply in the citizen's own thread, with their number and what to do when it is not so."""
    with translation.override(tickets.LANGUAGE):
        case = contributor.case
        last = _("Report %(number)s: %(address)s. Not fixed? Answer “belum” here.") % {
            "number": case.number,
            "address": tickets.address(case),
        }
    return f"{announcement.reply_text}\n\n{last}"


def why_not(contributor: Contributor) -> str:
    """Why a contributor cannot be told by machine: a code of WHY, or ""."""
    if contributor.case.sealed or contributor.conversation.sealed:
        return "sealed"
    if contributor.author.erased_at is not None:
        return "erased"
    if contributor.item.deleted_remotely_at is not None:
        return "deleted"
    return tickets.why_not(contributor.conversation.account, private=_private(contributor))


def public_words(announcement: Announcement) -> str:
    with translation.override(tickets.LANGUAGE):
        return "\n\n".join(
            (
                announcement.title,
                _("You said: %(words)s") % {"words": announcement.you_said},
                _("We did: %(words)s") % {"words": announcement.we_did},
                page(announcement),
            )
        )


def page(announcement: Announcement) -> str:
    agency = rules.tenant(announcement.agency)
    return f"{settings.PUBLIC_URL}/{agency.slug}/tindak-lanjut/{announcement.slug}/"


def batch_hash(announcement: Announcement, told: Iterable[Receiver] | None = None) -> bytes:
    """SHA-256 over everything that one approval lets out: public words, photos, every reply."""
    told = receivers(announcement) if told is None else told
    return hashlib.sha256(
        json.dumps(
            {
                "public": public_words(announcement),
                "accounts": sorted(announcement.accounts.values_list("pk", flat=True)),
                "photos": [bytes(one.media.sha256).hex() for one in _photos(announcement)],
                "replies": [[one.contributor.pk, one.text, one.why_not] for one in told],
            },
            sort_keys=True,
            ensure_ascii=False,
        ).encode()
    ).digest()


def approve(
    announcement: Announcement, *, seen_hash: bytes, by: Person, now: datetime
) -> Announcement:
    """Let the whole batch out: the public post and one reply for each contributor, spaced.

    `seen_hash` is the batch hash of what the approver saw. Raises Refused or Stale; then nothing
    leaves. A second person approves: not who wrote it last.
    """
    if by.pk == announcement.written_by_id:
        raise Refused(
            _("The announcement was not approved."),
            _("You wrote it; a second person looks before it goes out."),
            _("Ask the person in charge or their deputy."),
        )
    with transaction.atomic():
        told = receivers(announcement)
        found = batch_hash(announcement, told)
        if found != seen_hash:
            raise Stale(
                _("The announcement was not approved."),
                _("Its words or its receivers have changed since you opened it."),
                _("Read it once more, then approve."),
            )
        move(
            announcement,
            "approved",
            by=by,
            now=now,
            approved_by=by,
            approved_at=now,
            approved_hash=found,
            facts={
                "hash": found.hex(),
                "receivers": len(told),
                "undeliverable": sum(bool(one.why_not) for one in told),
            },
        )
        _post(announcement, by=by, now=now)
        _tell(announcement, told, by=by, now=now)
        settle(announcement, now=now)
    return announcement


def tell_rest(announcement: Announcement, *, by: Person, now: datetime) -> int:
    """Those who joined later, or could not be reached then and can now. How many were queued."""
    if announcement.state not in ("approved", "sent"):
        raise Refused(
            _("Nobody was told."),
            _("The announcement is not approved."),
            _("Have it approved first."),
        )
    with transaction.atomic():
        known = {one.contributor_id: one for one in announcement.tellings.select_for_update()}
        told = Q(delivery__isnull=False) | Q(told_by_hand_at__isnull=False)
        authors = set(
            announcement.tellings.filter(told).values_list("contributor__author", flat=True)
        )
        fresh = []
        for one in receivers(announcement):
            telling = known.get(one.contributor.pk)
            if one.contributor.author_id in authors or (telling and one.why_not):
                continue
            if telling:
                telling.delivery = _queue(announcement, one, by=by, now=now, due_at=now)
                telling.undeliverable = ""
                telling.save(update_fields=["delivery", "undeliverable"])
            fresh.append(one)
        _tell(
            announcement, [one for one in fresh if one.contributor.pk not in known], by=by, now=now
        )
        record(
            announcement.agency,
            "announcement.told_rest",
            announcement,
            by=by,
            now=now,
            facts={"count": len(fresh)},
        )
    return len(fresh)


def told_by_hand(telling: Telling, *, by: Person, now: datetime) -> Telling:
    """An officer told them where no machine can: on record, so that nobody does it twice."""
    if telling.delivery_id is not None:
        raise Refused(
            _("Nothing was noted."),
            _("This person is told by the network."),
            _("Look at the delivery instead."),
        )
    with transaction.atomic():
        telling.told_by_hand_at = now
        telling.save(update_fields=["told_by_hand_at"])
        record(
            telling.agency,
            "announcement.told_by_hand",
            telling.announcement,
            by=by,
            now=now,
            facts={"telling": telling.pk},
        )
    return telling


def withdraw(announcement: Announcement, *, by: Person, now: datetime) -> Announcement:
    """Take it back. What has not left is taken off; what is out stays on record."""
    with transaction.atomic():
        for telling in announcement.tellings.select_related("delivery"):
            row = telling.delivery
            if row is not None and row.state in ("queued", "preparing", "ready", "late", "held"):
                schedule.cancel(row, by=by, now=now)
        if announcement.post is not None:
            schedule.cancel_waiting(announcement.post, by=by, now=now)
        move(announcement, "withdrawn", by=by, now=now)
    return announcement


def tick(now: datetime) -> int:
    """Pull the outcome of what is on its way. How many announcements are complete by it."""
    complete = 0
    for one in Announcement.objects.filter(state="approved").select_related("agency"):
        try:
            complete += settle(one, now=now)
        except Exception:
            # One that cannot be settled must not keep the others open; the next tick tries again.
            log.exception("Announcement %s was not settled.", one.pk)
    return complete


def settle(announcement: Announcement, *, now: datetime) -> bool:
    """approved → sent, when every reply and the post are out or have ended. No message is sent."""
    open_ = 0
    for telling in announcement.tellings.select_related("delivery"):
        if telling.delivery is None:
            continue
        state = outcome(telling.delivery)
        open_ += state == "open"
        if state == "ended" and not telling.undeliverable:
            telling.undeliverable = "failed"
            telling.save(update_fields=["undeliverable"])
    if announcement.post_id:
        posts = Delivery.objects.filter(variant__message=announcement.post_id)
        open_ += sum(outcome(one) == "open" for one in posts)
    if open_ or announcement.state != "approved":
        return False
    with transaction.atomic():
        move(
            announcement,
            "sent",
            by=BY,
            now=now,
            facts={
                "told": announcement.tellings.filter(undeliverable="").count(),
                "undeliverable": announcement.tellings.exclude(undeliverable="").count(),
            },
        )
        decision = announcement.recommendation
        if decision is not None and decision.state in ("done", "declined"):
            move(decision, "announced", by=BY, now=now, facts={"announcement": announcement.pk})
    return True


def _tell(
    announcement: Announcement, told: Sequence[Receiver], *, by: Person, now: datetime
) -> None:
    pause = timedelta(seconds=rules.number(announcement.agency, "announcement_seconds"))
    turn = 0
    already = set(announcement.tellings.values_list("contributor_id", flat=True))
    for one in told:
        if one.contributor.pk in already:
            continue
        delivery = None
        if not one.why_not:
            delivery = _queue(announcement, one, by=by, now=now, due_at=now + turn * pause)
            turn += 1
        Telling.objects.create(
            agency=announcement.agency,
            announcement=announcement,
            contributor=one.contributor,
            delivery=delivery,
            undeliverable=one.why_not,
        )


def _queue(
    announcement: Announcement, one: Receiver, *, by: Person, now: datetime, due_at: datetime
) -> Delivery:
    who = one.contributor
    visibility = who.item.visibility if who.item.visibility in ("public", "unlisted") else "public"
    return schedule.queue_reply(
        who.conversation.account,
        text=one.text,
        reply_target=Target(who.item.remote_id, who.author.handle),
        visibility=visibility,
        language=tickets.LANGUAGE,
        private=_private(who),
        kind=Delivery.Kind.ANNOUNCEMENT,
        approved_by=f"person:{announcement.approved_by_id}",
        by=by,
        now=now,
        due_at=due_at,
    )


def _post(announcement: Announcement, *, by: Person, now: datetime) -> None:
    """The public post: the words that were just approved, as content of the messaging stage."""
    accounts = list(announcement.accounts.filter(state="connected"))
    if not accounts:
        return
    decision = announcement.recommendation
    message = Message.objects.create(
        agency=announcement.agency,
        title=announcement.title,
        core=public_words(announcement),
        activity=decision.finding.activity if decision else None,
        # Activities and performance of the agency: UU 14/2008 article 9.
        openness=Message.Openness.PERIODIC,
        source=page(announcement),
        author=announcement.written_by,
        created_at=now,
        edited_at=now,
    )
    photos = _photos(announcement)
    for account in accounts:
        variant = Variant.objects.create(
            agency=announcement.agency, message=message, account=account
        )
        for order, one in enumerate(photos[: connect.limits(account).max_media]):
            VariantMedia.objects.create(
                agency=announcement.agency, variant=variant, media=one.media, order=order
            )
    said = hashlib.sha256(
        b"".join(
            content.digest(what, variant.account_id)
            for variant, _part, what in contents_of(message)
        )
    )
    move(message, "checked", by=announcement.written_by, now=now)
    move(
        message,
        "approved",
        by=by,
        now=now,
        approved_by=by,
        approved_at=now,
        approved_hash=said.digest(),
        facts={"announcement": announcement.pk},
    )
    schedule.queue(message, by=by, now=now)
    Announcement.objects.filter(pk=announcement.pk).update(post=message)
    announcement.post = message


def _photos(announcement: Announcement) -> list:  # type: ignore[type-arg]
    """The newest public photo of before, and of after."""
    if announcement.case is None:
        return []
    shown = announcement.case.photos.filter(public=True).select_related("media").order_by("-pk")
    pair = [shown.filter(when=when).first() for when in ("before", "after")]
    return [one for one in pair if one is not None]


def _fits(announcement: Announcement) -> None:
    """Refuse words that a network would not take, before anybody approves them."""
    what = _("The announcement was not written.")
    for account in announcement.accounts.all():
        limit, length = connect.limits(account).max_text, len(public_words(announcement))
        if length > limit:
            raise Refused(
                what,
                _("For %(account)s the public words have %(length)d of %(limit)d characters.")
                % {"account": account.display_name, "length": length, "limit": limit},
                _("Shorten “You said” or “We did”."),
                field="we_did",
            )
    for one in receivers(announcement):
        if one.why_not:
            continue
        limit = connect.limits(one.contributor.conversation.account).max_text
        length = len(one.text) + len(one.contributor.author.handle) + 2
        if length > limit:
            raise Refused(
                what,
                _("The reply has %(length)d characters with its address; %(limit)d fit.")
                % {"length": length, "limit": limit},
                _("Shorten the reply to each person."),
                field="reply_text",
            )


def _private(contributor: Contributor) -> bool:
    return contributor.conversation.visibility == "private"


def _slug(title: str) -> str:
    return f"{slugify(title)[:60].strip('-') or 'tindak-lanjut'}-{keys.new_key()[:4].lower()}"
