"""Step 5: answer where the citizen wrote.

write → (a second person approves, or a valid saved answer allows it) → a Delivery → published.
The reply form carries the last item that its writer saw: when something came in between, nothing
is sent and the text is kept. A conversation counts as answered when the network has the answer,
not before: `tick` pulls that from the deliveries.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from tanggap.accounts import connect
from tanggap.archive.move import move
from tanggap.archive.record import record
from tanggap.channels.base import Draft, Target
from tanggap.core import rules
from tanggap.core.errors import Refused, Stale
from tanggap.core.models import Person
from tanggap.execution.inbox import answers, promise
from tanggap.execution.inbox.models import Claim, Conversation, Item, Reply, SavedAnswer
from tanggap.execution.inbox.people import public_contacts
from tanggap.execution.publishing import queries, schedule
from tanggap.language.redact import redact

BY = "system:reply"
REMOVE_DATA = (
    "Demi keamanan, mohon hapus NIK dari komentar Bapak/Ibu. "
    "Kami tidak memerlukannya di kolom komentar."
)
"""The private request, in the words of the house: it never says in public that a NIK was there."""
REMOVE_OTHER = (
    "Demi keamanan, mohon hapus data pribadi dari komentar Bapak/Ibu. "
    "Kami tidak memerlukannya di kolom komentar."
)
# What may stand around a saved answer without a second look: a greeting, a name, thanks.
GREETING = 160
_FACT = re.compile(r"[0-9]|https?://|www\.|[\w-]+\.(?:go\.id|id|com)\b", re.IGNORECASE)


def write(
    conversation: Conversation,
    item: Item,
    text: str,
    *,
    by: Person,
    now: datetime,
    private: bool = False,
    saved_answer: SavedAnswer | None = None,
    source: str = "",
    purpose: str = Reply.Purpose.ANSWER,
    seen_item_id: int | None = None,
    claim: Claim | None = None,
    sealed: bool = False,
) -> Reply:
    """Write an answer to `item`. It is sent at once where a rule allows that, and otherwise waits
    for a second person (state "awaiting").

    With `sealed` (the caller holds "integrity") it answers a sealed report: in private and on the
    writer's word alone, because a second reader would be one too many.

    Raises Stale when something came in after `seen_item_id`, and Refused when the text is empty,
    too long for the network, or holds personal data.
    """
    what = _("The answer was not sent.")
    if purpose == Reply.Purpose.REMOVE_DATA or sealed:
        private = True
    with transaction.atomic():
        fresh = _open(conversation, item, seen_item_id, what)
        if fresh.sealed != sealed:
            raise Refused(
                what,
                _("This conversation was sealed or opened in the meantime."),
                _("Open it again from the list where it stands now."),
            )
        private = private or fresh.visibility == Conversation.Visibility.PRIVATE
        check(fresh, item, text, private=private, now=now)
        _not_twice(item, text, what)
        row = Reply.objects.create(
            agency_id=fresh.agency_id,
            conversation=fresh,
            item=item,
            purpose=purpose,
            text=text.strip(),
            private=private,
            saved_answer=saved_answer,
            source=source.strip() or (saved_answer.source if saved_answer else ""),
            written_by=by,
            written_at=now,
            seen_item_id=fresh.last_item_id,
            claim=claim,
        )
        _offer(row, by=by, now=now)
        Conversation.objects.filter(pk=fresh.pk).update(unread=False)
    return row


def rewrite(
    reply: Reply,
    text: str,
    *,
    by: Person,
    now: datetime,
    seen_item_id: int | None = None,
    source: str | None = None,
) -> Reply:
    """Change what was returned (or still waits) and offer it again. Whoever changes it is its
    writer from now on, and cannot approve it."""
    if reply.state not in ("returned", "awaiting"):
        raise Refused(_("The answer was not changed."), _("It has left already."), "")
    with transaction.atomic():
        what = _("The answer was not changed.")
        fresh = _open(reply.conversation, reply.item, seen_item_id, what)
        _not_sealed(fresh, what)
        check(fresh, reply.item, text, private=reply.private, now=now)
        if reply.state == "awaiting":
            move(reply, "returned", by=by, now=now)
        Reply.objects.filter(pk=reply.pk).update(
            text=text.strip(),
            written_by=by,
            written_at=now,
            seen_item_id=fresh.last_item_id,
            **({} if source is None else {"source": source.strip()}),
        )
        row = Reply.objects.select_related("conversation", "item").get(pk=reply.pk)
        _offer(row, by=by, now=now)
    return row


def version(reply: Reply) -> str:
    """Names the words as they are now; an approval carries the one that was read."""
    return f"{reply.written_by_id}@{reply.written_at.isoformat()}"


def approve(
    reply: Reply,
    *,
    by: Person,
    now: datetime,
    seen_item_id: int | None = None,
    seen_version: str | None = None,
) -> Reply:
    """A second person agrees; it goes to the network. The writer cannot approve their own.

    Raises Stale when the words are not those of `seen_version` any more.
    """
    what = _("The answer was not approved.")
    if reply.written_by_id == by.pk:
        raise Refused(what, _("You wrote it yourself."), _("A second person looks at it."))
    with transaction.atomic():
        fresh = _open(reply.conversation, reply.item, seen_item_id, what)
        _not_sealed(fresh, what)
        if version(Reply.objects.get(pk=reply.pk)) != (seen_version or version(reply)):
            raise Stale(
                what,
                _("Its words were changed in the meantime."),
                _("Read it once more, then approve."),
            )
        check(fresh, reply.item, reply.text, private=reply.private, now=now)
        _release(reply, f"person:{by.pk}", by=by, now=now, approved_by=by)
    return reply


def return_(reply: Reply, reason: str, *, by: Person, now: datetime) -> Reply:
    """Back to its writer, with a sentence on what to change."""
    if not reason.strip():
        raise Refused(
            _("The answer was not returned."),
            _("A reason is missing."),
            _("Write in one sentence what should change."),
            field="reason",
        )
    return move(reply, "returned", by=by, now=now, returned_reason=reason.strip())


def withdraw(reply: Reply, *, by: Person, now: datetime) -> Reply:
    """Its writer, or a second person, takes it back before it was released."""
    return move(reply, "withdrawn", by=by, now=now)


def ask_to_remove(conversation: Conversation, item: Item, *, by: Person, now: datetime) -> Reply:
    """One click: ask the citizen in private to remove personal data. Needs no second person."""
    last = item.revisions.order_by("-number").first()
    kinds = {one["kind"] for one in (last.personal if last else item.personal)}
    if not kinds:
        raise Refused(
            _("Nothing was sent."), _("No personal data is to be seen in this message."), ""
        )
    asked = Reply.objects.filter(item=item, purpose=Reply.Purpose.REMOVE_DATA).exclude(
        state="withdrawn"
    )
    if asked.exists():
        raise Refused(
            _("Nothing was sent."),
            _("We have already asked for this message."),
            _("Give them some time; the numbers stay masked with us."),
        )
    text = REMOVE_DATA if kinds <= {"nik"} else REMOVE_OTHER
    return write(conversation, item, text, by=by, now=now, purpose=Reply.Purpose.REMOVE_DATA)


def count(conversation: Conversation, item: Item, text: str, now: datetime) -> tuple[int, int]:
    """(length, most) as the account's network counts an answer to this item."""
    draft = Draft(text=text.strip(), reply_to=_target(item))
    channel = connect.counting(conversation.account, now)
    return channel.count(draft), connect.limits(conversation.account).max_text


