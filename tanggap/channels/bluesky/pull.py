"""What came in: notifications, and the threads of our own recent posts.

One source alone loses things: a reply that came at once after its post was seen in the thread and
never among the notifications. The network lists notifications from the newest back and has no way
to ask "since": a walk goes back until it meets what is known, and a walk that is not done after
some pages goes on where it was with the next pull (`more`). The caller keeps `remote_id` unique.

Posts are always taken from the network's full view of them (getPosts, getPostThread), so that
pictures have their addresses and the same post never looks like two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, cast

from tanggap.channels.base import Author, Fetched, IncomingItem, IncomingMedia, Rate, Reaction
from tanggap.channels.bluesky.answers import rate, read
from tanggap.channels.errors import Rejected, Unavailable
from tanggap.core.http import Client

PAGE = 50
PAGES = 5
OWN = 30
THREADS = 8
DEPTH = 20
VIEWS = 25
"""Posts in one question (getPosts takes no more)."""
NODES = 1000
"""Posts taken from one thread in one pull; the next pull sees the rest of a larger one."""
REACTIONS = {
    "follow": "follow",
    "repost": "reblog",
    "repost-via-repost": "reblog",
    "like": "favourite",
    "like-via-repost": "favourite",
}
WORDS = ("mention", "reply", "quote")


@dataclass
class _Pull:
    """One pull under way."""

    http: Client
    me: str
    now: datetime
    items: dict[str, IncomingItem] = field(default_factory=dict)
    reactions: dict[str, Reaction] = field(default_factory=dict)
    unreadable: list[bytes] = field(default_factory=list)
    wanted: dict[str, dict[str, Any]] = field(default_factory=dict)
    rate: Rate | None = None

    def read(self, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
        answer, found = read(self.http, name, self.now, params)
        self.rate = rate(answer, "reads") or self.rate
        return found

    def take(self, view: Mapping[str, Any]) -> None:
        """Keep one post of somebody else. What cannot be read is kept apart, never dropped."""
        author = view.get("author")
        if isinstance(author, dict) and author.get("did") == self.me:
            return
        try:
            found = item(view)
        except (KeyError, ValueError, TypeError, AttributeError):
            self.unreadable.append(_raw(view))
            return
        self.items.setdefault(found.remote_id, found)


def pull(http: Client, me: str, cursor: str, now: datetime) -> Fetched:
    """One pull from `cursor` ("" at first). Raises NotAuthorised, RateLimited or Unavailable."""
    state = _state(cursor)
    work = _Pull(http, me, now)
    counts, turn, unread = _threads(work, state)
    walk, more = _notifications(work, state)
    _views(work)
    return Fetched(
        items=tuple(sorted(work.items.values(), key=lambda it: (it.at, it.remote_id))),
        cursor=json.dumps({**walk, "r": counts, "t": turn}, separators=(",", ":")),
        more=more or unread,
        reactions=tuple(work.reactions.values()),
        unreadable=tuple(work.unreadable),
        rate=work.rate,
    )


def _state(cursor: str) -> dict[str, Any]:
    """The cursor's parts: n = notifications at which a walk back may stop; h = the newest ones of a
    walk that is not done, c = where it goes on; r = replies counted per own post; t = whose turn it
    is. A cursor that cannot be read starts again from nothing."""
    try:
        found = json.loads(cursor) if cursor else {}
    except (ValueError, RecursionError):
        found = {}
    found = found if isinstance(found, dict) else {}
    return {
        "n": _texts(found.get("n")),
        "h": _texts(found.get("h")),
        "c": found["c"] if isinstance(found.get("c"), str) else "",
        "r": found["r"] if isinstance(found.get("r"), dict) else {},
        "t": found["t"] if type(found.get("t")) is int else 0,
    }


def _notifications(work: _Pull, state: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Walk back to what is known. Returns the cursor's parts, and whether some were left."""
    known, newest, place = set(state["n"]), list(state["h"]), state["c"]
    for _ in range(PAGES):
        params: dict[str, Any] = {"limit": PAGE}
        if place:
            params["cursor"] = place
        page = work.read("app.bsky.notification.listNotifications", params)
        rows = page.get("notifications")
        if not isinstance(rows, list):
            raise Unavailable("unreadable")
        ids = [_text(row, "uri") for row in rows if isinstance(row, dict)]
        newest = newest or [one for one in ids if one][:PAGE]
        for row in objects(rows):
            _notification(work, row)
        following = page.get("cursor")
        met = bool(known.intersection(ids))
        if met or not rows or not isinstance(following, str) or following in ("", place):
            return {"n": newest or list(state["n"])}, False
        place = following
    if not state["n"]:
        # The first look (or an audit) goes back so far and no further.
        return {"n": newest}, False
    return {"n": list(state["n"]), "h": newest, "c": place}, True


def _notification(work: _Pull, row: dict[str, Any]) -> None:
    reason, uri = row.get("reason"), _text(row, "uri")
    if reason in WORDS:
        if uri:
            work.wanted.setdefault(uri, row)
        else:
            work.unreadable.append(_raw(row))
    elif isinstance(reason, str) and reason in REACTIONS and uri:
        at = when(row.get("indexedAt"))
        if at is not None:
            kind = cast("Literal['follow', 'reblog', 'favourite']", REACTIONS[reason])
            work.reactions[uri] = Reaction(uri, kind, at, _text(row, "reasonSubject"))


