"""What stands in a feed: RSS, Atom (by feedparser) or JSON Feed, as incoming items, word for word.

Feeds in the wild are written by many hands: an entry that cannot be read is kept apart and stops
no other. Nothing here opens an address or a file; what is read is the bytes alone, up to `MOST`.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from calendar import timegm
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import feedparser
from bs4 import BeautifulSoup

from tanggap.channels.base import Author, Hub, IncomingItem, IncomingMedia
from tanggap.channels.errors import Rejected

MOST = 1024 * 1024
"""Bytes of one feed: a hostile one of this size costs some seconds of one thread, and no more."""
ENTRIES = 500
TEXT = 20_000
"""Letters of one entry that are shown; the body is kept whole."""
ID = 300
"""Letters of an id that a row can hold; a longer one is known by its hash."""
_TAG = re.compile(r"<[^<>]*>")
_MARKUP = re.compile(r"<[a-zA-Z/!]|&[a-zA-Z#]")


@dataclass(frozen=True)
class Feed:
    """A feed's title, its hub where it names one, its entries, and those that cannot be read."""

    title: str
    hub: Hub | None
    items: tuple[IncomingItem, ...]
    unreadable: tuple[bytes, ...]


def parse(body: bytes, *, kind: str, base: str, now: datetime) -> Feed:
    """A whole feed. `kind` is its content type, `base` the address that it came from. Raises
    Rejected when it is none."""
    if len(body) > MOST:
        raise Rejected("too_large", f"{len(body)} > {MOST}")
    try:
        if body.lstrip()[:1] == b"{":
            return _json(body, base, now)
        return _xml(body, kind, base, now)
    except Rejected:
        raise
    except Exception as error:
        # A lenient parser of foreign bytes fails in ways of its own; none of them is ours.
        raise Rejected("unreadable", type(error).__name__) from None


# --- JSON Feed -----------------------------------------------------------------------------------


def _json(body: bytes, base: str, now: datetime) -> Feed:
    found = json.loads(body)
    rows = found.get("items")
    if not str(found.get("version", "")).startswith("https://jsonfeed.org/") or not isinstance(
        rows, list
    ):
        raise Rejected("no_feed")
    hubs = [one for one in _objects(found.get("hubs")) if one.get("type") == "WebSub"]
    topic = _text(found, "feed_url") or base
    hub = Hub(urljoin(base, _text(hubs[0], "url")), urljoin(base, topic)) if hubs else None
    by = _objects(found.get("authors")) or _objects([found.get("author")])
    items, bad = [], []
    for row in rows[:ENTRIES]:
        try:
            items.append(_json_item(row, by, base, now))
        except (ValueError, TypeError, AttributeError, KeyError):
            bad.append(_raw(row))
    return Feed(_text(found, "title"), hub, tuple(items), tuple(bad))


def _json_item(
    row: dict[str, Any], by: list[dict[str, Any]], base: str, now: datetime
) -> IncomingItem:
    authors = _objects(row.get("authors")) or _objects([row.get("author")]) or by
    words = _text(row, "content_text") or plain(_text(row, "content_html"))
    files = [
        IncomingMedia(urljoin(base, _text(one, "url")), _text(one, "mime_type"), "")
        for one in _objects(row.get("attachments"))
    ]
    if _text(row, "image"):
        files.insert(0, IncomingMedia(urljoin(base, _text(row, "image")), "image"))
    given = row["id"]
    if not isinstance(given, (str, int)) or isinstance(given, bool):
        raise ValueError("id")
    return _item(
        given=str(given),
        link=urljoin(base, _text(row, "url")) if _text(row, "url") else "",
        title=_text(row, "title"),
        words=words or _text(row, "summary"),
        who=_text(authors[0], "name") if authors else "",
        home=_text(authors[0], "url") if authors else "",
        at=_instant(row.get("date_published")) or _instant(row.get("date_modified")),
        above="",
        language=_text(row, "language"),
        media=tuple(files),
        raw=_raw(row),
        base=base,
        now=now,
    )


# --- RSS and Atom --------------------------------------------------------------------------------


