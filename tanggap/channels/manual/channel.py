"""A channel where a person posts: the caption to copy, the media in the right size, a proof link
after.

Until a network's plug-in is connected, and for the village notice board. It uses no network:
`publish` answers NeedsPerson, `proof` makes it Posted, `receive` takes in what an officer brings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import regex

from tanggap.channels.base import (
    Channel,
    Draft,
    Fetched,
    Identity,
    IncomingItem,
    Limits,
    NeedsPerson,
    Posted,
    Ready,
    Setting,
    Target,
)
from tanggap.channels.counters import COUNTERS, URL
from tanggap.channels.errors import NotAuthorised, Rejected
from tanggap.channels.manual.intake import paste, table
from tanggap.channels.manual.presets import PRESETS, Preset

_HASHTAG = regex.compile(r"(?<![\w&/])#[\w\p{M}]*[\p{L}\p{M}][\w\p{M}]*")
_MENTION = regex.compile(r"(?<![\w@/.])@[\w.]*\w")
# What sharing buttons add: the same post with another of these is the same post.
_TRACKING = ("utm_", "igsh", "igshid", "fbclid", "si", "mibextid", "ref", "_r", "_t", "s", "t")


class Manual(Channel):
    """One account in one place, used by a person."""

    kind = "manual"
    name = "By hand"
    settings = (
        Setting(
            "preset",
            "Network or place",
            "Decides the length, the picture size and whether a proof link is asked for.",
            kind="choice",
            choices=tuple((code, preset.name) for code, preset in PRESETS.items()),
        ),
        Setting("handle", "Account name", "As people see it there.", example="@diskominfo"),
        Setting(
            "url", "Address of the account", "Where people find it.", kind="url", required=False
        ),
    )
    defaults = PRESETS["notice_board"].limits

    @property
    def _code(self) -> str:
        code = self.context.credentials.get("preset", "")
        if code not in PRESETS:
            raise NotAuthorised("no_preset")
        return code

    @property
    def _preset(self) -> Preset:
        return PRESETS[self._code]

    @property
    def limits(self) -> Limits:
        """The agency's own, where it set some; else the preset's."""
        return self.context.limits or self._preset.limits

    def verify(self) -> Identity:
        """Nothing can be asked of a network: the settings as they were typed."""
        given = self.context.credentials
        handle = given.get("handle", "").strip().lstrip("@")
        if not handle:
            raise NotAuthorised("no_handle")
        return Identity(
            account_id=f"{self._code}:{handle.lower()}",
            handle=handle,
            display_name=handle,
            url=given.get("url", ""),
            limits=self._preset.limits,
        )

    def count(self, draft: Draft) -> int:
        """Length of the caption as the network counts it."""
        return COUNTERS[self.limits.counter](draft.text)

    def prepare(self, draft: Draft, saved: Mapping[str, Any] | None = None) -> Ready:
        """Check against the preset. Raises Rejected."""
        limits, preset = self.limits, self._preset
        most = limits.max_text
        if draft.media and preset.caption:
            most = min(most, preset.caption)
        if not draft.text.strip() and not draft.media:
            raise Rejected("empty")
        if self.count(draft) > most:
            raise Rejected("too_long", f"{self.count(draft)} > {most}")
        if limits.media_required and not draft.media:
            raise Rejected("media_required")
        if len(draft.media) > limits.max_media:
            raise Rejected("too_many_media", f"{len(draft.media)} > {limits.max_media}")
        for medium in draft.media:
            if limits.mime_types and medium.mime not in limits.mime_types:
                raise Rejected("media_type", medium.mime)
            size = limits.image_bytes if medium.mime.startswith("image/") else limits.video_bytes
            if size and medium.size > size:
                raise Rejected("media_too_large", f"{medium.size} > {size}")
        for code, allowed, found in (
            ("too_many_links", preset.links, {one[0] for one in URL.finditer(draft.text)}),
            ("too_many_hashtags", preset.hashtags, _HASHTAG.findall(draft.text)),
            ("too_many_mentions", preset.mentions, _MENTION.findall(draft.text)),
        ):
            if allowed and len(found) > allowed:
                raise Rejected(code, f"{len(found)} > {allowed}")
        return Ready(draft)

    def publish(self, ready: Ready, key: str) -> NeedsPerson:
        """What a person needs in order to post it. Publishes nothing."""
        return self._hand_over(ready, None)

    def reply(self, to: Target, ready: Ready, key: str) -> NeedsPerson:
        """As publish, with the address of what is answered."""
        return self._hand_over(ready, to)

    def _hand_over(self, ready: Ready, to: Target | None) -> NeedsPerson:
        preset = self._preset
        return NeedsPerson(
            copy_text=ready.draft.text,
            media=ready.draft.media,
            preset=self._code,
            proof_required=preset.proof_required,
            open_url=(to.url if to else "") or preset.open_url,
        )

    def proof(self, needs: NeedsPerson, url: str) -> Posted:
        """A person posted it, and shows where. Raises Rejected when the link cannot be the
        proof."""
        url, now = url.strip(), self.context.now
        if not url:
            if needs.proof_required:
                raise Rejected("proof_missing")
            words = f"{needs.copy_text}\0{now.isoformat()}".encode()
            return Posted(f"seen:{hashlib.sha256(words).hexdigest()[:32]}", "", now)
        return Posted(_identity(url, PRESETS[needs.preset].hosts), url, now)

    def receive(self, headers: Mapping[str, str], body: bytes) -> Fetched:
        """What an officer brings in. `content-type` text/csv takes a file (see intake.py), and
        application/json one pasted text: {"text", "at", "name", "handle", "url", "source"}.
        `x-zone` names the zone of times without an offset. Raises Rejected."""
        given = {name.lower(): value for name, value in headers.items()}
        kind = given.get("content-type", "").partition(";")[0].strip().lower()
        try:
            zone = ZoneInfo(given.get("x-zone", "Asia/Jakarta"))
        except (ZoneInfoNotFoundError, ValueError):
            raise Rejected("bad_zone") from None
        if kind == "text/csv":
            items, bad = table(body, place=self._code, now=self.context.now, zone=zone)
            return Fetched(items, "", bad_rows=bad)
        if kind == "application/json":
            return Fetched((self._pasted(body),), "")
        raise Rejected("bad_type", kind)

    def _pasted(self, body: bytes) -> IncomingItem:
        try:
            found = json.loads(body)
            text, at = str(found["text"]), found.get("at")
            moment = datetime.fromisoformat(at).astimezone(UTC) if at else self.context.now
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Rejected("unreadable") from None
        if not text.strip():
            raise Rejected("empty")
        return paste(
            text,
            place=self._code,
            at=moment,
            dated=bool(at),
            source=str(found.get("source") or "paste"),
            **{name: str(found.get(name) or "") for name in ("name", "handle", "url")},
        )


def _identity(url: str, hosts: tuple[str, ...]) -> str:
    """A link as an identity: host and path, without what sharing adds. Raises Rejected."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        raise Rejected("proof_not_a_link") from None
    if parts.scheme not in ("https", "http") or not host:
        raise Rejected("proof_not_a_link")
    if hosts and not any(host == one or host.endswith(f".{one}") for one in hosts):
        raise Rejected("proof_other_place", host)
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query)
        if not name.startswith("utm_") and name not in _TRACKING
    ]
    path = parts.path.rstrip("/")
    if hosts and not path and not query:
        raise Rejected("proof_not_a_post")
    short = host.removeprefix("www.").removeprefix("m.")
    return f"{short}{path}" + (f"?{urlencode(query)}" if query else "")
