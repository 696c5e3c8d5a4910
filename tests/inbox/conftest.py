"""A regency with one account on a scriptable server, and citizens who write to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from tanggap.accounts import connect
from tanggap.accounts.models import Account
from tanggap.core import http, secrets
from tanggap.core.membership import scope_of
from tanggap.core.models import Agency, Person
from tanggap.core.scope import Scope
from tanggap.execution.inbox import listen, reply
from tanggap.execution.inbox.models import Conversation, Item
from tanggap.execution.publishing import deliver
from tests.fakes.mastodon_fixtures import mastodon_fake
from tests.fakes.mastodon_server import MastodonServer

__all__ = ["mastodon_fake"]
NIK = "3275014502900007"


@pytest.fixture(autouse=True)
def own_files(tmp_path, settings) -> Iterator[None]:
    settings.HOME = tmp_path
    settings.KEY_FILE = tmp_path / "keys.json"
    secrets.use(settings.KEY_FILE)
    before = http.rules()
    yield
    http.configure(private_hosts=before.private_hosts, proxy=before.proxy)


@dataclass
class Desk:
    agency: Agency
    account: Account
    server: MastodonServer
    sari: Person  # responder
    ratna: Person  # lead
    now: datetime

    def scope(self, person: Person | None = None) -> Scope:
        return scope_of(person or self.sari, None, self.now)

    def says(self, who: str, text: str, **more: object) -> dict:
        return self.server.says(who, f"@diskominfo {text}", **more)

    def listen(self) -> listen.Taken:
        return listen.pull(self.account, self.now)

    def heard(self, who: str, text: str, **more: object) -> Conversation:
        """A citizen writes, we listen: the conversation."""
        said = self.says(who, text, **more)
        self.listen()
        item = Item.objects.get(account=self.account, remote_id=said["id"])
        assert item.conversation is not None
        return item.conversation

    def last(self, conversation: Conversation) -> Item:
        found = Item.objects.filter(conversation=conversation).order_by("-pk").first()
        assert found is not None
        return found

    def pass_(self, **more: float) -> None:
        self.now += timedelta(**more)
        self.server.knobs.clock += timedelta(**more)

    def send(self) -> None:
        """The worker delivers, and the inbox pulls what became of it."""
        for _round in range(4):
            deliver.tick(self.now)
            self.pass_(seconds=30)
        reply.tick(self.now)

    @property
    def sent(self) -> list[str]:
        return [post["text"] for post in self.server.posts]


@pytest.fixture
def desk(agency, member, mastodon_fake) -> Desk:
    http.configure(private_hosts=[f"127.0.0.1:{mastodon_fake.port}"])
    now = datetime.now(UTC)
    account = Account.objects.create(
        agency=agency,
        kind="institution",
        channel="mastodon",
        handle="diskominfo",
        display_name="Diskominfo",
        server=mastodon_fake.url,
        owner_unit=agency,
        decree_number="SK/1/2026",
        recovery_contact="kominfo@lumbung.test",
        opened_on=date(2026, 1, 1),
    )
    lead = member("lead", name="Ratna")
    account = connect.connect(account, {"access_token": mastodon_fake.token}, by=lead, now=now)
    return Desk(agency, account, mastodon_fake, member("responder", name="Sari"), lead, now)


@pytest.fixture
def by_hand(agency, member) -> Account:
    """An account where a person carries the messages in."""
    account = Account.objects.create(
        agency=agency,
        kind="institution",
        channel="manual",
        preset="instagram",
        handle="pemkab.lumbung",
        display_name="Pemkab di Instagram",
        owner_unit=agency,
        decree_number="SK/2/2026",
        recovery_contact="kominfo@lumbung.test",
    )
    return connect.connect(account, {}, by=member("operator"), now=datetime.now(UTC))
