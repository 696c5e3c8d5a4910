"""A website as a voice: its feed of comments or news is heard, by pulling and by WebSub.

What the agency publishes goes the other way without a channel: as public feeds of this
installation (public/feeds.py), which a website or a hub reads. `publish` is absent for that reason.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from tanggap.channels.base import (
    Channel,
    Draft,
    Fetched,
    Hub,
    Identity,
    Limits,
    Setting,
    Welcome,
)
from tanggap.channels.errors import NotAuthorised, RateLimited, Rejected, Unavailable
from tanggap.channels.website.feeds import MOST, Feed, parse
from tanggap.core.http import Answer, Client, HttpError

ACCEPT = "application/feed+json, application/atom+xml, application/rss+xml, application/xml;q=0.9"
SIGNATURES = ("sha1", "sha256", "sha384", "sha512")
"""What WebSub names for X-Hub-Signature (w3.org/TR/websub, section 7)."""
LEASE_S = 10 * 86400
"""How long we ask a hub to send: WebSub's own example."""
SECRET = 200
"""WebSub: a secret is shorter than 200 bytes."""
WAIT = timedelta(minutes=30)
"""How long to wait after a 429 that does not say."""


class Website(Channel):
    """One feed of one site."""

    kind = "website"
    name = "Website"
    settings = (
        Setting(
            "server",
            "Address of the site",
            "Where people find it.",
            kind="url",
            example="https://lumbung.go.id",
        ),
        Setting(
            "feed",
            "Address of its feed",
            "RSS, Atom or JSON Feed: of the comments that people write there, or of news about "
            "your office.",
            kind="url",
            example="https://lumbung.go.id/comments/feed/",
        ),
        Setting("handle", "Account name", "As people see it there.", required=False),
    )
    defaults = Limits(max_text=0, source="nothing is sent there")
    pause_s = 900

    @classmethod
    def base_url(cls, credentials: Mapping[str, str]) -> str:
        address = _address(credentials)
        return f"{address.scheme}://{address.netloc}" if address.netloc else ""

    @classmethod
    def token(cls, credentials: Mapping[str, str]) -> str:
        return ""

    @property
    def _http(self) -> Client:
        if self.context.http is None:
            raise NotAuthorised("no_server")
        return self.context.http

    @property
    def _feed(self) -> str:
        return str(_address(self.context.credentials).geturl())

    def count(self, draft: Draft) -> int:
        """Nothing is sent to a website."""
        return len(draft.text)

    # --- connect ---------------------------------------------------------------------------------

    def verify(self) -> Identity:
        """Whether a feed answers there. A website has no accounts: its name is the registry's."""
        _answer, feed = self._read({})
        given = self.context.credentials
        name = given.get("handle") or urlsplit(self._feed).hostname or ""
        assert feed is not None
        return Identity(
            account_id=hashlib.sha256(self._feed.encode()).hexdigest(),
            handle=name,
            display_name=feed.title or name,
            url=given.get("server", ""),
            limits=self.defaults,
        )

    # --- listen ----------------------------------------------------------------------------------

    def fetch(self, cursor: str) -> Fetched:
        """The feed as it is now, unless it says that it has not changed since the cursor."""
        state = _state(cursor)
        asked = {"If-None-Match": state.get("e", ""), "If-Modified-Since": state.get("m", "")}
        answer, feed = self._read({name: value for name, value in asked.items() if value})
        if feed is None:
            return Fetched((), cursor)
        kept = {"e": answer.headers.get("etag", ""), "m": answer.headers.get("last-modified", "")}
        return Fetched(
            items=feed.items,
            cursor=json.dumps(kept, separators=(",", ":")),
            unreadable=feed.unreadable,
        )

    def receive(self, headers: Mapping[str, str], body: bytes) -> Fetched:
        """What a hub sent, which the door has found genuine. Raises Rejected."""
        given = {name.lower(): value for name, value in headers.items()}
        feed = parse(
            body, kind=given.get("content-type", ""), base=self._feed, now=self.context.now
        )
        return Fetched(items=feed.items, cursor="", unreadable=feed.unreadable)

    # --- WebSub ----------------------------------------------------------------------------------

    def discover(self) -> Hub | None:
        """The hub that the feed names, in its headers or in itself; None where it names none."""
        answer, feed = self._read({})
        links = _links(answer.headers.get("link", ""))
        if links.get("hub"):
            return Hub(links["hub"], links.get("self") or self._feed)
        return feed.hub if feed is not None else None

    def subscribe(self, hub: Hub, callback: str, secret: str) -> None:
        """Ask the hub to send to `callback`; it will ask there first. May be repeated. Raises
        Rejected or Unavailable."""
        form = {
            "hub.mode": "subscribe",
            "hub.topic": hub.topic,
            "hub.callback": callback,
            "hub.secret": secret[:SECRET],
            "hub.lease_seconds": str(LEASE_S),
        }
        said = hub_asked(hub.url, form, until=self._http.until)
        if not said.ok:
            raise Rejected("hub_refused", said.text()[:300], status=said.status)

    @classmethod
    def genuine(cls, headers: Mapping[str, str], body: bytes, kept: Mapping[str, str]) -> bool:
        """X-Hub-Signature over the raw bytes, with the secret that we gave the hub."""
        method, _sign, given = headers.get("x-hub-signature", "").partition("=")
        secret = kept.get("secret", "")
        if method not in SIGNATURES or not secret:
            return False
        wanted = hmac.new(secret.encode(), body, method).hexdigest()
        return hmac.compare_digest(wanted.encode(), given.strip().lower().encode())

    @classmethod
    def welcome(cls, query: Mapping[str, str], kept: Mapping[str, str]) -> Welcome | None:
        """The hub asks whether we subscribed: yes, to exactly the topic that we asked for."""
        challenge, lease = query.get("hub.challenge", ""), query.get("hub.lease_seconds", "")
        ours = query.get("hub.mode") == "subscribe" and query.get("hub.topic") == kept.get("topic")
        if not ours or not kept.get("topic") or not challenge:
            return None
        seconds = int(lease) if lease.isascii() and lease.isdigit() and len(lease) < 10 else 0
        return Welcome(challenge, seconds or LEASE_S)

    # --- inside ----------------------------------------------------------------------------------

    def _read(self, headers: Mapping[str, str]) -> tuple[Answer, Feed | None]:
        """The feed, None where it has not changed. Raises Rejected, RateLimited or Unavailable."""
        try:
            address = _address(self.context.credentials)
            path = (address.path or "/") + (f"?{address.query}" if address.query else "")
            answer = self._http.get(path, headers={"Accept": ACCEPT, **headers})
        except HttpError as wrong:
            raise Unavailable(wrong.reason) from None
        if answer.status == 304 and headers:
            return answer, None
        if answer.status == 429:
            raise RateLimited(
                "rate_limited",
                retry_at=_after(answer.headers.get("retry-after", ""), self.context.now),
                scope="reads",
                status=429,
            )
        if answer.status in (404, 410):
            raise Rejected("feed_gone", status=answer.status)
        if not answer.ok:
            raise Unavailable(f"http_{answer.status}", status=answer.status)
        if len(answer.body) > MOST:
            raise Rejected("too_large", f"{len(answer.body)} > {MOST}")
        return answer, parse(
            answer.body,
            kind=answer.headers.get("content-type", ""),
            base=self._feed,
            now=self.context.now,
        )


def hub_asked(url: str, form: Mapping[str, str], *, until: float | None = None) -> Answer:
    """One form to a hub, which is another host than the feed's. Raises Rejected or Unavailable."""
    parts = urlsplit(url)
    try:
        http = Client(f"{parts.scheme}://{parts.netloc}", until=until, max_bytes=65_536)
        return http.send("POST", url, data=form)
    except HttpError as wrong:
        if wrong.reason == "blocked":
            raise Rejected("hub_blocked") from None
        raise Unavailable(wrong.reason) from None


def _address(credentials: Mapping[str, str]) -> Any:
    """The feed's address, else the site's."""
    given = (credentials.get("feed") or credentials.get("server") or "").strip()
    try:
        return urlsplit(given if "://" in given or not given else f"https://{given}")
    except ValueError:
        return urlsplit("")


def _state(cursor: str) -> dict[str, str]:
    try:
        found = json.loads(cursor) if cursor else {}
    except (ValueError, RecursionError):
        found = {}
    if not isinstance(found, dict):
        return {}
    return {name: one for name, one in found.items() if isinstance(one, str)}


def _links(header: str) -> dict[str, str]:
    """Addresses of a Link header by their relation."""
    found: dict[str, str] = {}
    for part in header[:4000].split(","):
        address, _sign, rest = part.strip().partition(">")
        for one in rest.split(";"):
            name, _sign, value = one.strip().partition("=")
            if name.lower() == "rel" and address.startswith("<"):
                for rel in value.strip('"').split():
                    found.setdefault(rel.lower(), address[1:])
    return found


def _after(text: str, now: datetime) -> datetime:
    if text.strip().isascii() and text.strip().isdigit():
        return now + timedelta(seconds=max(1, min(int(text.strip()), 7 * 86400)))
    try:
        return max(parsedate_to_datetime(text).astimezone(UTC), now + timedelta(seconds=1))
    except (ValueError, TypeError, OverflowError):
        return now + WAIT