def check(
    conversation: Conversation, item: Item, text: str, *, private: bool, now: datetime
) -> None:
    """What stops an answer, whoever wrote it. Raises Refused, naming the field `text`."""
    what = _("The answer was not sent.")
    if not text.strip():
        raise Refused(what, _("There are no words in it."), _("Write an answer."), field="text")
    if private and "send_private" not in connect.can(conversation.account):
        raise Refused(
            what,
            _("This network has no private messages that we can send."),
            _("Ask the citizen in public to write to you in private, without naming their data."),
        )
    length, most = count(conversation, item, text, now)
    if length > most:
        raise Refused(
            what,
            _("It has %(length)d characters; the network takes %(most)d.")
            % {"length": length, "most": most},
            _("Shorten it by %(over)d.") % {"over": length - most},
            field="text",
        )
    found = redact(text, public_contacts(conversation.agency))
    if found:
        names = {
            "nik": "NIK",
            "kk": _("family card number"),
            "phone": _("phone number"),
            "email": _("e-mail address"),
        }
        raise Refused(
            what,
            _("It holds personal data: %(kinds)s.")
            % {"kinds": ", ".join(sorted({names[one.kind] for one in found}))},
            _("Take it out. Numbers of the office belong in its contact details."),
            field="text",
        )


def allowed_alone(reply: Reply, now: datetime) -> str:
    """The rule by which this reply needs no second person, or "".

    A saved answer counts as unchanged in its facts when it stands in the reply word for word and
    what is around it is short and has no number and no address.
    """
    if reply.purpose == Reply.Purpose.REMOVE_DATA:
        return "rule:remove_data" if reply.text in (REMOVE_DATA, REMOVE_OTHER) else ""
    if reply.conversation.sealed:
        return "rule:sealed"
    saved = reply.saved_answer
    if saved is None or not rules.value(reply.agency, "saved_answer_alone"):
        return ""
    if not answers.valid(saved, now):
        return ""
    ours, theirs = _flat(reply.text), _flat(saved.text)
    if theirs not in ours:
        return ""
    around = ours.replace(theirs, " ", 1)
    if len(around.strip()) > GREETING or _FACT.search(around):
        return ""
    return f"rule:saved_answer:{saved.pk}"


