"""The question to a person, and what the person says.

"Sudah tayang? Tempel tautannya / Belum, kirim lagi" after an unknown outcome or where a person
posts; "Masih ditayangkan?" for what is late; the rest of a thread whose part did not go out.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import unquote, urlsplit

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tanggap.accounts import connect
from tanggap.accounts.models import Account
from tanggap.archive.move import move
from tanggap.channels.base import NeedsPerson, Posted, Ready
from tanggap.channels.errors import Rejected
from tanggap.core.errors import Refused
from tanggap.core.models import Person
from tanggap.execution.publishing import lease, pieces, settle
from tanggap.execution.publishing.models import Attempt, Delivery

PROOF = {
    "proof_missing": gettext_lazy("The link to the post is missing."),
    "proof_not_a_link": gettext_lazy("This is not a link."),
    "proof_other_place": gettext_lazy("This link leads to another place."),
    "proof_not_a_post": gettext_lazy("This link leads to the front page, not to the post."),
}


def published(delivery: Delivery, *, link: str, by: Person, now: datetime) -> Delivery:
    """ "It is out": bind it to the link. Raises Refused when the link cannot be this post."""
    if delivery.state != "asked":
        raise Refused(
            _("Nothing was changed."),
            _("This question was already answered."),
            _("Open it again and look at its state."),
        )
    posted = _proof(delivery, link.strip(), now)
    taken = (
        Delivery.objects.filter(account=delivery.account, remote_id=posted.remote_id)
        .exclude(pk=delivery.pk)
        .first()
    )
    if taken is not None:
        raise _wrong(_("This link already belongs to another post here."))
    settle.attempt(
        delivery,
        Attempt.Act.SEND,
        "posted",
        started_at=now,
        ended_at=now,
        remote_id=posted.remote_id,
        facts={"by_hand": True},
    )
    settle.published(delivery.pk, posted, by=by, now=now, facts={"by_hand": True})
    delivery.refresh_from_db()
    return delivery


def send_again(delivery: Delivery, *, by: Person, now: datetime) -> Delivery:
    """ "It is not out, send it": from a question or from a refusal, by a person's word.

    The machine will not repeat it once more by itself.
    """
    if delivery.state not in ("asked", "failed"):
        raise Refused(
            _("It was not sent again."),
            _("Somebody has already decided."),
            _("Open it again and look at its state."),
        )
    return move(
        delivery,
        "queued",
        by=by,
        now=now,
        facts={"again": True},
        retry_at=None,
        tries=0,
        resent_by_machine=True,
        late_accepted=True,
        unknown_since=None,
        trouble="",
        trouble_said="",
        **lease.none(),
    )


def still_send(delivery: Delivery, *, by: Person, now: datetime) -> Delivery:
    """ "Yes, although it is late" or "yes, the rest of the thread too"."""
    if delivery.state not in ("late", "held"):
        raise Refused(
            _("It was not sent."),
            _("Somebody has already decided."),
            _("Open it again and look at its state."),
        )
    with transaction.atomic():
        # Whoever wants its beginning wants its end.
        parts = [part.pk for part in settle.rest(delivery)]
        Delivery.objects.filter(pk__in=parts).update(late_accepted=True)
        return move(
            delivery,
            "queued",
            by=by,
            now=now,
            facts={"late": True},
            late_accepted=True,
            retry_at=None,
            tries=0,
            trouble="",
            trouble_said="",
        )


def _proof(delivery: Delivery, link: str, now: datetime) -> Posted:
    if connect.by_hand(delivery.account):
        opened = connect.channel(delivery.account, now)
        ready = Ready(pieces.draft(delivery, reply_to=pieces.own_target(delivery)))
        needs = opened.publish(ready, str(delivery.key))  # type: ignore[attr-defined]
        try:
            found: Posted = opened.proof(needs, link)  # type: ignore[attr-defined]
        except Rejected as error:
            raise _wrong(str(PROOF.get(error.code, error.code))) from error
        return found
    try:
        parts = urlsplit(link)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise _wrong(str(PROOF["proof_not_a_link"] if link else PROOF["proof_missing"]))
    if parts.hostname not in _hosts(delivery.account):
        raise _wrong(str(PROOF["proof_other_place"]))
    path = [unquote(part) for part in parts.path.split("/") if part]
    if not path or path[-1].startswith("@"):
        raise _wrong(str(PROOF["proof_not_a_post"]))
    return Posted(path[-1], link, delivery.claimed_at or now)


def _hosts(account: Account) -> set[str]:
    return {urlsplit(one).hostname or "" for one in (account.server, account.url) if one}


def _wrong(why: str) -> Refused:
    return Refused(
        _("It was not marked as published."),
        why,
        _("Open the post on the network, copy its address and paste it here."),
        field="link",
    )


def hand_over(delivery: Delivery, now: datetime) -> NeedsPerson:
    """What a person needs in order to post: words, media, where to go. Raises a ChannelError."""
    opened = connect.channel(delivery.account, now)
    target = pieces.own_target(delivery)
    ready = Ready(pieces.draft(delivery, reply_to=target))
    needs: NeedsPerson
    if target is None:
        needs = opened.publish(ready, str(delivery.key))  # type: ignore[attr-defined]
    else:
        needs = opened.reply(target, ready, str(delivery.key))  # type: ignore[attr-defined]
    return needs
