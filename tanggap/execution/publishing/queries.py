"""Questions about deliveries: today's list, lanes, what needs a person, what is on its way."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from tanggap.accounts.models import Account
from tanggap.core.scope import Scope, scoped
from tanggap.execution.publishing.models import IN_FLIGHT, NEEDS_PERSON, WAITING, Attempt, Delivery

# What the filter pills mean: code → condition.
GROUPS: dict[str, Q] = {
    "needs": NEEDS_PERSON,
    "waiting": Q(state__in=["queued", "preparing", "ready"]),
    "moving": Q(state__in=[*IN_FLIGHT, "removing"]),
    "published": Q(state="published"),
    "off": Q(state__in=["cancelled", "removed"]),
}


def visible(scope: Scope) -> QuerySet[Delivery]:
    """Deliveries that this person may know of: an answer to a sealed report only with the verb
    "integrity"."""
    rows = scoped(Delivery, scope)
    return rows if scope.may("integrity") else rows.exclude(reply__conversation__sealed=True)


def deliveries(
    scope: Scope,
    *,
    group: str = "",
    account: int = 0,
    kind: str = "",
    text: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Delivery]:
    rows = visible(scope).select_related("account", "variant__message", "follows")
    if group in GROUPS:
        rows = rows.filter(GROUPS[group])
    if account:
        rows = rows.filter(account_id=account)
    if kind:
        rows = rows.filter(kind=kind)
    if text:
        # Words of a private message are for two: they are neither shown here nor found.
        rows = rows.filter(content__text__icontains=text).exclude(kind=Delivery.Kind.PRIVATE)
    if since:
        rows = rows.filter(due_at__gte=since)
    if until:
        rows = rows.filter(due_at__lt=until)
    return rows


def counts(rows: QuerySet[Delivery]) -> dict[str, int]:
    """How many there are of each group, in one query."""
    found: dict[str, int] = rows.order_by().aggregate(
        **{name: Count("pk", filter=condition) for name, condition in GROUPS.items()},
        all=Count("pk"),
    )
    return found


def needs_person(scope: Scope) -> QuerySet[Delivery]:
    """What waits for somebody's word."""
    return visible(scope).filter(NEEDS_PERSON)


def overdue(
    scope: Scope, now: datetime, by: timedelta = timedelta(minutes=1)
) -> QuerySet[Delivery]:
    """What should be out and is not, for any reason but a person's decision."""
    return visible(scope).filter(
        state__in=["queued", "preparing", "ready", "late", "held", "unknown", "asked"],
        due_at__lt=now - by,
    )


def stoppable(scope: Scope, account: Account | None = None) -> QuerySet[Delivery]:
    """What a hold stops. Answers to sealed reports are stopped as well, so that whoever throws the
    switch counts them; this is for counting only, never for showing."""
    return _of(scope, account).filter(state__in=WAITING)


def in_flight(scope: Scope, account: Account | None = None) -> QuerySet[Delivery]:
    """What may be on the network already, so that a hold comes too late for it. For counting."""
    return _of(scope, account).filter(state__in=IN_FLIGHT)


def _of(scope: Scope, account: Account | None) -> QuerySet[Delivery]:
    rows = scoped(Delivery, scope)
    return rows.filter(account=account) if account else rows


def waiting_for(account_id: int) -> QuerySet[Delivery]:
    """The queue that an account holds."""
    return Delivery.objects.filter(account_id=account_id).filter(
        Q(state__in=["queued", "preparing", "ready", "late", "held"])
    )


def attempts(delivery: Delivery) -> QuerySet[Attempt]:
    return Attempt.objects.filter(delivery=delivery).order_by("pk")


def outcome(delivery: Delivery) -> str:
    """For who waits for it (a reply, an announcement): out, open, or ended."""
    if delivery.state in ("published", "removing"):
        return "out"
    return "ended" if delivery.state in ("failed", "cancelled", "removed") else "open"
