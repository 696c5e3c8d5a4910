"""Step 4: take in what citizens wrote, word for word. A door to channels.

The network is asked outside any transaction; then everything of one pull goes in together with the
cursor, in one transaction: raw bodies sealed, authors, conversations, items, records, suggestions.
Pulls overlap on purpose and ids are unique in the database, so that repeating one changes nothing.
What cannot be read or placed is kept in quarantine with why. A pull that fails says so on the
account's Cursor and moves nothing.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from tanggap.accounts import connect, limits, pause
from tanggap.accounts.models import Account
from tanggap.archive import payload
from tanggap.archive.move import move
from tanggap.archive.record import record
from tanggap.channels.base import BadRow, Channel, Fetched, IncomingItem
from tanggap.channels.errors import (
    ChannelError,
    NotAuthorised,
    RateLimited,
    Rejected,
    Unavailable,
)
from tanggap.core import rules
from tanggap.core.errors import Refused
from tanggap.core.models import Person
from tanggap.execution.inbox import many, promise, triage
from tanggap.execution.inbox.models import Author, Conversation, Cursor, Item, Revision
from tanggap.execution.inbox.people import person_key, public_contacts, spans
from tanggap.execution.publishing.models import Delivery

log = logging.getLogger(__name__)
BY = "system:listen"
READS = "reads"
LISTENING = 0x4C495354
"""First half of the advisory lock under which an account is listened to."""
MAIN, BROUGHT, ARRIVED = "main", "brought", "arrived"
THREADS = 4
SECONDS = 60.0
"""What one account may take of a thread, all in all."""
EVERY = timedelta(seconds=20)
"""Between two pulls of one account."""
AFTER_FAILURE = timedelta(minutes=1)
AUDIT_EVERY = timedelta(hours=6)
FLOOD = 8
"""From how many new items on they go in all at once."""
PULLS = 5
"""Pages of one account in one tick; the rest comes with the next."""
SOURCES = {
    "network": Item.Source.CHANNEL,
    "paste": Item.Source.PASTE,
    "screenshot": Item.Source.SCREENSHOT,
    "csv": Item.Source.CSV,
}
# What the database says of words that it cannot hold, and a channel's body that lacks a part.
UNKEEPABLE = (DataError, IntegrityError, ValueError, KeyError)


@dataclass
class Taken:
    """What one pull or one paste brought in: counts, and the conversations that it touched."""

    new: int = 0
    revised: int = 0
    known: int = 0
    quarantined: int = 0
    bad_rows: tuple[BadRow, ...] = ()
    conversations: list[int] = field(default_factory=list)


class Ears:
    """The worker's threads for listening, so that a slow network holds no other up.

    An account is listened to by one thread at a time. Who waits longest comes first.
    """

    def __init__(self, threads: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="listen")
        self._at: dict[int, Future[int]] = {}

    def fill(self, now: datetime) -> int:
        """Hand over every account that is due and not listened to already. How many."""
        self._at = {pk: one for pk, one in self._at.items() if not one.done()}
        wanted = [account for account in due(now) if account.pk not in self._at]
        for account in wanted:
            self._at[account.pk] = self._pool.submit(_in_thread, account, now)
        return len(wanted)

    def wait(self) -> int:
        """Until all is heard that was handed over. How many new items."""
        return sum(one.result() for one in list(self._at.values()))

    def close(self) -> None:
        """Forget what has not begun; what has ends by its deadline."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def tick(now: datetime, *, ears: Ears | None = None) -> int:
    """Pull every connected account that is due, or, with `ears`, see that their threads are at it.

    Without ears it works in this thread and returns how many new items came in.
    """
    if ears is not None:
        return ears.fill(now)
    return sum(_hear(account, now) for account in due(now))


def due(now: datetime) -> list[Account]:
    """Connected accounts whose next pull is due, the one that waits longest first."""
    cursors = {
        row.account_id: row
        for row in Cursor.objects.filter(stream=MAIN, account__state="connected")
    }
    rows = [
        account
        for account in Account.objects.filter(state="connected").select_related("agency__parent")
        if _can_fetch(account) and _due(account, cursors.get(account.pk), now)
    ]
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(rows, key=lambda one: (_last(cursors.get(one.pk), never), one.pk))


def _hear(account: Account, now: datetime) -> int:
    try:
        return pull(account, now).new
    except Exception as error:
        # What stops one account stops no other; where it was, it stays.
        log.exception("Listening to account %s stopped.", account.pk)
        unnamed = Unavailable(type(error).__name__.lower())
        _failed(account, _cursor(account, MAIN, now), unnamed, now)
        return 0


