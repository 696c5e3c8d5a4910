"""Telling a citizen their number in their own thread, and the private key in a private message.

The public words carry number, address and the difference between the two; the key is never in
them. Both are fixed texts, so that no second person is needed: the rule is named as approver.
The key itself is kept under the citizen's own key (archive.payload) until it is sent, and filled
into the message at that moment; no row holds it in clear.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from tanggap.accounts import connect
from tanggap.accounts.models import Account
from tanggap.archive import payload
from tanggap.archive.move import move
from tanggap.channels.base import Target
from tanggap.core.models import Person
from tanggap.execution.followup.clocks import NEVER, ours, rule_of, running
from tanggap.execution.followup.models import Case, Contributor
from tanggap.execution.inbox.models import Reply
from tanggap.execution.inbox.people import person_key
from tanggap.execution.publishing import content, schedule
from tanggap.execution.publishing.models import Delivery

RULE = "rule:ticket"
LANGUAGE = "id"  # citizens are answered in Indonesian whatever language the officer's desk speaks


def address(case: Case) -> str:
    """Where anybody may see the status."""
    return f"{settings.PUBLIC_URL}/{case.agency.slug}/lapor/{case.number}/"


def give(
    contributor: Contributor, key: str, *, by: Person, now: datetime, due_at: datetime
) -> None:
    """Queue both messages where the network allows it. `due_at` spaces out many of them."""
    case, item, talk = contributor.case, contributor.item, contributor.conversation
    private = talk.visibility == "private" or case.sealed
    if why_not(talk.account, private=private):
        return
    follows = not why_not(talk.account, private=True)
    told = public_words(case, key_follows=follows)
    sealed = _sealed(contributor, key, now=now) if follows else None
    words = secret_words(case) if private else told
    reply = Reply.objects.create(
        agency=case.agency,
        conversation=talk,
        item=item,
        purpose=Reply.Purpose.TICKET,
        # The thread never shows a key, not even to us.
        text=told,
        private=private,
        written_by=by,
        written_at=now,
        seen_item_id=talk.last_item_id,
    )
    delivery = _send(
        contributor,
        words,
        sealed=sealed if private else None,
        private=private,
        by=by,
        now=now,
        due_at=due_at,
    )
    move(reply, "released", by=by, now=now, delivery=delivery, approved_at=now)
    contributor.ticket = reply
    if private:
        contributor.key_delivery = delivery
    elif follows:
        contributor.key_delivery = _send(
            contributor,
            secret_words(case),
            sealed=sealed,
            private=True,
            by=by,
            now=now,
            due_at=due_at,
        )
    contributor.save(update_fields=["ticket", "key_delivery"])


def why_not(account: Account, *, private: bool) -> str:
    """Why no words of ours can reach a citizen over this account by themselves: a code, or ""."""
    if account.state == "paused":
        return "paused"
    if account.state != "connected":
        return "not_connected"
    if connect.by_hand(account):
        return "by_hand"
    return "" if ("send_private" if private else "reply") in connect.can(account) else "no_verb"


def public_words(case: Case, *, key_follows: bool = True) -> str:
    """`key_follows`: the network lets us send the key in private, so we may promise it."""
    with translation.override(LANGUAGE):
        return " ".join(
            part
            for part in (
                _("Thank you. Your report is recorded under the number %(number)s.")
                % {"number": case.number},
                _also(case),
                _term(case),
                _("Anybody can see the status at %(address)s.") % {"address": address(case)},
                _(
                    "Details are private: we send your key by private message, please keep it to"
                    " yourself."
                )
                if key_follows
                else "",
            )
            if part
        )


def secret_words(case: Case) -> str:
    """With a blank where the key is filled in."""
    with translation.override(LANGUAGE):
        return " ".join(
            (
                _("Your report %(number)s. Private key: %(key)s.")
                % {"number": case.number, "key": content.BLANK},
                _(
                    "With both you can read the details, see the evidence and tell us if it is not"
                    " fixed: %(address)s"
                )
                % {"address": address(case)},
                _("The number may be known to all; the key is for you alone."),
            )
        )


def _also(case: Case) -> str:
    others = case.contributors_count - 1
    if others < 1:
        return ""
    return _("%(count)d other citizens report the same.") % {"count": others}


def _term(case: Case) -> str:
    terms = [one for one in running(case) if ours(one) and rule_of(one).ends == "resolved"]
    if not terms or terms[0].due_at == NEVER:
        return ""
    day = localtime(terms[0].due_at, ZoneInfo(case.agency.zone)).date()
    return _("It is to be finished by %(day)s at the latest.") % {"day": date_format(day, "j F Y")}


def _sealed(contributor: Contributor, key: str, *, now: datetime) -> dict[str, object]:
    """The key, locked with the citizen's own; whoever erases them erases it."""
    author = contributor.author
    subject = person_key(author.account_id, author.remote_id)
    return payload.fact(payload.store(contributor.agency, subject, key.encode(), now=now))


def _send(
    contributor: Contributor,
    text: str,
    *,
    sealed: Mapping[str, object] | None,
    private: bool,
    by: Person,
    now: datetime,
    due_at: datetime,
) -> Delivery:
    item = contributor.item
    return schedule.queue_reply(
        contributor.conversation.account,
        text=text,
        reply_target=Target(item.remote_id, contributor.author.handle),
        visibility=item.visibility if item.visibility in ("public", "unlisted") else "public",
        language=LANGUAGE,
        sealed=sealed,
        private=private,
        approved_by=RULE,
        by=by,
        now=now,
        due_at=due_at,
    )
