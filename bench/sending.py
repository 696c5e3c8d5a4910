"""Ground of the benches that send: an installation of its own in a temporary home, with accounts on
a server on loopback. Import this before anything of Django.

The database is a cluster of its own below that home, without waiting for the disk (fsync is off: it
dies with its processes here, never with the machine; what is committed is written before it is
said to be, as anywhere). With DATABASE_URL that database is used: it
must be migrated and empty (the tests give a copy of theirs).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


@contextmanager
def installation() -> Iterator[Path]:
    """A home, a migrated database and Django, all gone at the end, also when we are told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    with tempfile.TemporaryDirectory(prefix="tanggap-bench-") as place:
        home = Path(place)
        os.environ.update(
            TANGGAP_HOME=place,
            TANGGAP_PRACTICE="1",
            TANGGAP_KEY_FILE=str(home / "keys.json"),
            TANGGAP_ANCHOR_FILE=str(home / "anchors.jsonl"),
            TANGGAP_MEDIA=str(home / "media"),
            TANGGAP_LOG_LEVEL=os.environ.get("TANGGAP_LOG_LEVEL", "CRITICAL"),
            DJANGO_SETTINGS_MODULE="tanggap.settings",
        )
        os.environ.pop("TANGGAP_DATABASE_ROLE", None)
        from tanggap.core import database

        # Without fsync, yet never without a committed row when PostgreSQL itself is killed.
        database.CARELESS["synchronous_commit"] = "on"
        database.ensure_running(careless=True)
        try:
            if database.is_local():
                subprocess.run(
                    [sys.executable, "-m", "django", "migrate", "-v", "0"],
                    check=True,
                    cwd=ROOT,
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                )
            os.environ["TANGGAP_DATABASE_ROLE"] = "tanggap_worker"
            import django

            django.setup()
            yield home
        finally:
            database.leave()


def machine() -> str:
    """The machine and how busy it is, for the figures."""
    load = os.getloadavg()[0]
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {total:.0f} GiB, load {load:.1f}"


class Office:
    """An agency, an editor, and accounts that are connected to a server."""

    def __init__(self, url: str, port: int, accounts: int, now: datetime) -> None:
        from django.conf import settings

        from tanggap.accounts import connect
        from tanggap.accounts.models import Account
        from tanggap.core import http, secrets
        from tanggap.core.models import Agency, Membership, Person

        secrets.use(settings.KEY_FILE)
        http.configure(private_hosts=[f"127.0.0.1:{port}"])
        self.now = now
        self.agency = Agency.objects.create(
            slug="lumbung",
            kind=Agency.Kind.REGENCY,
            name="Pemerintah Kabupaten Lumbung",
            short_name="Lumbung",
            code="LBG",
            zone="Asia/Jakarta",
            rules={"lateness_minutes": 1440},
        )
        self.editor = Person.objects.create_user(email="editor@lumbung.test", name="Editor")
        Membership.objects.create(
            agency=self.agency,
            person=self.editor,
            role="editor",
            decree_number="SK/1/2026",
            valid_from=date(2026, 1, 1),
        )
        self.accounts = []
        for number in range(accounts):
            account = Account.objects.create(
                agency=self.agency,
                kind="institution",
                channel="mastodon",
                handle=f"akun{number}",
                display_name=f"Akun {number}",
                server=url,
                owner_unit=self.agency,
                decree_number="SK/1/2026",
                recovery_contact="kominfo@lumbung.test",
                opened_on=date(2026, 1, 1),
            )
            secret = {"access_token": f"token-{number}"}
            self.accounts.append(connect.connect(account, secret, by=self.editor, now=now))

    def messages(self, wanted: list[tuple[int, list[str]]], media: Any = None) -> list[Any]:
        """Approved messages with one variant each: (number of the account, its parts)."""
        from tanggap.messaging.models import Message, Variant

        made = Message.objects.bulk_create(
            Message(
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
            )
            for _number, parts in wanted
        )
        Variant.objects.bulk_create(
            Variant(
                agency=self.agency,
                message=message,
                account=self.accounts[number],
                detached=len(parts) > 1,
                parts=parts,
            )
            for message, (number, parts) in zip(made, wanted, strict=True)
        )
        return made

    def queue(self, messages: list[Any]) -> None:
        """As `schedule.queue` for each of them, in few statements: the same rows and Records, for
        approved messages of one variant in one part without media."""
        from django.db import transaction

        from tanggap.archive.record import Entry, record_many
        from tanggap.execution.publishing import content
        from tanggap.execution.publishing.models import Delivery
        from tanggap.messaging.content import contents
        from tanggap.messaging.models import Variant

        variants = Variant.objects.filter(message__in=messages).select_related("message")
        rows = []
        for variant, part, said in contents((one.message, one) for one in variants):
            found = content.digest(said, variant.account_id)
            rows.append(
                Delivery(
                    agency=self.agency,
                    account_id=variant.account_id,
                    kind=Delivery.Kind.POST,
                    variant=variant,
                    part=part,
                    content=said,
                    content_hash=found,
                    approved_hash=found,
                    approved_by=f"person:{self.editor.pk}",
                    due_at=self.now,
                    queued_at=self.now,
                    key=uuid.uuid4(),
                    created_by=self.editor,
                )
            )
        with transaction.atomic():
            Delivery.objects.bulk_create(rows, batch_size=500)
            record_many(
                (
                    Entry(
                        self.agency.pk,
                        "delivery.queued",
                        row,
                        {"account": row.account_id, "hash": row.content_hash.hex()},
                        row.evidence(),
                    )
                    for row in rows
                ),
                by=self.editor,
                now=self.now,
            )


def start_of_time() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
