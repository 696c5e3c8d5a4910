"""What a beat of the story has at hand: the network, the people, the time, and the worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F
from django.db.models.functions import Coalesce, Greatest

from tanggap import worker
from tanggap.accounts.models import Account
from tanggap.core import clock
from tanggap.core.models import Agency, Person
from tanggap.execution.followup.models import Case
from tanggap.execution.inbox.models import Conversation, Item
from tanggap.execution.publishing.models import Delivery
from tanggap.practice import network as net
from tanggap.practice import seed, world
from tanggap.practice import time as practice_time

MOVING = ("queued", "preparing", "ready", "sending", "unknown", "confirming")
STEP = timedelta(minutes=20)
"""The longest jump while something waits to leave: less than what makes a post late."""


@dataclass
class Stage:
    """One telling of the story. `notes` holds what later beats must know of earlier ones: plain
    values, kept between processes."""

    network: net.Network
    progress: net.Progress
    notes: dict[str, Any] = field(default_factory=dict)

    # --- who and where

    @cached_property
    def agency(self) -> Agency:
        return Agency.objects.get(slug=world.read("agency")["agency"]["slug"])

    @cached_property
    def account(self) -> Account:
        return Account.objects.get(agency=self.agency, channel="mastodon")

    def person(self, key: str) -> Person:
        return seed.person(key)

    def unit(self, slug: str) -> Agency:
        return Agency.objects.get(slug=slug)

    # --- time

    @property
    def now(self) -> datetime:
        return clock.now()

    def pass_(self, by: timedelta) -> None:
        """Let time pass, for us and for the network."""
        practice_time.advance(by, now=self.now, network=self.network)

    def until(self, instant: datetime) -> None:
        """Let time pass until then; nothing when it has passed."""
        if instant > self.now:
            self.pass_(instant - self.now)

    # --- the background

    def work(self) -> None:
        """The worker looks once at everything that is due."""
        worker.run_once(self.now)

    def send(self, within: timedelta = timedelta(hours=2)) -> None:
        """The worker's life until nothing is left that leaves by itself within that time."""
        end = self.now + within
        for _round in range(200):
            self.work()
            due = self._due(end)
            if not due:
                return
            # As much at once as may wait for each other, or else the next that comes.
            soon = [at for at in due if at <= self.now + STEP] or due[:1]
            self.until(soon[-1] + timedelta(seconds=1))

    def _due(self, end: datetime) -> list[datetime]:
        """When things leave or are looked up again until `end`; not what nothing will move."""
        rows = Delivery.objects.filter(state__in=MOVING, account=self.account).annotate(
            at=Greatest(F("due_at"), Coalesce(F("retry_at"), F("due_at")))
        )
        return list(
            rows.filter(at__gt=self.now, at__lte=end).order_by("at").values_list("at", flat=True)
        )

    def listen(self) -> None:
        """What citizens have written comes in."""
        self.pass_(timedelta(seconds=30))
        self.work()

    # --- citizens

    def say(self, said: world.Said) -> None:
        """A citizen writes, below the post that they mean when that is out."""
        target = self.remote_id(said.to) if said.to else None
        row = net.say(
            self.network,
            said.citizen,
            said.text,
            reply_to=target,
            mention=self.account.handle,
            visibility=said.visibility,
            language=said.language_code,
        )
        self.notes.setdefault("said", {})[said.id] = row["id"]

    def remote_id(self, post: str) -> str | None:
        """The network's id of one of the world's posts, when it is out."""
        message = self.notes.get("messages", {}).get(post)
        found = Delivery.objects.filter(
            account=self.account, variant__message=message, state="published"
        ).first()
        return found.remote_id if found else None

    def has(self, said_id: str) -> bool:
        """Whether it has come in."""
        return Item.objects.filter(
            account=self.account, remote_id=self.notes["said"].get(said_id, "")
        ).exists()

    def item(self, said_id: str) -> Item:
        """What we have of a citizen's message."""
        return Item.objects.select_related("conversation__agency", "author", "agency").get(
            account=self.account, remote_id=self.notes["said"][said_id]
        )

    def talk(self, said_id: str) -> Conversation:
        found = self.item(said_id).conversation
        assert found is not None
        return found

    def bridge(self) -> Iterator[Item]:
        """The forty, in the order in which they wrote."""
        for said in world.messages():
            if said.expected.group == "jembatan":
                yield self.item(said.id)

    def case(self) -> Case | None:
        """The report of the bridge, whoever opened it."""
        return (
            Case.objects.select_related("agency")
            .filter(agency=self.agency, sealed=False, contributors__item=self.item("b01"))
            .first()
        )

    # --- the first day

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.agency.zone)

    def first_post(self) -> datetime:
        """When the first post leaves: the story's clock counts from there."""
        if "first_post" not in self.notes:
            post = world.read("posts")[0]
            hour, minute = map(int, post["time"].split(":"))
            day = self.now.astimezone(self.zone).date()
            self.notes["first_post"] = datetime.combine(
                day, time(hour, minute), self.zone
            ).isoformat()
        return datetime.fromisoformat(self.notes["first_post"])
