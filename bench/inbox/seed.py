"""An office of any size for the inbox bench: agencies, people, conversations with all that hangs
on them, poured in by COPY. The same number of conversations gives the same rows.

Shares: the largest of TENANTS agencies has a fifth of all conversations, spread over itself and its
units; the others follow Zipf. Of all conversations 6 % are open (a tenth of these late), 24 %
answered (each with our reply and its delivery), 70 % quiet; 0.2 % are sealed. Two years of dates.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Any

import psycopg
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Count

from tanggap.accounts.models import Account
from tanggap.core.models import Agency, Membership, Person
from tanggap.execution.inbox.models import Conversation

TENANTS, UNITS = 64, 12
PASSWORD = "kopi-tubruk-pagi"  # noqa: S105 (of nobody real)
EMAIL = "sari@lumbung.test"
STEP = timedelta(minutes=5)
DAYS = 730


def _words(text: str) -> list[str]:
    return text.split()


SUBJECTS = _words(
    "jalan lampu jembatan pasar puskesmas sekolah terminal saluran drainase taman sungai trotoar"
    " gorong-gorong posyandu perpustakaan stadion pelabuhan bendungan irigasi halte"
)
TROUBLES = _words(
    "rusak berlubang padam ambruk banjir macet kotor bocor retak tersumbat longsor gelap bau"
    " terputus tergenang terbengkalai ditutup dipungut"
)
PLACES = _words(
    "Margasari Cikaret Sukamaju Banjarnegara Tanjungsari Kedungwaru Pasirluhur Wonosari Mekarjaya"
    " Karanganyar Sidomulyo Rancabungur Ciherang Tegalrejo Kertajaya Babakan Sumberejo Panjalu"
    " Cibeureum Jatimulyo Sindangkasih Purwasari Kalibaru Gunungsari"
)
ASKS = (
    "tolong segera diperbaiki",
    "mohon ditindaklanjuti",
    "kapan akan dibetulkan",
    "sudah tiga minggu tidak ada petugas yang datang",
    "warga sudah melapor berkali-kali",
    "bagaimana cara mengurus surat keterangannya",
    "apa saja syaratnya dan berapa lama",
    "terima kasih atas pelayanannya yang ramah",
    "anak sekolah terpaksa memutar jauh",
    "sangat membahayakan pengendara di malam hari",
    "apakah benar bantuan sosial bulan ini dihentikan",
    "pelayanan pembuatan KTP lambat sekali",
    "jadwal vaksinasi berikutnya kapan ya",
    "air PDAM mati sejak kemarin sore",
    "antrean di loket sampai keluar gedung",
    "sampah menumpuk di depan rumah warga",
)
# One in ten thousand texts holds it: what a rare search finds.
RARE = "kebakaran gudang pupuk"
FIRST = _words("Budi Ani Tini Asep Dewi Joko Siti Agus Rina Yanto Lilis Ujang Wati Bambang Euis")
LAST = _words("Santoso Wijaya Lestari Hidayat Permana Suryani Pratama Rahayu Nugroho Maulana")
KINDS = ("complaint", "service_question", "aspiration", "criticism", "thanks", "spam", "")
KIND_SHARES = list(accumulate((45, 25, 8, 6, 6, 4, 6)))


@dataclass(frozen=True)
class Office:
    """What was seeded, for the bench: the largest tenant and everybody's share."""

    agency: int
    responder: int
    tenants: dict[int, list[int]]  # of each tenant: its agency and its units
    conversations: dict[int, int]  # of each tenant


