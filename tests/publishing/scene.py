"""An agency with one account on a scriptable server, and what an officer does with it.

The server's own log is the oracle: `scene.server.posts` is what it really published.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tanggap.accounts import connect
from tanggap.accounts.models import Account
from tanggap.core import http
from tanggap.core.models import Agency, Person
from tanggap.execution.publishing import confirm, deliver, schedule, sweep
from tanggap.execution.publishing.models import Attempt, Delivery
from tanggap.messaging.content import contents_of
from tanggap.messaging.models import Message, Variant
from tests.fakes.mastodon_server import MastodonServer


class Hand:
    """A clock that moves only by hand, in seconds."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Scene:
    agency: Agency
    editor: Person
    account: Account
    server: MastodonServer
    now: datetime
    hand: Hand
    watch: sweep.Watch

    # --- what an officer does

    def message(self, *parts: str, **fields: object) -> Message:
        """An approved message with one variant; several parts are a thread."""
        made = Message.objects.create(
            agency=self.agency,
            title=parts[0][:60],
            core=parts[0],
            openness="none",
            author=self.editor,
            created_at=self.now,
            edited_at=self.now,
            state="approved",
            approved_hash=b"x" * 32,
            approved_at=self.now,
            approved_by=self.editor,
            **fields,
        )
        Variant.objects.create(
            agency=self.agency,
            message=made,
            account=self.account,
            detached=len(parts) > 1,
            parts=list(parts),
        )
        return made

    def post(self, *parts: str, at: tuple[str, str] | None = None, **fields: object) -> Delivery:
        """Queued: the first part."""
        return self.thread(*parts, at=at, **fields)[0]

    def thread(
        self, *parts: str, at: tuple[str, str] | None = None, **fields: object
    ) -> list[Delivery]:
        return schedule.queue(self.message(*parts, **fields), by=self.editor, now=self.now, at=at)

    def reply(self, text: str, to: str, handle: str = "sari", **more: object) -> Delivery:
        return schedule.queue_reply(
            self.account,
            text=text,
            reply_target=to,
            reply_handle=handle,
            approved_by="rule:test",
            by=self.editor,
            now=self.now,
            **more,
        )

    def post_of(self, text: str) -> Delivery:
        """The delivery that begins with these words, first part first."""
        return Delivery.objects.filter(content__text__startswith=text).order_by("pk")[0]

    # --- what time and the worker do

    def pass_(self, seconds: float) -> None:
        """Time passes, for the network too; monotonic time with it."""
        self.now += timedelta(seconds=seconds)
        self.server.knobs.clock += timedelta(seconds=seconds)
        self.hand.at += seconds

    def send(self) -> int:
        return deliver.tick(self.now)

    def look(self) -> int:
        return confirm.tick(self.now)

    def sweep(self) -> int:
        return sweep.tick(self.now, watch=self.watch)

    def rounds(self, count: int = 12, step: float = 30) -> None:
        """The worker's life, step by step."""
        for _ in range(count):
            self.send()
            self.look()
            self.sweep()
            self.pass_(step)

    # --- what is there

    def state(self, row: Delivery) -> str:
        row.refresh_from_db()
        return row.state

    def said(self, text: str = "") -> int:
        """How many copies the server really published."""
        return sum(text in post["text"] for post in self.server.posts)

    def outcomes(self, row: Delivery) -> list[str]:
        return [
            f"{one.act}:{one.outcome}"
            for one in Attempt.objects.filter(delivery=row).order_by("pk")
        ]

    def hash_of(self, message: Message) -> object:
        return contents_of(message)


def build(agency: Agency, editor: Person, server: MastodonServer) -> Scene:
    http.configure(private_hosts=[f"127.0.0.1:{server.port}"])
    now = datetime.now(UTC)
    account = Account.objects.create(
        agency=agency,
        kind="institution",
        channel="mastodon",
        handle="diskominfo",
        display_name="Diskominfo",
        server=server.url,
        owner_unit=agency,
        decree_number="SK/1/2026",
        recovery_contact="kominfo@lumbung.test",
        opened_on=date(2026, 1, 1),
    )
    account = connect.connect(account, {"access_token": server.token}, by=editor, now=now)
    hand = Hand()
    return Scene(agency, editor, account, server, now, hand, sweep.Watch(hand))
