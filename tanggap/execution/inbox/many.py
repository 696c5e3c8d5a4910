"""Step 4 for many at once: what a flood brings goes in with some queries a batch, not thirty each.

Only what is plainly new goes this way (see `plain`); the rest, and a batch that the database does
not take as a whole, goes item by item (listen.py). Both ways leave the same rows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Min

from tanggap.accounts.models import Account
from tanggap.archive import payload
from tanggap.archive.move import move
from tanggap.archive.record import Entry, keys_for, record_many
from tanggap.channels.base import IncomingItem
from tanggap.core.models import Person
from tanggap.execution.inbox import promise, triage
from tanggap.execution.inbox.models import Author, Conversation, Item, Revision
from tanggap.execution.inbox.people import person_key, snippet, spans
from tanggap.execution.publishing.models import Delivery

PRIVATE = ("direct", "private")
Key = tuple[int, str, str]


def plain(items: Sequence[IncomingItem], known: Collection[str]) -> list[IncomingItem]:
    """Those whose thread is known without asking, that are new, and that a row can surely hold."""
    seen = set(known)
    found = []
    for one in items:
        if one.remote_id in seen or one.in_reply_to or not _holds(one):
            continue
        seen.add(one.remote_id)
        found.append(one)
    return found


def _holds(one: IncomingItem) -> bool:
    texts = (one.remote_id, one.text, one.root, one.language, one.author.id, one.author.handle)
    more = (one.author.display_name, *(part for m in one.media for part in (m.url, m.mime, m.alt)))
    whole = "".join((*texts, *more))
    return (
        0 < len(one.remote_id) <= 300
        and len(one.visibility) <= 10
        and "\0" not in whole
        and (whole.isprintable() or not any("\ud800" <= one <= "\udfff" for one in whole))
    )


def take(
    account: Account,
    items: Sequence[IncomingItem],
    rows: Sequence[dict[str, Any]],
    *,
    by: Person | str,
    now: datetime,
    allowed: Sequence[str],
) -> list[Item]:
    """New items with their conversations, in the caller's transaction. `rows` hold what listen.py
    makes of each item alone: author, url, media, source, note, raw."""
    authors = _authors(account, items, rows, now)
    talks = _conversations(account, items, [authors[one["author"]] for one in rows])
    names = [person_key(account.pk, one["author"][:300]) for one in rows]
    keys = keys_for(account.agency, names, now=now)
    raws = [(name, one["raw"]) for name, one in zip(names, rows, strict=True)]
    sealed = payload.store_many(account.agency, raws, keys, now=now)
    made = [
        Item(
            agency_id=account.agency_id,
            account=account,
            author=authors[row["author"]],
            conversation=talk,
            remote_id=one.remote_id,
            in_reply_to="",
            visibility=one.visibility,
            text=one.text,
            url=row["url"],
            written_at=one.at,
            received_at=now,
            source=row["source"],
            source_note=row["note"],
            language=one.language[:16],
            personal=spans(one.text, allowed),
            media=row["media"],
            fingerprint=one.fingerprint,
            payload=kept,
        )
        for one, row, talk, kept in zip(items, rows, talks, sealed, strict=True)
    ]
    Item.objects.bulk_create(made)
    record_many(
        [
            Entry(
                account.agency_id,
                "item.received",
                row,
                {
                    "account": account.pk,
                    "conversation": row.conversation_id,
                    "source": row.source,
                    **payload.fact(kept),
                },
                row.evidence(),
                keys[name],
            )
            for row, kept, name in zip(made, sealed, names, strict=True)
        ],
        by=by,
        now=now,
    )
    triage.propose(made, now=now)
    for row in made:
        assert row.conversation is not None
        if row.conversation.state in ("answered", "quiet"):
            move(row.conversation, "new", by=by, now=now, facts={"item": row.pk})
    return made


def _authors(
    account: Account, items: Sequence[IncomingItem], rows: Sequence[dict[str, Any]], now: datetime
) -> dict[str, Author]:
    """By the remote id that a row gives."""
    wanted = {row["author"]: one.author for one, row in zip(items, rows, strict=True)}
    Author.objects.bulk_create(
        [
            Author(
                agency_id=account.agency_id,
                account=account,
                remote_id=name[:300],
                handle=one.handle[:300],
                name=one.display_name[:300],
                url=one.url if len(one.url) <= 800 and one.url.startswith("http") else "",
                first_seen_at=now,
            )
            for name, one in sorted(wanted.items())
        ],
        ignore_conflicts=True,
    )
    found = Author.objects.filter(account=account, remote_id__in=[name[:300] for name in wanted])
    by_name = {row.remote_id: row for row in found}
    return {name: by_name[name[:300]] for name in wanted}


def _conversations(
    account: Account, items: Sequence[IncomingItem], authors: Sequence[Author]
) -> list[Conversation]:
    """Of each item, locked: an answer that goes out now must not count for words that come now."""
    keys = [_key(one, author) for one, author in zip(items, authors, strict=True)]
    pairs = sorted(zip(keys, items, strict=True), key=lambda pair: (pair[0], pair[1].at))
    threads = sorted({thread for _author, thread, _visibility in keys})
    posts = {
        row.remote_id: row
        for row in Delivery.objects.filter(account=account, remote_id__in=threads)
    }
    made = []
    for key, group in groupby(pairs, key=lambda pair: pair[0]):
        times = [one.at for _key, one in group]
        made.append(
            Conversation(
                agency_id=account.agency_id,
                account=account,
                author_id=key[0],
                thread_id=key[1],
                visibility=key[2],
                due_at=promise.NEVER,
                first_item_at=times[0],
                last_item_at=times[-1],
                post=posts.get(key[1]),
            )
        )
    Conversation.objects.bulk_create(made, ignore_conflicts=True)
    found = (
        Conversation.objects.select_for_update(of=["self"])
        .select_related("agency__parent", "author")
        .filter(account=account, author__in={key[0] for key in keys}, thread_id__in=threads)
        .order_by("pk")
    )
    by_key = {(row.author_id, row.thread_id, row.visibility): row for row in found}
    return [by_key[key] for key in keys]


def _key(one: IncomingItem, author: Author) -> Key:
    private = one.visibility in PRIVATE
    visibility = Conversation.Visibility.PRIVATE if private else Conversation.Visibility.PUBLIC
    return author.pk, (one.root or one.remote_id)[:300], visibility.value


# --- what the list shows -------------------------------------------------------------------------

SHOWN = """
UPDATE inbox_conversation AS c SET snippet = v.snippet, last_item_at = v.last_at,
  first_item_at = v.first_at, last_item_id = v.last_id, items_count = v.items, unread = true,
  snoozed_until = NULL
FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::bigint[],
  %s::bigint[]) AS v (id, snippet, last_at, first_at, last_id, items)
WHERE c.id = v.id
"""


def summarise(conversations: Sequence[Conversation]) -> None:
    """What the list shows of each, kept on its row, in four queries."""
    if not conversations:
        return
    by_id = {one.pk: one for one in conversations}
    rows = Item.objects.filter(conversation__in=list(by_id))
    newest = {
        row.conversation_id: row
        for row in rows.order_by("conversation", "-written_at", "-pk").distinct("conversation")
    }
    totals = {
        row[0]: row[1:]
        for row in rows.values_list("conversation").annotate(
            Min("written_at"), Max("pk"), Count("pk")
        )
    }
    edited = [row.pk for row in newest.values() if row.revisions_count]
    revisions = {
        row.item_id: row
        for row in Revision.objects.filter(item__in=edited)
        .order_by("item", "-number")
        .distinct("item")
    }
    values = []
    for pk in sorted(by_id.keys() & newest.keys()):
        row = newest[pk]
        said = revisions.get(row.pk)
        text, personal = (said.text, said.personal) if said else (row.text, row.personal)
        first_at, last_id, items = totals[pk]
        values.append((pk, snippet(text, personal), row.written_at, first_at, last_id, items))
        one = by_id[pk]
        one.snippet, one.last_item_at, one.first_item_at = values[-1][1], row.written_at, first_at
        one.last_item_id, one.items_count = last_id, items
        one.unread, one.snoozed_until = True, None
    if not values:
        return
    with connection.cursor() as cursor:
        cursor.execute(SHOWN, [list(column) for column in zip(*values, strict=True)])