def _in_thread(account: Account, now: datetime) -> int:
    """In a thread of its own, which another worker's may not be at work on as well."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LISTENING, account.pk])
            if not cursor.fetchone()[0]:
                return 0
        return _hear(account, now)
    except Exception:
        log.exception("Listening to account %s stopped.", account.pk)
        return 0
    finally:
        # The lock is the connection's, and ends with it.
        connection.close()


def pull(account: Account, now: datetime) -> Taken:
    """Ask the account's network from where we were, and keep what came.

    A failure is written on the Cursor and gives what was kept until then.
    """
    total, until = Taken(), time.monotonic() + SECONDS
    for _page in range(PULLS):
        cursor = _cursor(account, MAIN, now)
        if not limits.take(account, READS, now):
            break
        before = cursor.value.get("cursor", "")
        if time.monotonic() > until:
            break
        try:
            opened = connect.channel(account, now, until=until)
            fetched: Fetched = opened.fetch(before)  # type: ignore[attr-defined]
        except ChannelError as error:
            _failed(account, cursor, error, now)
            break
        taken = keep(account, fetched, now=now, before=before)
        _add(total, taken)
        if not fetched.more or fetched.cursor == before:
            break
    if _audit_due(account, now):
        audit(account, now)
    return total


def audit(account: Account, now: datetime) -> int:
    """Look again from the newest back, and take in what the pulls had missed. How many that was."""
    if not limits.take(account, READS, now):
        return 0
    try:
        opened = connect.channel(account, now, until=time.monotonic() + SECONDS)
        fetched: Fetched = opened.fetch("")  # type: ignore[attr-defined]
    except ChannelError as error:
        _failed(account, _cursor(account, MAIN, now), error, now)
        return 0
    with transaction.atomic():
        taken = _store(account, fetched, MAIN, by=BY, now=now, note="")
        missing = taken.new + taken.quarantined
        Cursor.objects.filter(account=account, stream=MAIN).update(
            audited_at=now, audit_missing=missing
        )
        record(
            account.agency,
            "inbox.audited",
            account,
            by=BY,
            now=now,
            facts={"looked_at": len(fetched.items), "missing": missing},
        )
    return missing


def keep(account: Account, fetched: Fetched, *, now: datetime, before: str) -> Taken:
    """Everything of one pull and the cursor, in one transaction."""
    with transaction.atomic():
        taken = _store(account, fetched, MAIN, by=BY, now=now, note="")
        # Somebody who pulled at the same time may have gone further: never move it back.
        Cursor.objects.filter(account=account, stream=MAIN, value__cursor=before).update(
            value={"cursor": fetched.cursor}, moved_at=now
        )
        Cursor.objects.filter(account=account, stream=MAIN).update(
            polled_at=now, failed_at=None, failed_why="", failed_said=""
        )
        limits.seed(account, fetched.rate, now)
    return taken


def receive(opened: Channel, headers: Mapping[str, str], body: bytes) -> Fetched:
    """What stands in a body that an account's network left at the door, by the account's channel
    (`connect.reading`). No network is asked. Raises a ChannelError."""
    found: Fetched = opened.receive(headers, body)  # type: ignore[attr-defined]
    return found


def arrived(account: Account, fetched: Fetched, *, now: datetime) -> Taken:
    """Keep what came to the door. In the caller's transaction."""
    _cursor(account, ARRIVED, now)
    taken = _store(account, fetched, ARRIVED, by=BY, now=now, note="")
    Cursor.objects.filter(account=account, stream=ARRIVED).update(polled_at=now, moved_at=now)
    return taken


def paste(
    account: Account,
    text: str,
    *,
    by: Person,
    now: datetime,
    at: datetime | None = None,
    name: str = "",
    handle: str = "",
    url: str = "",
    source: str = "paste",
    note: str = "",
) -> Taken:
    """What an officer copied, or typed from a screenshot (`source` "screenshot").

    `at` is when the citizen wrote it, where that is known. Raises Refused.
    """
    body = json.dumps(
        {
            "text": text,
            "at": at.isoformat() if at else None,
            "name": name,
            "handle": handle,
            "url": url,
            "source": source,
        }
    ).encode()
    return _brought(account, "application/json", body, by=by, now=now, note=note)


def table(account: Account, data: bytes, *, by: Person, now: datetime, note: str = "") -> Taken:
    """A CSV file (columns: channels/manual/intake.py). Rows that cannot be read are in `bad_rows`
    with their number and why; the others are in. Raises Refused."""
    return _brought(account, "text/csv", data, by=by, now=now, note=note)


def _brought(
    account: Account, kind: str, body: bytes, *, by: Person, now: datetime, note: str
) -> Taken:
    if "receive" not in connect.can(account):
        raise Refused(
            _("Nothing was brought in."),
            _("This account's messages come in by themselves."),
            _("Choose an account that is used by hand."),
        )
    headers = {"content-type": kind, "x-zone": account.agency.zone}
    try:
        fetched: Fetched = connect.channel(account, now).receive(  # type: ignore[attr-defined]
            headers, body
        )
    except Rejected as error:
        raise Refused(
            _("Nothing was brought in."),
            _("There are no words in it.") if error.code == "empty" else _("It cannot be read."),
            _("Check the text and try again."),
            field="text",
        ) from error
    with transaction.atomic():
        _cursor(account, BROUGHT, now)
        taken = _store(account, fetched, BROUGHT, by=by, now=now, note=note[:300])
        Cursor.objects.filter(account=account, stream=BROUGHT).update(polled_at=now, moved_at=now)
        record(
            account.agency,
            "inbox.brought",
            account,
            by=by,
            now=now,
            facts={"new": taken.new, "known": taken.known, "bad_rows": len(fetched.bad_rows)},
        )
    taken.bad_rows = fetched.bad_rows
    return taken


# --- keeping -------------------------------------------------------------------------------------


def _store(
    account: Account, fetched: Fetched, stream: str, *, by: Person | str, now: datetime, note: str
) -> Taken:
    """One batch, in the caller's transaction. One writer an account at a time."""
    cursor = Cursor.objects.select_for_update().get(account=account, stream=stream)
    taken = Taken()
    touched: dict[int, Conversation] = {}
    fresh: list[Item] = []
    allowed = public_contacts(account.agency)
    known = set(
        Item.objects.filter(
            account=account, remote_id__in=[one.remote_id for one in fetched.items]
        ).values_list("remote_id", flat=True)
    )
    items = sorted(fetched.items, key=lambda one: (one.at, one.remote_id))
    fresh += _many(account, many.plain(items, known), by=by, now=now, note=note, allowed=allowed)
    taken.new += len(fresh)
    for new in fresh:
        if new.conversation is not None:
            touched[new.conversation.pk] = new.conversation
    done = {new.remote_id for new in fresh}
    known |= done
    for one in items:
        if one.remote_id in done:
            # Once: the same id again in this batch may be a revision.
            done.discard(one.remote_id)
            continue
        old = one.remote_id in known
        try:
            with transaction.atomic():
                row = (
                    _again(account, one, by=by, now=now, allowed=allowed)
                    if old
                    else _new(account, one, by=by, now=now, note=note, allowed=allowed)
                )
        except UNKEEPABLE as error:
            # Under the hash of its body where its id is taken by the first words.
            taken.quarantined += _quarantine(
                account,
                _raw(one),
                type(error).__name__,
                by=by,
                now=now,
                remote_id="" if old else one.remote_id,
            )
            continue
        known.add(one.remote_id)
        if row is None:
            taken.known += 1
        elif old:
            taken.revised += 1
        else:
            taken.new += 1
            fresh.append(row)
        if row is not None and row.conversation is not None:
            touched[row.conversation.pk] = row.conversation
    for raw in fetched.unreadable:
        taken.quarantined += _quarantine(account, raw, "unreadable", by=by, now=now)
    Cursor.objects.filter(pk=cursor.pk).update(
        received=F("received") + taken.new + taken.quarantined
    )
    office = rules.office(account.agency)
    many.summarise(list(touched.values()))
    promise.set_due_many(list(touched.values()), office)
    triage.group(account.agency, fresh, now=now)
    taken.conversations = list(touched)
    return taken


def _many(
    account: Account,
    items: Sequence[IncomingItem],
    *,
    by: Person | str,
    now: datetime,
    note: str,
    allowed: Sequence[str],
) -> list[Item]:
    """Plain new items all at once; none where the database does not take them so."""
    if len(items) < FLOOD:
        return []
    rows = [
        {
            "author": _named(one),
            "url": _fits(one.url),
            "media": _media(one),
            "source": SOURCES[one.source],
            "note": note,
            "raw": _raw(one),
        }
        for one in items
    ]
    try:
        with transaction.atomic():
            return many.take(account, items, rows, by=by, now=now, allowed=allowed)
    except UNKEEPABLE:
        log.warning("A batch for account %s goes in one by one.", account.pk)
        return []


def _new(
    account: Account,
    one: IncomingItem,
    *,
    by: Person | str,
    now: datetime,
    note: str,
    allowed: Sequence[str],
) -> Item:
    """A new item in its conversation. Raises UNKEEPABLE."""
    author = _author(account, one, now)
    conversation = _conversation(account, author, one, now)
    sealed = payload.store(
        account.agency, person_key(account.pk, author.remote_id), _raw(one), now=now
    )
    row = Item.objects.create(
        agency_id=account.agency_id,
        account=account,
        author=author,
        conversation=conversation,
        remote_id=one.remote_id,
        in_reply_to=one.in_reply_to,
        visibility=one.visibility,
        text=one.text,
        url=_fits(one.url),
        written_at=one.at,
        received_at=now,
        source=SOURCES[one.source],
        source_note=note,
        language=one.language[:16],
        personal=spans(one.text, allowed),
        media=_media(one),
        fingerprint=one.fingerprint,
        payload=sealed,
    )
    record(
        account.agency,
        "item.received",
        row,
        by=by,
        now=now,
        content=row.evidence(),
        person_key=person_key(account.pk, author.remote_id),
        facts={
            "account": account.pk,
            "conversation": conversation.pk,
            "source": row.source,
            **payload.fact(sealed),
        },
    )
    triage.propose([row], now=now)
    if conversation.state in ("answered", "quiet"):
        move(conversation, "new", by=by, now=now, facts={"item": row.pk})
    return row


def _again(
    account: Account, one: IncomingItem, *, by: Person | str, now: datetime, allowed: Sequence[str]
) -> Item | None:
    """The same id once more: None when nothing a person can read has changed, else a Revision."""
    row = (
        Item.objects.select_related("author", "conversation")
        .filter(account=account, remote_id=one.remote_id)
        .get()
    )
    if row.fingerprint == one.fingerprint or row.author is None:
        return None
    number = row.revisions_count + 1
    sealed = payload.store(
        account.agency, person_key(account.pk, row.author.remote_id), _raw(one), now=now
    )
    revision = Revision.objects.create(
        agency_id=account.agency_id,
        item=row,
        number=number,
        text=one.text,
        seen_at=now,
        personal=spans(one.text, allowed),
        media=_media(one),
        fingerprint=one.fingerprint,
        payload=sealed,
    )
    Item.objects.filter(pk=row.pk).update(revisions_count=number, fingerprint=one.fingerprint)
    row.revisions_count, row.fingerprint = number, one.fingerprint
    record(
        account.agency,
        "item.revised",
        revision,
        by=by,
        now=now,
        content=revision.evidence(),
        person_key=person_key(account.pk, row.author.remote_id),
        facts={"item": row.pk, "number": number, **payload.fact(sealed)},
    )
    triage.reread(row, one.text, now=now)
    return row


def _named(one: IncomingItem) -> str:
    """Whoever was written down without any name is somebody of their own each time."""
    return one.author.id or f"unnamed:{one.remote_id}"


def _author(account: Account, one: IncomingItem, now: datetime) -> Author:
    remote_id = _named(one)
    Author.objects.bulk_create(
        [
            Author(
                agency_id=account.agency_id,
                account=account,
                remote_id=remote_id[:300],
                handle=one.author.handle[:300],
                name=one.author.display_name[:300],
                url=_fits(one.author.url),
                first_seen_at=now,
            )
        ],
        ignore_conflicts=True,
    )
    return Author.objects.get(account=account, remote_id=remote_id[:300])


def _conversation(
    account: Account, author: Author, one: IncomingItem, now: datetime
) -> Conversation:
    thread, private = _thread(account, one), one.visibility in ("direct", "private")
    visibility = Conversation.Visibility.PRIVATE if private else Conversation.Visibility.PUBLIC
    Conversation.objects.bulk_create(
        [
            Conversation(
                agency_id=account.agency_id,
                account=account,
                author=author,
                thread_id=thread,
                visibility=visibility,
                due_at=promise.NEVER,
                first_item_at=one.at,
                last_item_at=one.at,
                post=Delivery.objects.filter(account=account, remote_id=thread).first(),
            )
        ],
        ignore_conflicts=True,
    )
    # Locked: an answer that goes out at this moment must not count for the words that come now.
    return (
        Conversation.objects.select_for_update(of=["self"])
        .select_related("agency", "author")
        .get(account=account, author=author, thread_id=thread, visibility=visibility)
    )


