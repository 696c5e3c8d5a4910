"""What the panes show: rows of the list and entries of a thread, personal data already masked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext

from tanggap.execution.inbox import moderate, reply
from tanggap.execution.inbox.models import Conversation, Item, Note, Reply, Revision, Suggestion
from tanggap.execution.inbox.people import masked, shown_name, spans
from tanggap.execution.inbox.promise import NEVER
from tanggap.execution.inbox.queries import CAP, Thread
from tanggap.execution.inbox.tables import reason, words
from tanggap.language.redact import Found, mask, redact


@dataclass
class Line:
    """A row of the list."""

    row: Conversation
    name: str
    href: str
    current: bool
    owed: bool


@dataclass
class Version:
    """One wording of an item."""

    text: str
    personal: list[dict[str, Any]]
    at: datetime


@dataclass
class Entry:
    """One thing in the thread: kind is item, reply or note."""

    kind: str
    at: datetime
    item: Item | None = None
    reply: Reply | None = None
    note: Note | None = None
    name: str = ""
    handle: str = ""
    text: str = ""
    personal: list[dict[str, Any]] = field(default_factory=list)
    earlier: list[Version] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)
    # [{start, end}] of the words that decided a suggestion, in `text`.
    why: list[dict[str, Any]] = field(default_factory=list)
    state: str = ""
    hidden: str = ""
    revealed: bool = False
    asked: bool = False
    url: str = ""


def lines(
    rows: list[Conversation], query: str, current: int = 0, *, sealed: bool = False
) -> list[Line]:
    """Rows with their addresses; who wrote a sealed report is not named."""
    tail = f"?{query}" if query else ""
    home = reverse("desk:inbox-sealed") if sealed else reverse("desk:inbox-list")
    return [
        Line(
            row,
            gettext("Reporter") if sealed else name_of(row.author),
            f"{home}{row.pk}/{tail}",
            row.pk == current,
            row.due_at != NEVER,
        )
        for row in rows
    ]


def name_of(author: Any) -> str:
    """An author on screen; never a number that stands in a name."""
    return shown_name(author.name, author.handle) if author else gettext("Unknown")


def handle_of(author: Any) -> str:
    if author is None or not author.handle:
        return ""
    text = f"@{author.handle}"
    found = redact(author.handle.split("@")[0])
    return mask(text, [Found(one.start + 1, one.end + 1, one.kind, one.reason) for one in found])


def entries(
    thread: Thread, revealed: frozenset[int] = frozenset(), *, unnamed: bool = False
) -> list[Entry]:
    """Everything of a conversation in the order of time; `unnamed` leaves out who wrote it."""
    asked = {
        one.item_id
        for one in thread.replies
        if one.purpose == Reply.Purpose.REMOVE_DATA and one.state != "withdrawn"
    }
    found = [_item(item, thread, item.pk in revealed, item.pk in asked) for item in thread.items]
    if unnamed:
        for one in found:
            one.name, one.handle, one.url = gettext("Reporter"), "", ""

    def here(at: datetime) -> bool:
        return (thread.since is None or at >= thread.since) and (
            thread.until is None or at < thread.until
        )

    found += [
        Entry(
            "reply",
            one.written_at,
            reply=one,
            text=one.text,
            personal=spans(one.text),
            state=reply.state_of(one),
        )
        for one in thread.replies
        if here(one.written_at)
    ]
    found += [
        Entry("note", one.at, note=one, text=one.text, personal=spans(one.text))
        for one in thread.notes
        if here(one.at)
    ]
    return sorted(found, key=lambda one: one.at)


def _item(item: Item, thread: Thread, revealed: bool, asked: bool) -> Entry:
    said: list[Item | Revision] = [item, *item.revisions.all()]
    last = said[-1]
    suggested = [one for one in thread.suggestions if one.item_id == item.pk]
    hides = [one for one in item.moderations.all() if one.act == "hide"]
    listed = reason(hides[-1].reason) if hides and item.hidden_at else None
    return Entry(
        "item",
        item.written_at,
        item=item,
        name=name_of(item.author),
        handle=handle_of(item.author),
        text=last.text,
        personal=[] if revealed else last.personal,
        earlier=[
            Version(
                one.text,
                [] if revealed else one.personal,
                one.seen_at if isinstance(one, Revision) else one.received_at,
            )
            for one in said[:-1]
        ],
        suggestions=suggested,
        why=[
            {"start": span["start"], "end": span["end"], "kind": ""}
            for one in suggested
            if last is item and one.value != "normal"
            for span in one.reasons
        ],
        hidden=words(listed) if listed else "",
        revealed=revealed,
        asked=asked,
        # A handle may be a telephone number, and then stands in the address too.
        url="" if redact(item.url) else item.url,
    )


def capped(count: int) -> str | int:
    return f"{CAP - 1}+" if count >= CAP else count


def on_network(item: Item) -> bool:
    return moderate.on_network(item)


def safe(text: str) -> str:
    """Any words of a person, with numbers masked."""
    return masked(text, spans(text))