def tick(now: datetime) -> int:
    """Mark conversations whose answer is out. How many answers that were."""
    rows = Reply.objects.filter(
        state="released", settled_at=None, delivery__state__in=["published", "removing", "removed"]
    )
    done = 0
    for row in rows.select_related("delivery").order_by("pk")[:500]:
        if row.delivery is not None and row.delivery.published_at is not None:
            done += _settle(row, now)
    return done


def state_of(reply: Reply) -> str:
    """Where an answer is: awaiting, returned, withdrawn, or of its delivery: open, out, ended."""
    if reply.state != "released" or reply.delivery is None:
        return reply.state
    return queries.outcome(reply.delivery)


# --- inside --------------------------------------------------------------------------------------


def _open(
    conversation: Conversation, item: Item, seen_item_id: int | None, what: str
) -> Conversation:
    """The conversation as it is now, locked against a new item. Raises Stale."""
    fresh = (
        Conversation.objects.select_for_update(of=["self"])
        .select_related("agency", "account__agency", "author")
        .get(pk=conversation.pk)
    )
    if item.conversation_id != fresh.pk:
        raise Refused(what, _("This message belongs to another conversation."), "")
    if seen_item_id is not None and fresh.last_item_id > seen_item_id:
        raise Stale(
            what,
            _("The citizen has written something new in the meantime."),
            _("Read it below; your text is kept. Send it again if it still fits."),
            field="text",
        )
    return fresh


def _not_sealed(conversation: Conversation, what: str) -> None:
    if conversation.sealed:
        raise Refused(
            what,
            _("The report was sealed in the meantime."),
            _("Those who handle such reports answer it, in private."),
        )


def _not_twice(item: Item, text: str, what: str) -> None:
    """A button that was pressed twice must not answer twice. The conversation is locked."""
    rows = Reply.objects.filter(item=item, text=text.strip()).exclude(
        state__in=["returned", "withdrawn"]
    )
    if any(state_of(one) != "ended" for one in rows.select_related("delivery")):
        raise Refused(
            what,
            _("The same answer to this message is there already."),
            _("Look at it in the conversation, or write something else."),
            field="text",
        )


def _offer(reply: Reply, *, by: Person, now: datetime) -> None:
    """Send it where a rule allows that; otherwise wait for a second person."""
    rule = allowed_alone(reply, now)
    if rule:
        _release(reply, rule, by=by, now=now)
        return
    move(
        reply,
        "awaiting",
        by=by,
        now=now,
        content=reply.text.encode(),
        facts={"item": reply.item_id, "private": reply.private, "purpose": reply.purpose},
        returned_reason="",
    )


def _release(
    reply: Reply, allowed_by: str, *, by: Person, now: datetime, approved_by: Person | None = None
) -> None:
    conversation, item = reply.conversation, reply.item
    delivery = schedule.queue_reply(
        conversation.account,
        text=reply.text,
        reply_target=_target(item),
        visibility=item.visibility if item.visibility in ("public", "unlisted") else "direct",
        language=item.language or "id",
        private=reply.private,
        approved_by=allowed_by,
        by=by,
        now=now,
    )
    extra: dict[str, Any] = {"approved_by": approved_by, "approved_at": now} if approved_by else {}
    move(
        reply,
        "released",
        by=by,
        now=now,
        content=reply.text.encode(),
        delivery=delivery,
        facts={"delivery": delivery.pk, "allowed_by": allowed_by, "item": item.pk},
        **extra,
    )
    if reply.saved_answer_id:
        SavedAnswer.objects.filter(pk=reply.saved_answer_id).update(used=F("used") + 1)


def _settle(reply: Reply, now: datetime) -> bool:
    with transaction.atomic():
        taken = Reply.objects.filter(pk=reply.pk, settled_at=None).update(settled_at=now)
        if not taken or reply.delivery is None:
            return False
        conversation = (
            Conversation.objects.select_for_update(of=["self"])
            .select_related("agency")
            .get(replies=reply)
        )
        # Asking to remove a number is no answer to what the citizen asked.
        if reply.purpose == Reply.Purpose.REMOVE_DATA:
            Reply.objects.filter(pk=reply.pk).update(seen_item_id=0)
            return True
        if conversation.answered_at is None:
            Conversation.objects.filter(pk=conversation.pk).update(
                answered_at=reply.delivery.published_at
            )
        if conversation.state in promise.OPEN and promise.unanswered(conversation) is None:
            move(conversation, "answered", by=BY, now=now, facts={"reply": reply.pk})
        promise.set_due(conversation, now)
        # As it is now: another correction of the same claim may have settled just before.
        claim = Claim.objects.filter(corrections=reply, state="decided").first()
        if claim is not None:
            move(
                claim,
                "corrected",
                by=BY,
                now=now,
                facts={"reply": reply.pk},
                correction=reply.delivery,
            )
        record(
            reply.agency,
            "reply.published",
            reply,
            by=BY,
            now=now,
            facts={"delivery": reply.delivery_id},
        )
    return True


def _target(item: Item) -> Target:
    return Target(item.remote_id, item.author.handle if item.author else "", item.url)


def _flat(text: str) -> str:
    return " ".join(text.split()).casefold()