def _views(work: _Pull) -> None:
    """The whole posts that the notifications speak of. One that its author has deleted meanwhile is
    kept as the notification gave it."""
    missing = [uri for uri in work.wanted if uri not in work.items]
    for start in range(0, len(missing), VIEWS):
        uris = missing[start : start + VIEWS]
        try:
            found = work.read("app.bsky.feed.getPosts", {"uris": uris})
        except Rejected:
            found = {}
        views = {_text(view, "uri"): view for view in objects(found.get("posts"))}
        for uri in uris:
            work.take(views.get(uri) or work.wanted[uri])


def _threads(work: _Pull, state: Mapping[str, Any]) -> tuple[dict[str, int], int, bool]:
    """Read the threads of own posts whose number of replies changed, and one in turn.

    Returns the counts that are known now, the next turn, and whether some were left.
    """
    page = work.read(
        "app.bsky.feed.getAuthorFeed",
        {"actor": work.me, "limit": OWN, "filter": "posts_with_replies"},
    )
    rows = page.get("feed")
    if not isinstance(rows, list):
        raise Unavailable("unreadable")
    counts: dict[str, int] = {}
    for row in objects(rows):
        post = row.get("post")
        author = post.get("author") if isinstance(post, dict) else None
        if isinstance(post, dict) and isinstance(author, dict) and author.get("did") == work.me:
            count = post.get("replyCount")
            counts[_text(post, "uri")] = count if type(count) is int else 0
    counts.pop("", None)
    known = {one: n for one, n in state["r"].items() if one in counts and type(n) is int}
    changed = [one for one, n in counts.items() if n != known.get(one, 0)]
    turn = state["t"] % len(counts) if counts else 0
    wanted = changed[:THREADS]
    if counts and (other := list(counts)[turn]) not in wanted:
        wanted.append(other)
    for one in wanted:
        _thread(work, one)
    return {**known, **{one: counts[one] for one in wanted}}, turn + 1, len(changed) > THREADS


def _thread(work: _Pull, own: str) -> None:
    try:
        found = work.read(
            "app.bsky.feed.getPostThread", {"uri": own, "depth": DEPTH, "parentHeight": 0}
        )
    except Rejected:
        return
    waiting, seen = [found.get("thread")], 0
    while waiting and seen < NODES:
        node = waiting.pop()
        if not isinstance(node, dict):
            continue
        seen += 1
        post = node.get("post")
        if isinstance(post, dict):
            work.take(post)
        waiting += objects(node.get("replies"))


def item(view: Mapping[str, Any]) -> IncomingItem:
    """One post as an incoming item, word for word. KeyError, TypeError or ValueError when it cannot
    be read."""
    record, author = view["record"], view["author"]
    uri, said = view["uri"], record["text"]
    if not (isinstance(uri, str) and uri and isinstance(said, str)):
        raise ValueError("post")
    did, handle = author["did"], author["handle"]
    if not (isinstance(did, str) and did and isinstance(handle, str)):
        raise ValueError("author")
    times = [at for at in (when(record.get("createdAt")), when(view.get("indexedAt"))) if at]
    reply = record.get("reply")
    parent = _at(reply, "parent")
    langs = _texts(record.get("langs"))
    return IncomingItem(
        remote_id=uri,
        kind="reply" if parent else "mention",
        author=Author(
            id=did,
            handle=handle,
            display_name=_text(author, "displayName"),
            url=f"https://bsky.app/profile/{did}",
        ),
        text=said,
        # A time that its writer chose counts only where it is not later than the network's own.
        at=min(times),
        url=f"https://bsky.app/profile/{did}/post/{uri.rpartition('/')[2]}",
        in_reply_to=parent,
        root=_at(reply, "root") or uri,
        language=langs[0] if langs else "",
        media=tuple(_pictures(view.get("embed"))),
        raw=_raw(view),
    )


def _pictures(embed: Any) -> list[IncomingMedia]:
    """Pictures and films of a view, also beside a quoted post."""
    if not isinstance(embed, dict):
        return []
    inner = embed.get("media")
    if isinstance(inner, dict):
        embed = inner
    found = [
        IncomingMedia(_text(one, "fullsize"), "image", _text(one, "alt"))
        for one in objects(embed.get("images"))
    ]
    if _text(embed, "playlist"):
        found.append(IncomingMedia(_text(embed, "playlist"), "video", _text(embed, "alt")))
    return found


def _at(reply: Any, name: str) -> str:
    above = reply.get(name) if isinstance(reply, dict) else None
    return _text(above, "uri") if isinstance(above, dict) else ""


def when(text: Any) -> datetime | None:
    """A time of the network in UTC, None where it is not one."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def objects(found: Any) -> list[dict[str, Any]]:
    """The objects of a list, whatever else stands in it."""
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _texts(found: Any) -> list[str]:
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _text(row: Mapping[str, Any], name: str) -> str:
    found = row.get(name)
    return found if isinstance(found, str) else ""


def _raw(view: Mapping[str, Any]) -> bytes:
    return json.dumps(view, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )
