"""What a channel is: the shapes that go in and come out, and the verbs that it may define.

A channel is a class with data (`kind`, `settings`, `defaults`) and at most the verbs in `VERBS`;
what it can do is which of them it defines (`verbs(cls)`). It is made anew for every use from a
`Context` and holds no state: the caller owns time, storage, retries and queues. All shapes are
frozen. Times are aware and in UTC. Names that a network does not give are absent, never zero.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, BinaryIO, ClassVar, Literal

from tanggap.core.http import Client

Visibility = Literal["public", "unlisted", "private", "direct"]
Counter = Callable[[str], int]

VERBS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "renew": (),
        "verify": (),
        "prepare": ("draft", "saved"),
        "publish": ("ready", "key"),
        "reply": ("to", "ready", "key"),
        "send_private": ("to", "ready", "key"),
        "confirm": ("sent",),
        "fetch": ("cursor",),
        "receive": ("headers", "body"),
        "discover": (),
        "subscribe": ("hub", "callback", "secret"),
        "metrics": ("posted",),
        "remove": ("posted",),
        "hide": ("item",),
        "proof": ("needs", "url"),
    }
)
"""Every verb and the names of its arguments. `proof` belongs to channels where a person posts."""


class Credentials(Mapping[str, str]):
    """Names and secrets of one account. Shows names only, in any repr, log or traceback."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Credentials {', '.join(sorted(self._values))}>"

    __str__ = __repr__


@dataclass(frozen=True)
class Setting:
    """One field of the form that connects an account. `label` and `help` are English msgids.
    `default` stands where nothing was typed."""

    name: str
    label: str
    help: str = ""
    kind: Literal["text", "secret", "url", "choice"] = "text"
    required: bool = True
    example: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    default: str = ""


@dataclass(frozen=True)
class Limits:
    """What an account may send. Data, read from the network where it tells, kept by the caller.

    `counter` names a function of counters.py (or the channel's own `count`); `max_text` is in its
    units; `url_length` is what one URL counts (0: as long as it is); sizes are in bytes.
    `source` says where the numbers come from.
    """

    max_text: int
    counter: str = "graphemes"
    url_length: int = 0
    max_bytes: int = 0
    max_media: int = 0
    mime_types: tuple[str, ...] = ()
    image_bytes: int = 0
    video_bytes: int = 0
    max_alt: int = 0
    media_required: bool = False
    source: str = "default"


