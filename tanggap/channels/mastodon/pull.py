"""What came in: notifications, private messages, and the threads of our own recent posts.

One source alone loses things: notifications may be filtered, muted or late, and a thread lists what
never mentions us. Every pull therefore overlaps the one before (the caller keeps `remote_id`
unique):

- notifications from the oldest of the last forty ids seen, forwards, so that a long absence is
  walked through page by page with no gap (`more`);
- the newest conversations;
- the threads of those of our recent posts whose number of replies changed, and one more in turn, so
  that an edited reply comes again as the same id with other content.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, cast
from urllib.parse import quote

from tanggap.channels.base import (
    Author,
    Fetched,
    IncomingItem,
    IncomingMedia,
    Rate,
    Reaction,
    Visibility,
)
from tanggap.channels.errors import Rejected, Unavailable
from tanggap.channels.mastodon.answers import rate, read
from tanggap.channels.mastodon.text import plain
from tanggap.core.http import Client

PAGE = 40
PAGES = 5
OWN = 20
THREADS = 8
ROOTS = 10
REACTIONS = ("follow", "reblog", "favourite")
VISIBILITIES = ("public", "unlisted", "private", "direct")


@dataclass
class _Pull:
    """One pull under way."""

    http: Client
    me: str
    now: datetime
    items: dict[str, IncomingItem] = field(default_factory=dict)
    reactions: dict[str, Reaction] = field(default_factory=dict)
    unreadable: list[bytes] = field(default_factory=list)
    roots: dict[str, str] = field(default_factory=dict)
    rate: Rate | None = None
    asked: int = 0

    def read(self, path: str, **params: Any) -> Any:
        answer, found = read(self.http, path, self.now, params)
        self.rate = rate(answer, "reads", self.now) or self.rate
        return found

    def rows(self, path: str, **params: Any) -> list[dict[str, Any]]:
        found = self.read(path, **params)
        if not isinstance(found, list):
            raise Unavailable("unreadable")
        return [row for row in found if isinstance(row, dict)]

    def take(self, status: Any, kind: Literal["mention", "reply", "direct"], root: str) -> None:
        """Keep one post of somebody else. What cannot be read is kept apart, never dropped."""
        if not isinstance(status, dict):
            return
        account = status.get("account")
        if isinstance(account, dict) and str(account.get("id")) == self.me:
            return
        try:
            found = item(status, kind, root)
        except (KeyError, ValueError, TypeError, AttributeError):
            self.unreadable.append(_raw(status))
            return
        known = self.items.get(found.remote_id)
        if known is None or (not known.root and found.root):
            self.items[found.remote_id] = found
        if found.root:
            self.roots[found.remote_id] = found.root


def pull(http: Client, me: str, cursor: str, now: datetime) -> Fetched:
    """One pull from `cursor` ("" at first). Raises NotAuthorised, RateLimited or Unavailable."""
    state = _state(cursor)
    work = _Pull(http, me, now)
    threads, replies, turn, unread = _threads(work, state)
    seen, more = _notifications(work, state["n"])
    _conversations(work)
    _find_roots(work)
    kept = {"n": seen[-PAGE:], "r": {**replies, **threads}, "t": turn}
    return Fetched(
        items=tuple(sorted(work.items.values(), key=lambda it: (it.at, it.remote_id))),
        cursor=json.dumps(kept, separators=(",", ":")),
        more=more or unread,
        reactions=tuple(work.reactions.values()),
        unreadable=tuple(work.unreadable),
        rate=work.rate,
    )


def _state(cursor: str) -> dict[str, Any]:
    """The cursor's parts: n = ids of notifications seen, oldest first; r = replies counted per own
    post; t = whose turn it is. A cursor that cannot be read starts again from nothing."""
    try:
        found = json.loads(cursor) if cursor else {}
    except ValueError:
        found = {}
    found = found if isinstance(found, dict) else {}
    ids, replies, turn = found.get("n"), found.get("r"), found.get("t")
    return {
        "n": [str(one) for one in ids] if isinstance(ids, list) else [],
        "r": replies if isinstance(replies, dict) else {},
        "t": turn if isinstance(turn, int) else 0,
    }


def _notifications(work: _Pull, seen: list[str]) -> tuple[list[str], bool]:
    """Walk the notifications; returns the ids seen, oldest first, and whether more are waiting."""
    if not seen:
        return _backwards(work, set()), False
    known, at, more = set(seen), seen[0], False
    for page in range(PAGES):
        rows = [
            row for row in work.rows("/api/v1/notifications", min_id=at, limit=PAGE) if _id(row)
        ]
        fresh = [row for row in rows if _id(row) not in known]
        if page == 0 and len(seen) > 1 and rows and len(fresh) == len(rows):
            # The overlap is missing: this server starts from the newest, whatever it is asked.
            return seen + _backwards(work, known), False
        for row in rows:
            _notification(work, row)
        seen = seen + [_id(row) for row in reversed(fresh)]
        known.update(_id(row) for row in fresh)
        if not rows or _id(rows[0]) == at:
            break
        at = _id(rows[0])
        more = page == PAGES - 1 and bool(fresh)
    return seen, more


def _backwards(work: _Pull, known: set[str]) -> list[str]:
    """From the newest back to what is known, as far as the pages reach; ids, oldest first."""
    seen: list[str] = []
    before: dict[str, str] = {}
    for _ in range(PAGES):
        rows = [row for row in work.rows("/api/v1/notifications", limit=PAGE, **before) if _id(row)]
        fresh = [row for row in rows if _id(row) not in known]
        for row in fresh:
            _notification(work, row)
        known.update(_id(row) for row in fresh)
        seen = [_id(row) for row in reversed(fresh)] + seen
        if len(fresh) < len(rows) or not rows:
            break
        before = {"max_id": _id(rows[-1])}
    return seen


def _notification(work: _Pull, row: Mapping[str, Any]) -> None:
    kind, status = row.get("type"), row.get("status")
    if kind in REACTIONS:
        at = when(row.get("created_at"))
        if at is not None:
            post = str(status.get("id") or "") if isinstance(status, dict) else ""
            work.reactions[_id(row)] = Reaction(
                _id(row), cast("Literal['follow', 'reblog', 'favourite']", kind), at, post
            )
    elif kind in ("mention", "status", "update", "quote") and isinstance(status, dict):
        work.take(status, _kind(status), "")


def _kind(status: Mapping[str, Any]) -> Literal["mention", "reply", "direct"]:
    if status.get("visibility") == "direct":
        return "direct"
    return "reply" if status.get("in_reply_to_id") else "mention"


def _conversations(work: _Pull) -> None:
    """Private messages. Servers without this list answer 404: their notifications hold them."""
    try:
        rows = work.rows("/api/v1/conversations", limit=PAGE)
    except Rejected:
        return
    except Unavailable as wrong:
        if wrong.status not in (404, 405, 501):
            raise
        return
    for row in rows:
        work.take(row.get("last_status"), "direct", "")


def _threads(
    work: _Pull, state: Mapping[str, Any]
) -> tuple[dict[str, int], dict[str, int], int, bool]:
    """Read the threads whose number of replies changed, and one in turn.

    Returns what was read, what is known of the others, the next turn, and whether some were left.
    """
    own = work.rows(
        f"/api/v1/accounts/{quote(work.me, safe='')}/statuses", limit=OWN, exclude_reblogs="true"
    )
    own = [row for row in own if _id(row)]
    for row in own:
        if not row.get("in_reply_to_id"):
            work.roots[_id(row)] = _id(row)
    counts = {_id(row): _count(row) for row in own}
    known = {one: int(n) for one, n in state["r"].items() if one in counts and type(n) is int}
    changed = [one for one, n in counts.items() if n != known.get(one, 0)]
    turn = state["t"] % len(counts) if counts else 0
    wanted = changed[:THREADS]
    if counts and (other := list(counts)[turn]) not in wanted:
        wanted.append(other)
    for one in wanted:
        _thread(work, one)
    read_now = {one: counts[one] for one in wanted}
    return read_now, known, turn + 1, len(changed) > THREADS


def _thread(work: _Pull, own: str) -> None:
    try:
        context = work.read(f"/api/v1/statuses/{quote(own, safe='')}/context")
    except Rejected:
        return
    if not isinstance(context, dict):
        return
    above = context.get("ancestors")
    first = above[0] if isinstance(above, list) and above else None
    root = _id(first) if isinstance(first, dict) else own
    work.roots[own] = root or own
    for status in context.get("descendants") or ():
        if isinstance(status, dict):
            work.take(status, "direct" if status.get("visibility") == "direct" else "reply", root)


def _find_roots(work: _Pull) -> None:
    """Fill in the first post of each thread where it is not known yet, oldest first; beyond a few
    questions the rest stays unknown until a later pull or the thread itself tells."""
    missing = [one for one in work.items.values() if not one.root]
    for one in sorted(missing, key=lambda it: it.at):
        root = one.remote_id if not one.in_reply_to else work.roots.get(one.in_reply_to, "")
        if not root and work.asked < ROOTS:
            work.asked += 1
            root = _root(work.read, one.remote_id) or one.in_reply_to
        if root:
            work.roots[one.remote_id] = root
            work.items[one.remote_id] = replace(one, root=root)


def _root(ask: Callable[..., Any], status_id: str) -> str:
    try:
        context = ask(f"/api/v1/statuses/{quote(status_id, safe='')}/context")
    except Rejected:
        return ""
    above = context.get("ancestors") if isinstance(context, dict) else None
    return _id(above[0]) if isinstance(above, list) and above and isinstance(above[0], dict) else ""


def item(
    status: Mapping[str, Any], kind: Literal["mention", "reply", "direct"], root: str
) -> IncomingItem:
    """One post as an incoming item, word for word. KeyError or ValueError when it cannot be
    read."""
    account = status["account"]
    at = when(status["created_at"])
    if at is None:
        raise ValueError("created_at")
    visibility = status.get("visibility")
    warning = plain(str(status.get("spoiler_text") or ""))
    words = plain(str(status["content"]))
    return IncomingItem(
        remote_id=str(status["id"]),
        kind=kind,
        author=Author(
            id=str(account["id"]),
            handle=str(account.get("acct") or account["username"]),
            display_name=str(account.get("display_name") or ""),
            url=str(account.get("url") or ""),
            is_bot=bool(account.get("bot")),
        ),
        text=f"{warning}\n\n{words}" if warning else words,
        at=at,
        url=str(status.get("url") or status.get("uri") or ""),
        edited_at=when(status.get("edited_at")),
        # One that we do not know is treated as the most private.
        visibility=cast("Visibility", visibility if visibility in VISIBILITIES else "direct"),
        in_reply_to=str(status.get("in_reply_to_id") or ""),
        root=root,
        language=str(status.get("language") or ""),
        media=tuple(
            IncomingMedia(
                str(medium.get("url") or medium.get("remote_url") or ""),
                str(medium.get("type") or ""),
                str(medium.get("description") or ""),
            )
            for medium in status.get("media_attachments") or ()
        ),
        raw=_raw(status),
    )


def when(text: Any) -> datetime | None:
    """A time of the API in UTC, None where it is not one."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _id(row: Mapping[str, Any]) -> str:
    return str(row.get("id") or "")


def _count(row: Mapping[str, Any]) -> int:
    count = row.get("replies_count")
    return count if type(count) is int else 0


def _raw(status: Mapping[str, Any]) -> bytes:
    return json.dumps(status, ensure_ascii=False, separators=(",", ":")).encode()
