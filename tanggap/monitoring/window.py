"""What a number is about: an agency's days, and perhaps one account, activity or post of it.

Every number of the return table is a question to one of the row sets below, so that the page
behind the number shows exactly the rows that it counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from tanggap.accounts.models import Account
from tanggap.activities.models import Activity
from tanggap.core.scope import Scope, scoped
from tanggap.execution.inbox.models import Author, Item
from tanggap.execution.publishing.models import Delivery
from tanggap.messaging.models import ShortLink, ShortLinkDay
from tanggap.monitoring.models import Measurement

OUT = ("published", "removing", "removed")


@dataclass(frozen=True, slots=True)
class Window:
    """Days from `first` to `last`, both included, in the agency's zone. At most one of
    `account`, `activity` and `post` narrows it; ids of another agency find nothing."""

    scope: Scope
    first: date
    last: date
    account: int = 0
    activity: int = 0
    post: int = 0

    @property
    def zone(self) -> ZoneInfo:
        assert self.scope.agency is not None
        return ZoneInfo(self.scope.agency.zone)

    @property
    def since(self) -> datetime:
        return datetime.combine(self.first, time.min, self.zone)

    @property
    def until(self) -> datetime:
        """Not included."""
        return datetime.combine(self.last + timedelta(days=1), time.min, self.zone)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def before(self) -> Window:
        """The period of the same length that ends the day before."""
        return replace(
            self, first=self.first - timedelta(days=self.days), last=self.first - timedelta(days=1)
        )

    @property
    def whole(self) -> bool:
        """True for the agency as a whole."""
        return not (self.account or self.activity or self.post)


def period_of_post(scope: Scope, post: Delivery, today: date) -> Window:
    """Everything since a post went out."""
    assert scope.agency is not None and post.published_at is not None
    first = post.published_at.astimezone(ZoneInfo(scope.agency.zone)).date()
    return Window(scope, first, max(first, today), post=post.pk)


def posts(window: Window) -> QuerySet[Delivery]:
    """What we published in these days (replies to single citizens are no posts)."""
    rows = scoped(Delivery, window.scope).filter(
        kind=Delivery.Kind.POST,
        state__in=OUT,
        published_at__gte=window.since,
        published_at__lt=window.until,
    )
    if window.account:
        rows = rows.filter(account_id=window.account)
    if window.activity:
        rows = rows.filter(variant__message__activity_id=window.activity)
    if window.post:
        rows = rows.filter(pk=window.post)
    return rows


def items(window: Window) -> QuerySet[Item]:
    """What citizens wrote in these days: shown in the inbox, no spam, no sealed report."""
    rows = (
        scoped(Item, window.scope)
        .filter(
            conversation__isnull=False,
            conversation__sealed=False,
            quarantined="",
            written_at__gte=window.since,
            written_at__lt=window.until,
        )
        .exclude(conversation__kind__in=["spam", "integrity"])
    )
    if window.account:
        rows = rows.filter(account_id=window.account)
    if window.activity:
        rows = rows.filter(conversation__post__variant__message__activity_id=window.activity)
    if window.post:
        rows = rows.filter(conversation__post_id=window.post)
    return rows


def comments(window: Window) -> QuerySet[Item]:
    """Of these, what answers a post of ours."""
    return items(window).filter(conversation__post__isnull=False)


def authors(window: Window) -> QuerySet[Author]:
    """Who wrote them."""
    return scoped(Author, window.scope).filter(pk__in=items(window).values("author_id"))


def newcomers(window: Window) -> QuerySet[Author]:
    """Of these, who was never heard of before."""
    return authors(window).filter(first_seen_at__gte=window.since, first_seen_at__lt=window.until)


def stayed(window: Window) -> QuerySet[Author]:
    """Of these, who also wrote in the period before."""
    return authors(window).filter(pk__in=items(window.before()).values("author_id"))


def links(window: Window) -> QuerySet[ShortLink]:
    """Short links of the messages concerned; of a whole agency, all of its short links."""
    rows = scoped(ShortLink, window.scope)
    if window.account:
        rows = rows.filter(message__variants__account_id=window.account)
    if window.activity:
        rows = rows.filter(message__activity_id=window.activity)
    if window.post:
        rows = rows.filter(message__variants__deliveries=window.post)
    return rows.distinct()


def clicks(window: Window) -> QuerySet[ShortLinkDay]:
    return scoped(ShortLinkDay, window.scope).filter(
        link__in=links(window).values("pk"), day__gte=window.first, day__lte=window.last
    )


def latest(window: Window, *names: str) -> QuerySet[Measurement]:
    """The newest number of each post and each of these names, as the network gave it."""
    return (
        scoped(Measurement, window.scope)
        .filter(delivery__in=posts(window).values("pk"), metric__in=names)
        .order_by("delivery_id", "metric", "-measured_at", "-pk")
        .distinct("delivery_id", "metric")
    )


def site(window: Window, column: str) -> QuerySet[Measurement]:
    """Rows of the analytics file. Where a day has a row for the whole site, that one alone."""
    rows = scoped(Measurement, window.scope).filter(
        metric=column, day__gte=window.first, day__lte=window.last
    )
    total = rows.filter(page="").values("day")
    return rows.exclude(~Q(page=""), day__in=total)


def named(window: Window) -> Account | Activity | Delivery | None:
    """The account, activity or post that narrows the window; None for the whole agency or for an
    id that is not of this scope."""
    if window.account:
        return scoped(Account, window.scope).filter(pk=window.account).first()
    if window.activity:
        return scoped(Activity, window.scope).filter(pk=window.activity).first()
    if window.post:
        # A reply to a citizen is no post: its words, perhaps sealed, are nobody's here.
        rows = scoped(Delivery, window.scope).filter(kind=Delivery.Kind.POST)
        return rows.filter(pk=window.post).first()
    return None