@dataclass(frozen=True)
class Media:
    """One picture, film or sound to be sent. `open` gives its bytes; `alt` describes it in
    words."""

    sha256: str
    filename: str
    mime: str
    size: int
    alt: str
    open: Callable[[], BinaryIO] = field(repr=False, compare=False)

    @property
    def key(self) -> str:
        """What an upload is remembered by: the bytes and the words that go with them."""
        return hashlib.sha256(f"{self.sha256}\n{self.alt}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Target:
    """What is answered: a remote id, and the handle of whoever wrote it (without the first @)."""

    remote_id: str
    handle: str = ""
    url: str = ""


@dataclass(frozen=True)
class Draft:
    """What was approved and is to be sent, whole."""

    text: str
    visibility: Visibility = "public"
    language: str = "id"
    media: tuple[Media, ...] = ()
    reply_to: Target | None = None
    sensitive: bool = False


@dataclass(frozen=True)
class Rate:
    """What the network said about a bucket: `remaining` of `limit` until `reset_at`."""

    scope: str
    remaining: int | None = None
    limit: int | None = None
    reset_at: datetime | None = None


@dataclass(frozen=True)
class Ready:
    """Prepared: media are there under `handles`, in the draft's order."""

    draft: Draft
    handles: tuple[str, ...] = ()
    rate: Rate | None = None


@dataclass(frozen=True)
class Later:
    """Not yet: keep `saved` (JSON) and call prepare again at `retry_at`."""

    saved: Mapping[str, Any]
    retry_at: datetime
    rate: Rate | None = None


@dataclass(frozen=True)
class Posted:
    """It is there. `raw` is the network's answer, byte for byte (empty where a person gave
    proof)."""

    remote_id: str
    url: str
    at: datetime | None = None
    raw: bytes = field(default=b"", repr=False)
    rate: Rate | None = None


@dataclass(frozen=True)
class NeedsPerson:
    """A person posts it: `copy_text` to paste, `media` in order, `preset` with the network's facts.

    Nothing is published until a person comes back; `proof(needs, url)` then makes it Posted.
    """

    copy_text: str
    media: tuple[Media, ...]
    preset: str
    proof_required: bool
    open_url: str = ""


@dataclass(frozen=True)
class Sent:
    """What is looked up by `confirm`: the draft, who sent it, when it was claimed, under which key,
    and the remote ids already bound to other deliveries (they never match)."""

    draft: Draft
    claimed_at: datetime
    key: str = ""
    taken: frozenset[str] = frozenset()


@dataclass(frozen=True)
class NotFound:
    """Not among our own posts, read back to `seen_until`. `complete` says whether that reaches past
    the claim time: only then does it count as a look that found nothing."""

    seen_until: datetime | None
    complete: bool
    rate: Rate | None = None


@dataclass(frozen=True)
class Identity:
    """Who the credentials belong to, with the limits in force there now."""

    account_id: str
    handle: str
    display_name: str
    url: str
    limits: Limits
    server: str = ""
    rate: Rate | None = None


@dataclass(frozen=True)
class Author:
    """Who wrote an incoming thing. `id` is the network's, `handle` as people write it without @."""

    id: str
    handle: str
    display_name: str = ""
    url: str = ""
    is_bot: bool = False


@dataclass(frozen=True)
class IncomingMedia:
    """A picture or film that came with it."""

    url: str
    mime: str = ""
    alt: str = ""


@dataclass(frozen=True)
class IncomingItem:
    """One thing that a citizen wrote, word for word. `root` is the id of the thread's first post
    ("" where unknown), `raw` what the network gave for it, `source` how it came to us."""

    remote_id: str
    kind: Literal["mention", "reply", "direct", "comment", "message", "visit"]
    author: Author
    text: str
    at: datetime
    url: str = ""
    edited_at: datetime | None = None
    visibility: Visibility = "public"
    in_reply_to: str = ""
    root: str = ""
    language: str = ""
    media: tuple[IncomingMedia, ...] = ()
    source: str = "network"
    raw: bytes = field(default=b"", repr=False)

    @property
    def fingerprint(self) -> str:
        """Hash of what a person can read: another one under the same id is a revision."""
        parts = [self.text, self.visibility, *(f"{m.url}\n{m.alt}" for m in self.media)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Reaction:
    """A follow, a repost, a favourite: counted, its author not kept."""

    remote_id: str
    kind: Literal["follow", "reblog", "favourite"]
    at: datetime
    post_id: str = ""


@dataclass(frozen=True)
class BadRow:
    """A line of a file that could not be read: its number from 1, its words, and why."""

    number: int
    text: str
    why: str


@dataclass(frozen=True)
class Fetched:
    """One pull. Overlaps the one before, so the caller keeps `remote_id` unique. `cursor` is opaque
    and is stored in the same transaction; `more` says that another pull is worth making now."""

    items: tuple[IncomingItem, ...]
    cursor: str
    more: bool = False
    reactions: tuple[Reaction, ...] = ()
    unreadable: tuple[bytes, ...] = ()
    bad_rows: tuple[BadRow, ...] = ()
    rate: Rate | None = None


@dataclass(frozen=True)
class Hub:
    """Where a network says that we may subscribe: the hub's address, and the name of what it
    sends."""

    url: str
    topic: str


@dataclass(frozen=True)
class Welcome:
    """What is answered to a network that asks whether a subscription is ours: `text`, as it wants
    it; it promises to send for `lease_s` seconds (0: it does not say)."""

    text: str
    lease_s: int = 0


@dataclass(frozen=True)
class Metrics:
    """Numbers of one post by name ("replies", "reblogs", "favourites", ...)."""

    values: Mapping[str, int]
    rate: Rate | None = None


@dataclass(frozen=True)
class Removed:
    """It is gone. `already` says that it was gone before."""

    already: bool = False
    rate: Rate | None = None


@dataclass(frozen=True)
class Context:
    """What a channel gets for one use. `account_id` is the remote id that `verify` gave (""
    before)."""

    credentials: Credentials
    now: datetime
    http: Client | None = None
    limits: Limits | None = None
    account_id: str = ""


class Channel:
    """Base of channel classes. Subclasses define verbs; nothing here does."""

    kind: ClassVar[str]
    name: ClassVar[str]
    settings: ClassVar[tuple[Setting, ...]] = ()
    defaults: ClassVar[Limits]
    oauth: ClassVar[Any] = None
    """How an officer authorises in the browser (`oauth.CodeFlow`), or None."""
    pause_s: ClassVar[int] = 0
    """Seconds that this network wants between two pulls at the least."""

    def __init__(self, context: Context) -> None:
        self.context = context

    @property
    def limits(self) -> Limits:
        return self.context.limits or self.defaults

    @classmethod
    def base_url(cls, credentials: Mapping[str, str]) -> str:
        """Origin of the network for these credentials, "" where a channel uses no network."""
        return ""

    @classmethod
    def token(cls, credentials: Mapping[str, str]) -> str:
        """The bearer token among these credentials, "" where there is none."""
        return credentials.get("access_token", "")

    @classmethod
    def genuine(cls, headers: Mapping[str, str], body: bytes, kept: Mapping[str, str]) -> bool:
        """Whether a body that came to an account's door is its network's: by its signature over the
        raw bytes and what is `kept` for that door. Header names are in small letters. Reads nothing
        of the body. A channel without a door takes nothing."""
        return False

    @classmethod
    def welcome(cls, query: Mapping[str, str], kept: Mapping[str, str]) -> Welcome | None:
        """The answer to a network that asks at the door whether this subscription is ours; None
        where it is not."""
        return None

    def count(self, draft: Draft) -> int:
        """Length of the draft's text as the network counts it."""
        raise NotImplementedError


def verbs(channel: type[Channel]) -> frozenset[str]:
    """What a channel can do: the verbs that its class defines."""
    return frozenset(verb for verb in VERBS if callable(getattr(channel, verb, None)))