def seed(url: str, count: int, now: datetime, progress: Callable[[str], None]) -> Office:
    """Fill an empty, migrated database. Indexes are made after the rows, as a restore does it."""
    rng = random.Random(83)
    with transaction.atomic():
        # A small seed is of few agencies, so that each still has some rows.
        tenants, people, accounts = _ground(TENANTS if count >= 100_000 else 6)
    shares = _shares(len(tenants), count)
    world = _World(rng, now, tenants, accounts, people, shares)
    with psycopg.connect(url, autocommit=True) as connection:
        quick = _Quick(connection)
        quick.begin()
        for table, columns, rows in (
            ("inbox_author", AUTHOR, world.authors()),
            ("inbox_conversation", CONVERSATION, world.conversations()),
            ("inbox_item", ITEM, world.items()),
            ("inbox_revision", REVISION, world.revisions()),
            ("inbox_suggestion", SUGGESTION, world.suggestions()),
            ("inbox_note", NOTE, world.notes()),
            ("publishing_delivery", DELIVERY, world.deliveries()),
            ("inbox_reply", REPLY, world.replies()),
        ):
            progress(f"{table} ...")
            _copy(connection, table, columns, rows)
        progress("indexes ...")
        quick.end()
        progress("statistics ...")
        connection.execute("VACUUM (ANALYZE)")
    big = next(iter(tenants))
    return Office(big, people[big][0], tenants, dict(zip(tenants, shares, strict=True)))


def found() -> Office | None:
    """What an earlier run left in the database that this one uses again; None when it is empty."""
    tenants: dict[int, list[int]] = {}
    for pk, parent in Agency.objects.order_by("pk").values_list("pk", "parent_id"):
        tenants.setdefault(parent or pk, []).append(pk)
    if not tenants:
        return None
    counted = dict.fromkeys(tenants, 0)
    of = {agency: tenant for tenant, agencies in tenants.items() for agency in agencies}
    rows = Conversation.objects.order_by().values_list("agency").annotate(n=Count("pk"))
    for agency, n in rows:
        counted[of[agency]] += n
    return Office(min(tenants), Person.objects.get(email=EMAIL).pk, tenants, counted)


def _shares(tenants: int, count: int) -> list[int]:
    """A fifth for the first; the rest by 1/k."""
    first = count // 5
    weights = [1 / k for k in range(1, tenants)]
    rest = [int((count - first) * weight / sum(weights)) for weight in weights]
    return [count - sum(rest), *rest]


def _ground(many: int) -> tuple[dict[int, list[int]], dict[int, list[int]], Any]:
    """Agencies, people who sign in, accounts: by the ORM, there are few of them."""
    tenants: dict[int, list[int]] = {}
    people: dict[int, list[int]] = {}
    accounts: dict[int, list[tuple[int, int]]] = {}
    password = make_password(PASSWORD)
    for number in range(many):
        slug = "lumbung" if number == 0 else f"kabupaten-{number}"
        top = Agency.objects.create(
            kind="regency",
            name=f"Pemerintah {slug}",
            short_name=slug.title(),
            slug=slug,
            code=f"A{number:03}",
        )
        units = [
            Agency.objects.create(
                parent=top,
                autonomous=False,
                kind="unit",
                name=f"Dinas {unit} {slug}",
                short_name=f"Dinas {unit}",
                slug=f"{slug}-{unit}",
                code=f"U{number:02}{unit:02}",
            )
            for unit in range(UNITS if number < 8 else 2)
        ]
        tenants[top.pk] = [top.pk, *(unit.pk for unit in units)]
        people[top.pk] = []
        for which in range(8 if number == 0 else 1):
            person = Person.objects.create(
                email=EMAIL if number == which == 0 else f"staf{which}@{slug}.test",
                name=name_of(number + which),
                password=password,
            )
            Membership.objects.create(
                agency=top,
                person=person,
                role="responder",
                decree_number=f"SK/{which}/2026",
                valid_from=date(2020, 1, 1),
            )
            people[top.pk].append(person.pk)
        accounts[top.pk] = [
            (
                Account.objects.create(
                    agency_id=agency,
                    owner_unit_id=agency,
                    kind="institution",
                    channel="manual",
                    preset="instagram",
                    handle=f"akun{agency}",
                    display_name=f"Akun {agency}",
                    decree_number="SK/1/2026",
                    recovery_contact="kominfo@lumbung.test",
                ).pk,
                agency,
            )
            for agency in tenants[top.pk][: 1 + (4 if number < 8 else 1)]
        ]
    return tenants, people, accounts


def name_of(number: int) -> str:
    return f"{FIRST[number % len(FIRST)]} {LAST[number % len(LAST)]}"