def _thread(account: Account, one: IncomingItem) -> str:
    """Id of the thread's first post, from what the network says and what we already have."""
    if not one.in_reply_to:
        return (one.root or one.remote_id)[:300]
    above = (
        Item.objects.select_related("conversation")
        .filter(account=account, remote_id=one.in_reply_to, conversation__isnull=False)
        .first()
    )
    if above is not None and above.conversation is not None:
        return above.conversation.thread_id
    ours = (
        Delivery.objects.filter(account=account, remote_id=one.in_reply_to)
        .exclude(reply_target="")
        .first()
    )
    if ours is not None:
        said = (
            Item.objects.select_related("conversation")
            .filter(account=account, remote_id=ours.reply_target, conversation__isnull=False)
            .first()
        )
        if said is not None and said.conversation is not None:
            return said.conversation.thread_id
    return (one.root or one.in_reply_to)[:300]


def _quarantine(
    account: Account, raw: bytes, why: str, *, by: Person | str, now: datetime, remote_id: str = ""
) -> bool:
    """Keep apart, with why, what could not be read or placed. True when it was not there yet."""
    name = remote_id.replace("\0", "")[:300] or f"unreadable:{sha256(raw).hexdigest()}"
    if Item.objects.filter(account=account, remote_id=name).exists():
        return False
    sealed = payload.store(account.agency, f"account:{account.pk}:quarantine", raw or b"-", now=now)
    row = Item.objects.create(
        agency_id=account.agency_id,
        account=account,
        author=None,
        conversation=None,
        remote_id=name,
        visibility="",
        text="",
        written_at=now,
        received_at=now,
        quarantined=why[:200],
        payload=sealed,
    )
    record(
        account.agency,
        "item.quarantined",
        row,
        by=by,
        now=now,
        facts={"account": account.pk, "why": why, **payload.fact(sealed)},
    )
    return True


# --- cursors and failures ------------------------------------------------------------------------


def _cursor(account: Account, stream: str, now: datetime) -> Cursor:
    Cursor.objects.bulk_create(
        [
            Cursor(
                agency_id=account.agency_id,
                account=account,
                stream=stream,
                value={"cursor": ""},
                moved_at=now,
                polled_at=now,
            )
        ],
        ignore_conflicts=True,
    )
    return Cursor.objects.get(account=account, stream=stream)


def _due(account: Account, row: Cursor | None, now: datetime) -> bool:
    if row is None:
        return True
    pause = timedelta(seconds=connect.kind_of(account).pause_s)
    if row.failed_at is not None:
        return now >= row.failed_at + max(AFTER_FAILURE, pause)
    return now >= row.polled_at + max(EVERY, pause)


def _last(row: Cursor | None, never: datetime) -> datetime:
    """When the account was last asked, whatever it answered."""
    return never if row is None else max(row.polled_at, row.failed_at or never)


def _audit_due(account: Account, now: datetime) -> bool:
    row = Cursor.objects.filter(account=account, stream=MAIN, failed_at=None).first()
    if row is None:
        return False
    if row.audited_at is None:
        # The first pull has just walked through everything that there is.
        Cursor.objects.filter(pk=row.pk, audited_at=None).update(audited_at=now)
        return False
    return now >= row.audited_at + AUDIT_EVERY


def _failed(account: Account, cursor: Cursor, error: ChannelError, now: datetime) -> None:
    """Say so on the Cursor; its value stays. Refused credentials pause the account."""
    Cursor.objects.filter(pk=cursor.pk).update(
        failed_at=now, failed_why=error.code[:40], failed_said=error.said
    )
    if isinstance(error, NotAuthorised):
        pause.refused(account.pk, error.said, by=BY, now=now)
    if isinstance(error, RateLimited):
        limits.block(account, error.scope, error.retry_at, now)
    limits.seed(account, error.rate, now)


def _can_fetch(account: Account) -> bool:
    try:
        return "fetch" in connect.can(account)
    except Refused:
        return False


def _add(total: Taken, more: Taken) -> None:
    total.new += more.new
    total.revised += more.revised
    total.known += more.known
    total.quarantined += more.quarantined
    total.conversations += more.conversations


def _raw(one: IncomingItem) -> bytes:
    """The body word for word; where a channel gives none, the words that it gave."""
    return one.raw or one.text.encode(errors="surrogatepass") or b"-"


def _media(one: IncomingItem) -> list[dict[str, str]]:
    return [{"url": medium.url, "mime": medium.mime, "alt": medium.alt} for medium in one.media]


def _fits(url: str) -> str:
    """An address that a row can hold and a page may link to; the sealed body has it in full."""
    return url if len(url) <= 800 and url.startswith(("https://", "http://")) else ""