def _xml(body: bytes, kind: str, base: str, now: datetime) -> Feed:
    headers = {"content-location": base, **({"content-type": kind} if kind else {})}
    found = feedparser.parse(io.BytesIO(body), response_headers=headers)
    if not found.get("version"):
        raise Rejected("no_feed")
    links = {one.get("rel"): one.get("href", "") for one in found.feed.get("links", ())}
    hub = Hub(links["hub"], links.get("self") or base) if links.get("hub") else None
    items, bad = [], []
    for entry in found.entries[:ENTRIES]:
        try:
            items.append(_xml_item(entry, base, now))
        except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError):
            bad.append(_raw(dict(entry)))
    return Feed(str(found.feed.get("title", "")), hub, tuple(items), tuple(bad))


def _xml_item(entry: Any, base: str, now: datetime) -> IncomingItem:
    content = entry.get("content") or ()
    html = (content[0].get("value") if content else "") or entry.get("summary", "")
    moment = entry.get("published_parsed") or entry.get("updated_parsed")
    above = entry.get("thr_in-reply-to") or {}
    detail = entry.get("author_detail") or {}
    return _item(
        given=entry.get("id") or entry.get("link", ""),
        link=entry.get("link", ""),
        title=plain(entry.get("title", "")),
        words=plain(html),
        who=entry.get("author") or detail.get("name", ""),
        home=detail.get("href", ""),
        at=datetime.fromtimestamp(timegm(moment), UTC) if moment else None,
        above=str(above.get("ref", "")) if isinstance(above, dict) else "",
        language=str(content[0].get("language") or "") if content else "",
        media=tuple(
            IncomingMedia(str(one.get("href", "")), str(one.get("type", "")))
            for one in entry.get("enclosures", ())
        ),
        raw=_raw({name: entry[name] for name in entry if not name.endswith("_parsed")}),
        base=base,
        now=now,
    )


# --- one entry -----------------------------------------------------------------------------------


def _item(
    *,
    given: str,
    link: str,
    title: str,
    words: str,
    who: str,
    home: str,
    at: datetime | None,
    above: str,
    language: str,
    media: tuple[IncomingMedia, ...],
    raw: bytes,
    base: str,
    now: datetime,
) -> IncomingItem:
    if not given:
        raise ValueError("id")
    host = urlsplit(base).hostname or ""
    text = "\n\n".join(part for part in (title.strip(), words.strip()) if part)[:TEXT]
    if not text:
        raise ValueError("text")
    page, mark = urldefrag(link)
    root = above or (page if mark else "")
    name = who.strip()
    return IncomingItem(
        remote_id=short(given),
        kind="comment" if root else "mention",
        author=Author(
            # One name on one site is one voice: feeds know no more of their writers.
            id=short(f"{host}/{name.lower()}") if name else "",
            handle=name or host,
            display_name=name,
            url=home if home.startswith(("https://", "http://")) else "",
        ),
        text=text,
        at=min(at, now) if at else now,
        url=link,
        # The page that is commented on is the thread's beginning, of which we may have no words.
        in_reply_to="",
        root=short(root) if root else "",
        language=language,
        media=media[:20],
        raw=raw,
    )


def short(given: str) -> str:
    """An id as it is, or its hash where a row could not hold it."""
    if len(given) <= ID and "\0" not in given:
        return given
    return "urn:sha256:" + hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()


def plain(html: str) -> str:
    """The words of an entry, from its HTML; what has no markup stays as it is."""
    html = html[: TEXT * 5]
    if not _MARKUP.search(html):
        return html.strip()
    try:
        soup = BeautifulSoup(html, "html.parser")
        for tag in soup.find_all(["script", "style"]):
            tag.decompose()
        for tag in soup.find_all(["br", "li", "tr", "div"]):
            tag.append("\n")
        for tag in soup.find_all(["p", "h1", "h2", "h3", "h4", "blockquote"]):
            tag.append("\n\n")
        found = soup.get_text()
    except RecursionError:
        found = _TAG.sub("", html)
    lines = [re.sub(r"[ \t\r\f\v]+", " ", line).strip() for line in found.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _instant(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _objects(found: Any) -> list[dict[str, Any]]:
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _text(row: Any, name: str) -> str:
    found = row.get(name) if isinstance(row, dict) else None
    return found if isinstance(found, str) else ""


def _raw(row: Any) -> bytes:
    return json.dumps(row, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
