"""The return table: what its rows add up to, or why there is no number. Never zero by ignorance."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tanggap.accounts.models import Account
from tanggap.channels.registry import OURS
from tanggap.core.metrics_data import categories, metrics
from tanggap.core.scope import Scope
from tanggap.execution.inbox.models import Author, Conversation, Item
from tanggap.execution.publishing.models import Delivery
from tanggap.messaging.models import Message, ShortLink, ShortLinkDay, Variant
from tanggap.monitoring import collect, export, returns
from tanggap.monitoring.models import Measurement
from tanggap.monitoring.window import Window

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)


class Desk:
    """An agency with one account, posts and messages made straight in the tables."""

    def __init__(self, agency, editor, now):
        self.agency, self.editor, self.now = agency, editor, now
        self.scope = Scope(
            agency=agency,
            person=editor,
            readable=frozenset({agency.pk}),
            writable=frozenset({agency.pk}),
        )
        self.account = Account.objects.create(
            agency=agency,
            kind="institution",
            channel="mastodon",
            handle="kominfo",
            display_name="Kominfo",
            owner_unit=agency,
            decree_number="SK/1",
            recovery_contact="x",
            server="https://sosial.example",
            state="connected",
        )
        self.count = 0

    def post(self, **numbers):
        self.count += 1
        message = Message.objects.create(
            agency=self.agency,
            title=f"Konten {self.count}",
            core="x",
            author=self.editor,
            created_at=self.now,
            edited_at=self.now,
        )
        variant = Variant.objects.create(
            agency=self.agency, message=message, account=self.account, parts=["x"]
        )
        made = Delivery.objects.create(
            agency=self.agency,
            account=self.account,
            kind="post",
            state="published",
            variant=variant,
            content={"text": "x"},
            content_hash=b"x",
            approved_hash=b"x",
            approved_by="person:1",
            due_at=self.now,
            queued_at=self.now,
            published_at=self.now,
            key=f"00000000-0000-0000-0000-{self.count:012d}",
            remote_id=str(self.count),
        )
        for name, value in numbers.items():
            self.measure(made, name, value)
        return made

    def measure(self, post, name, value, age=1):
        return Measurement.objects.create(
            agency=self.agency,
            metric=name,
            value=value,
            delivery=post,
            account=self.account,
            age_h=age,
            measured_at=self.now + timedelta(hours=age),
            source="channel",
        )

    def says(self, who, at=None, post=None, kind="complaint", sealed=False):
        self.count += 1
        at = at or self.now
        author, _ = Author.objects.get_or_create(
            agency=self.agency,
            account=self.account,
            remote_id=who,
            defaults={"handle": who, "first_seen_at": at},
        )
        talk = Conversation.objects.create(
            agency=self.agency,
            account=self.account,
            author=author,
            thread_id=str(self.count),
            post=post,
            visibility="public",
            kind=kind,
            sealed=sealed,
            due_at=at,
            first_item_at=at,
            last_item_at=at,
        )
        return Item.objects.create(
            agency=self.agency,
            account=self.account,
            author=author,
            conversation=talk,
            remote_id=f"i{self.count}",
            visibility="public",
            text="jembatan ambrol",
            written_at=at,
            received_at=at,
        )

    def window(self, **more):
        return Window(self.scope, FIRST, LAST, **more)

    def cell(self, key, **more):
        return returns.cell(self.window(**more), key)


@pytest.fixture
def desk(agency, member, now):
    return Desk(agency, member("editor"), now)


def test_the_source_has_five_categories_and_seventeen_metrics():
    assert len(categories()) == 5
    assert len(metrics()) == 17
    assert [
        sum(one.category == category.key for one in metrics().values()) for category in categories()
    ] == [4, 3, 4, 3, 3]
    assert set(returns.PARTS) | {"message_adoptions"} == set(metrics())
    assert "kami" in next(one for one in categories() if one.key == "use").remark("id")


FROM_CHANNELS = {"quotes", "reblogs", "items"}


@pytest.mark.parametrize(
    "key", [key for key, one in metrics().items() if {*one.inputs} & FROM_CHANNELS]
)
def test_each_metric_says_of_each_channel_whether_it_gives_it(key):
    metric = metrics()[key]
    assert set(metric.sources) == {channel.kind for channel in OURS}
    for said in metric.sources.values():
        assert type(said["given"]) is bool and said["id"] and said["en"]


def test_an_empty_agency_has_no_zeros(desk):
    found = returns.table(desk.window())
    assert len(found) == 17
    assert [one.value for one in found] == [None] * 17
    assert all(one.why for one in found)


def test_numbers_are_the_newest_of_each_post(desk):
    first = desk.post(reblogs=2, quotes=1)
    desk.measure(first, "reblogs", 5, age=24)
    desk.post(reblogs=3)
    assert desk.cell("retweets").value == 8
    assert desk.cell("shares").value == 9
    partial = desk.cell("link_mentions")
    assert (partial.value, partial.n, partial.of) == (1, 1, 2)
    assert partial.why


def test_a_post_that_was_not_measured_is_said(desk):
    desk.post()
    cell = desk.cell("retweets")
    assert (cell.value, cell.why) == (None, ("not_measured",))
    desk.post(reblogs=0)
    cell = desk.cell("retweets")
    # A zero that the network gave is a zero.
    assert (cell.value, cell.n, cell.of, cell.why) == (0, 1, 2, ("not_measured",))


def test_a_network_that_does_not_give_it(desk, monkeypatch):
    post = desk.post(favourites=4)
    collect.Collection.objects.create(
        agency=desk.agency, delivery=post, next_age_h=24, next_at=desk.now
    )
    assert desk.cell("retweets").why == ("not_given",)


def test_citizens_words_are_counted_by_their_rows(desk):
    post = desk.post(reblogs=1)
    desk.says("tini", post=post)
    desk.says("tini", at=desk.now - timedelta(days=3))
    desk.says("budi", at=desk.now - timedelta(days=30))
    desk.says("budi", post=post, kind="thanks")
    desk.says("spammer", kind="spam")
    desk.says("saksi", kind="integrity", sealed=True)
    value = {one.metric.key: one.value for one in returns.table(desk.window())}
    assert value["said_about"] == 3
    assert value["comments"] == 2
    assert value["reposts"] == 3
    assert value["talkers"] == 2
    assert value["new_relations"] == 1
    assert value["member_continuity"] == 1
    assert value["returning_audience"] == 1
    assert value["loyalty"] == Decimal("0.0")
    assert desk.cell("comments", post=post.pk).value == 2
    assert desk.cell("comments", account=desk.account.pk + 1).value is None


def test_clicks_come_from_short_links(desk):
    post = desk.post()
    assert desk.cell("message_clicks").why == ("no_links",)
    link = ShortLink.objects.create(
        agency=desk.agency,
        code="abc",
        target="https://x.example",
        created_by=desk.editor,
        created_at=desk.now,
        message=post.variant.message,
    )
    assert desk.cell("message_clicks").value == 0
    for day, clicks in ((date(2026, 11, 2), 7), (date(2026, 11, 3), 5), (date(2026, 10, 3), 99)):
        ShortLinkDay.objects.create(agency=desk.agency, link=link, day=day, clicks=clicks)
    assert desk.cell("message_clicks").value == 12
    assert desk.cell("message_clicks", post=post.pk).value == 12
    assert desk.cell("message_clicks", post=desk.post().pk).value is None


def test_the_site_counts_once(desk):
    for page, value in (("", 100), ("/a", 60), ("/b", 30)):
        Measurement.objects.create(
            agency=desk.agency,
            metric="visits",
            value=value,
            day=date(2026, 11, 2),
            page=page,
            measured_at=desk.now,
            source="csv:1",
        )
    Measurement.objects.create(
        agency=desk.agency,
        metric="visits",
        value=5,
        day=date(2026, 11, 3),
        page="/a",
        measured_at=desk.now,
        source="csv:1",
    )
    cell = desk.cell("visits")
    assert (cell.value, cell.n, cell.of, cell.why) == (105, 2, 30, ("days_missing",))
    assert desk.cell("visits", account=desk.account.pk).why == ("whole_site",)


def test_every_number_is_what_its_rows_add_up_to(desk):
    post = desk.post(reblogs=2, quotes=3)
    for who in ("a", "b", "a", "c"):
        desk.says(who, post=post)
    for back in range(3):
        desk.says("a", at=desk.now - timedelta(days=back + 1))
    for one in returns.table(desk.window()):
        if one.value is None or one.metric.unit == "percent":
            continue
        parts = returns.rows(desk.window(), one.metric.key)
        added = sum(
            sum((getattr(row, part.amount) if part.amount else 1) for row in part.rows)
            for part in parts
        )
        assert added == one.value, one.metric.key


def test_another_agency_sees_nothing(desk, other):
    post = desk.post(reblogs=4)
    desk.says("tini", post=post)
    theirs = Scope(agency=other, readable=frozenset({other.pk}))
    for more in ({}, {"post": post.pk}, {"account": desk.account.pk}):
        found = returns.table(Window(theirs, FIRST, LAST, **more))
        assert all(one.value is None for one in found)


def test_export_runs_no_formula_and_is_on_record(desk):
    from tanggap.archive.queries import timeline

    data = export.returns_csv(
        desk.window(),
        returns.table(desk.window()),
        by=desk.editor,
        now=desk.now,
        unavailable="tidak tersedia",
        say={"no_posts": "=cmd|' /C calc'!A0"},
    )
    text = data.decode("utf-8-sig")
    assert text.count("tidak tersedia") == 17
    assert "'=cmd" in text
    assert ",=cmd" not in text
    assert timeline(desk.scope, ("monitoring.returns", desk.agency.pk)).count() == 1
