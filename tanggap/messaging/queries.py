"""Questions about messages."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from tanggap.core.scope import Scope, scoped
from tanggap.messaging.models import Exemption, Media, Message, Review, Variant, VariantMedia

FILTERS = ("writing", "waiting", "approved", "released", "owed", "withdrawn")


def messages(scope: Scope) -> QuerySet[Message]:
    return scoped(Message, scope).select_related("activity", "author", "approved_by", "agency")


def listed(scope: Scope, only: str = "", text: str = "") -> QuerySet[Message]:
    """Messages of one filter of FILTERS, newest first; page by `-pk`."""
    rows = messages(scope)
    if only:
        rows = rows.filter(_only(only))
    if text:
        rows = rows.filter(Q(title__icontains=text) | Q(core__icontains=text))
    return rows.order_by("-pk")


def _only(name: str) -> Q:
    return {
        "writing": Q(state="draft"),
        "waiting": Q(state="checked"),
        "approved": Q(state="approved"),
        "released": Q(state="released"),
        "owed": Q(review_owed=True),
        "withdrawn": Q(state="withdrawn"),
    }[name]


def counts(scope: Scope) -> dict[str, int]:
    """How many each filter shows."""
    return {name: scoped(Message, scope).filter(_only(name)).count() for name in FILTERS}


def to_review(scope: Scope) -> QuerySet[Message]:
    """Waiting for this person: they neither wrote nor changed it."""
    if scope.person is None or not scope.may("message.review"):
        return Message.objects.none()
    mine = Q(author=scope.person) | Q(edited_by=scope.person)
    waiting = Q(state="checked") & ~mine
    owed = Q(review_owed=True) & ~Q(approved_by=scope.person)
    return messages(scope).filter(waiting | owed).order_by("publish_at", "pk")


def variants(message: Message) -> QuerySet[Variant]:
    return message.variants.select_related("account__agency").order_by("pk")


def history(message: Message) -> QuerySet[Review]:
    return message.reviews.select_related("by").order_by("at", "pk")


def media_of(message: Message) -> list[Media]:
    """Pictures of any variant, in the order of first showing."""
    rows = (
        VariantMedia.objects.filter(variant__message=message)
        .select_related("media")
        .order_by("order", "variant_id")
    )
    return list(dict.fromkeys(row.media for row in rows))


def exemptions(scope: Scope) -> QuerySet[Exemption]:
    rows = scoped(Exemption, scope).select_related("decided_by", "agency")
    return rows.order_by("expires_on", "pk")