AUTHOR = _words("id agency_id account_id remote_id handle name url first_seen_at")
CONVERSATION = _words(
    "id agency_id account_id author_id thread_id visibility state kind urgency sealed unit_id place"
    " assigned_to_id due_at snoozed_until first_item_at last_item_at last_item_id answered_at"
    " snippet items_count unread has_case labelled"
)
ITEM = _words(
    "id agency_id account_id author_id conversation_id remote_id in_reply_to visibility text url"
    " written_at received_at source source_note language quarantined personal media fingerprint"
    " revisions_count"
)
REVISION = _words("agency_id item_id number text seen_at personal media fingerprint")
SUGGESTION = _words(
    "agency_id item_id field value confidence reasons made_by made_at verdict corrected_to"
)
NOTE = _words("agency_id conversation_id text by_id at")
DELIVERY = _words(
    "id agency_id account_id kind lane state part content content_hash reply_target approved_by"
    " approved_hash wall_time zone due_at queued_at prepared key tries sends confirms"
    " resent_by_machine confirm_first remote_id remote_url published_at trouble trouble_said"
    " late_accepted"
)
REPLY = _words(
    "agency_id conversation_id item_id purpose state text private source written_by_id written_at"
    " returned_reason delivery_id seen_item_id settled_at"
)
NULL = "\\N"
NEVER = "9999-12-31 00:00:00+00"


