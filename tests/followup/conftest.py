"""A regency with one account on a real wire, its people, and citizens who write to it."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from PIL import Image

from tanggap.core.models import Person
from tanggap.execution.followup import cases
from tanggap.execution.followup.models import Case
from tanggap.execution.inbox.models import Author, Conversation, Item
from tests.fakes.mastodon_fixtures import mastodon_fake, mastodon_mock, mastodon_mock_process
from tests.publishing.conftest import own_files
from tests.publishing.scene import Scene, build

__all__ = ["mastodon_fake", "mastodon_mock", "mastodon_mock_process", "own_files"]

WORDS = "Jembatan Cikaret ambrol, anak sekolah tidak bisa lewat ({n})"


@dataclass
class Town:
    """What people of the regency do."""

    scene: Scene
    lead: Person
    sari: Person
    dimas: Person
    head: Person
    written: int = field(default=0)

    @property
    def now(self) -> datetime:
        return self.scene.now

    def item(
        self,
        text: str = WORDS,
        *,
        author: Author | None = None,
        visibility: str = "public",
        sealed: bool = False,
        personal: list | None = None,
    ) -> Item:
        """A citizen writes to the account; a real status on the server, so that replies land."""
        self.written += 1
        n, scene = self.written, self.scene
        handle = author.handle if author else f"warga{n}"
        remote = scene.server.says(handle, text.format(n=n), visibility=visibility)["id"]
        author = author or Author.objects.create(
            agency=scene.agency,
            account=scene.account,
            remote_id=f"u{n}",
            handle=f"warga{n}",
            name=f"Warga {n}",
            first_seen_at=self.now,
        )
        at = self.now - timedelta(hours=1) + timedelta(seconds=n)
        talk = Conversation.objects.create(
            agency=scene.agency,
            account=scene.account,
            author=author,
            thread_id=remote,
            visibility="private" if visibility == "direct" else "public",
            due_at=self.now,
            first_item_at=at,
            last_item_at=at,
            items_count=1,
            sealed=sealed,
        )
        made = Item.objects.create(
            agency=scene.agency,
            account=scene.account,
            author=author,
            conversation=talk,
            remote_id=remote,
            visibility=visibility,
            text=text.format(n=n),
            written_at=at,
            received_at=at,
            personal=personal or [],
        )
        Conversation.objects.filter(pk=talk.pk).update(last_item_id=made.pk)
        talk.refresh_from_db()
        return made

    def items(self, count: int) -> list[Item]:
        return [self.item() for _ in range(count)]

    def case(self, count: int = 1, **fields: object) -> Case:
        fields.setdefault("kind", "complaint")
        fields.setdefault("title", "Jembatan Cikaret ambrol")
        return cases.open_case(self.items(count), by=self.sari, now=self.now, **fields)


@pytest.fixture
def town(agency, member, mastodon_fake) -> Town:
    lead = member("lead")
    scene = build(agency, lead, mastodon_fake)
    return Town(scene, lead, member("responder"), member("editor"), member("head"))


def photo(
    size: tuple[int, int] = (1600, 1200), *, exif: bool = True, kind: str = "JPEG"
) -> io.BytesIO:
    """A photo as a telephone makes it, with the place where it was taken."""
    picture, out = Image.new("RGB", size, (120, 90, 60)), io.BytesIO()
    about = Image.Exif()
    if exif:
        about[0x010F] = "HP Pak Wayan"
        about.get_ifd(0x8825)[2] = (6.0, 54.0, 12.0)
        about[0x0112] = 6  # turned
    picture.save(out, kind, exif=about)
    out.seek(0)
    return out


@pytest.fixture
def make_photo():
    return photo