class _World:
    """Makes the lines of each table as COPY reads them; later tables remember earlier ones."""

    def __init__(
        self,
        rng: random.Random,
        now: datetime,
        tenants: dict[int, list[int]],
        accounts: dict[int, list[tuple[int, int]]],
        people: dict[int, list[int]],
        shares: list[int],
    ) -> None:
        self.rng, self.now = rng, now
        self.tenants, self.accounts, self.people = tenants, accounts, people
        self.shares = dict(zip(tenants, shares, strict=True))
        start = now.astimezone(UTC) - timedelta(days=DAYS)
        self.stamps = [
            (start + STEP * n).strftime("%Y-%m-%d %H:%M:%S+00")
            for n in range(int(timedelta(days=DAYS + 30) / STEP))
        ]
        self.present = int(timedelta(days=DAYS) / STEP)
        self.day = int(timedelta(days=1) / STEP)
        self.texts = [self._text() for _ in range(min(20_000, max(500, sum(shares))))]
        self.kinds_of_text = len(self.texts)
        self.authored: dict[int, tuple[int, int]] = {}
        # Of each conversation: (id, agency, account, author, stamp of its first item, items, state)
        self.rows: list[tuple[int, int, int, int, int, int, str]] = []
        self.answers: list[tuple[int, int, int, int, int, str, int]] = []
        self.sample: list[tuple[int, int, str, int]] = []

    def _text(self) -> str:
        rng = self.rng
        ask = rng.choice(ASKS)
        found = (
            f"{rng.choice(SUBJECTS)} di {rng.choice(PLACES)} RT {rng.randrange(1, 20):02} "
            f"{rng.choice(TROUBLES)} {rng.choice(('parat', 'lagi', 'terus', 'sejak lama'))}, {ask}"
        )
        if rng.random() < 0.4:
            found += f". {rng.choice(SUBJECTS)} {rng.choice(PLACES)} juga, {rng.choice(ASKS)}"
        return found if rng.random() > 0.0001 else f"{found}. {RARE}"

    def authors(self) -> Iterator[str]:
        """One for three conversations."""
        pk, stamps = 0, self.stamps
        for tenant, count in self.shares.items():
            first = pk + 1
            own = self.accounts[tenant]
            for n in range(max(1, count // 3)):
                pk += 1
                account, agency = own[n % len(own)]
                name = name_of(n * 7 + n // 15)
                yield (
                    f"{pk}\t{agency}\t{account}\tr{pk}\twarga{pk}@sosial.example\t{name}\t"
                    f"https://sosial.example/@warga{pk}\t{stamps[n % 50_000]}\n"
                )
            self.authored[tenant] = (first, pk)

    def conversations(self) -> Iterator[str]:
        rng, stamps, present, day = self.rng, self.stamps, self.present, self.day
        pk = item = 0
        for tenant, count in self.shares.items():
            first, last = self.authored[tenant]
            own, staff, units = (
                self.accounts[tenant],
                self.people[tenant],
                self.tenants[tenant][1:],
            )
            for _ in range(count):
                pk += 1
                author = rng.randint(first, last)
                account, agency = own[(author - first) % len(own)]
                chance = rng.random()
                if chance < 0.06:
                    # Open ones are of the last days.
                    state = "new" if chance < 0.04 else "triaged"
                    at = present - int(rng.expovariate(1 / (3 * day)))
                    due = stamps[max(0, present + int(rng.gauss(1.3, 1) * day))]
                    answered = NULL
                else:
                    state = "answered" if chance < 0.30 else "quiet"
                    at = rng.randrange(present - 2)
                    due, answered = NEVER, stamps[at + 2] if state == "answered" else NULL
                at = max(0, at)
                items = 1 if (chance := rng.random()) < 0.75 else 2 if chance < 0.93 else 5
                kind = rng.choices(KINDS, cum_weights=KIND_SHARES)[0]
                snoozed = stamps[present + day] if state == "new" and rng.random() < 0.05 else NULL
                assigned = rng.choice(staff) if rng.random() < 0.5 else NULL
                unit = rng.choice(units) if rng.random() < 0.6 else NULL
                text = self.texts[(pk * 7919) % self.kinds_of_text]
                sealed = rng.random() < 0.002
                yield (
                    f"{pk}\t{agency}\t{account}\t{author}\tt{pk}\tpublic\t{state}\t"
                    f"{'integrity' if sealed else kind}\t"
                    f"{1 if rng.random() < 0.05 else 2}\t{'t' if sealed else 'f'}\t{unit}\t"
                    f"{rng.choice(PLACES) if unit != NULL else ''}\t{assigned}\t{due}\t{snoozed}\t"
                    f"{stamps[at]}\t{stamps[min(at + items - 1, present)]}\t{item + items}\t"
                    f"{answered}\t{text[:240]}\t{items}\t{'t' if state == 'new' else 'f'}\t"
                    f"{'t' if rng.random() < 0.08 else 'f'}\t{{}}\n"
                )
                self.rows.append((pk, agency, account, author, at, items, state))
                item += items

    def items(self) -> Iterator[str]:
        stamps, texts, present, pk = self.stamps, self.texts, self.present, 0
        for conversation, agency, account, author, at, items, state in self.rows:
            for n in range(items):
                pk += 1
                text = texts[(conversation * 7919 + n) % self.kinds_of_text]
                written = stamps[min(at + n, present)]
                yield (
                    f"{pk}\t{agency}\t{account}\t{author}\t{conversation}\ti{pk}\t\tpublic\t{text}"
                    f"\thttps://sosial.example/@warga{author}/{pk}\t{written}\t{written}\tchannel"
                    f"\t\tid\t\t[]\t[]\tf{pk}\t{int(pk % 100 == 0)}\n"
                )
            if state == "answered":
                self.answers.append((conversation, agency, account, pk, at, written, pk))
            self.sample.append((pk, agency, written, conversation))

    def revisions(self) -> Iterator[str]:
        """One item in a hundred was edited."""
        total = sum(row[5] for row in self.rows)
        owners = self._owner_of(range(100, total + 1, 100))
        for item, (agency, written) in owners:
            text = self.texts[item % self.kinds_of_text]
            yield f"{agency}\t{item}\t1\t{text} sekali lagi\t{written}\t[]\t[]\tg{item}\n"

    def _owner_of(self, wanted: range) -> Iterator[tuple[int, tuple[int, str]]]:
        at = 0
        for item in wanted:
            while self.sample[at][0] < item:
                at += 1
            yield item, (self.sample[at][1], self.sample[at][2])

    def suggestions(self) -> Iterator[str]:
        """A kind on every third last item, and on one in twenty the group that it belongs to."""
        for item, agency, written, conversation in self.sample:
            if conversation % 3 == 0:
                yield (
                    f"{agency}\t{item}\tkind\tcomplaint\t0.8\t[]\trules:1\t{written}\taccepted\t\n"
                )
            if conversation % 20 == 0:
                yield (
                    f"{agency}\t{item}\tgroup\tg{agency}-{conversation // 800}\t0.7\t[]\t"
                    f"duplicates:1\t{written}\t\t\n"
                )

    def notes(self) -> Iterator[str]:
        first = {agency: people[0] for agency, people in self._staff().items()}
        for _item, agency, written, conversation in self.sample:
            if conversation % 25 == 0:
                yield f"{agency}\t{conversation}\tSudah ditelepon.\t{first[agency]}\t{written}\n"

    def _staff(self) -> dict[int, list[int]]:
        return {
            agency: self.people[tenant] for tenant, ids in self.tenants.items() for agency in ids
        }

    def deliveries(self) -> Iterator[str]:
        blank = "\\\\x" + "00" * 32
        for number, (_talk, agency, account, item, _at, written, _seen) in enumerate(
            self.answers, 1
        ):
            yield (
                f"{number}\t{agency}\t{account}\treply\t1\tpublished\t0\t"
                f'{{"text": "Terima kasih, sudah kami teruskan."}}\t{blank}\ti{item}\t'
                f"rule:saved\t{blank}\t\t\t{written}\t{written}\t{{}}\t{uuid.UUID(int=number)}\t0\t1"
                f"\t0\tf\tf\td{number}\thttps://sosial.example/{number}\t{written}\t\t\tf\n"
            )

    def replies(self) -> Iterator[str]:
        staff = self._staff()
        for number, (conversation, agency, _account, item, _at, written, seen) in enumerate(
            self.answers, 1
        ):
            by = staff[agency][number % len(staff[agency])]
            yield (
                f"{agency}\t{conversation}\t{item}\tanswer\treleased\tTerima kasih, sudah kami "
                f"teruskan.\tf\t\t{by}\t{written}\t\t{number}\t{seen}\t{written}\n"
            )


class _Quick:
    """Indexes and foreign keys away while rows pour in; the search triggers stay at work."""

    TABLES = _words(
        "inbox_author inbox_conversation inbox_item inbox_revision inbox_suggestion inbox_note"
        " publishing_delivery inbox_reply"
    )

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.indexes: list[tuple[str, str]] = []
        self.triggers = "USER"

    def begin(self) -> None:
        run = self.connection.execute
        # Foreign keys are a superuser's to put off, and a wall that binds the owner too stands in
        # the way of COPY. A small seed is quick enough with the keys.
        alone = run("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        self.triggers = "ALL" if alone and alone[0] else "USER"
        self.indexes = run(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
            " WHERE indrelid = ANY (%s::regclass[]) AND NOT EXISTS"
            " (SELECT FROM pg_constraint WHERE conindid = indexrelid)",
            [self.TABLES],
        ).fetchall()
        for name, _text in self.indexes:
            run(f"DROP INDEX {name}")
        for table in self.TABLES:
            run(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            run(f"ALTER TABLE {table} DISABLE TRIGGER {self.triggers}")
            for (trigger,) in run(
                "SELECT tgname FROM pg_trigger"
                " WHERE tgrelid = %s::regclass AND tgname ~ '_search_'",
                [table],
            ).fetchall():
                run(f'ALTER TABLE {table} ENABLE TRIGGER "{trigger}"')
        run("SET maintenance_work_mem = '256MB'")
        run("SET synchronous_commit = off")

    def end(self) -> None:
        run = self.connection.execute
        for _name, text in self.indexes:
            run(text)
        for table in self.TABLES:
            run(f"ALTER TABLE {table} ENABLE TRIGGER {self.triggers}")
            run(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            run(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'),"
                f" (SELECT coalesce(max(id), 1) FROM {table}))",
                [table],
            )


def _copy(
    connection: psycopg.Connection[Any], table: str, columns: list[str], rows: Iterator[str]
) -> None:
    names = ", ".join(columns)
    with connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        block: list[str] = []
        for row in rows:
            block.append(row)
            if len(block) == 2000:
                copy.write("".join(block))
                block.clear()
        copy.write("".join(block))
