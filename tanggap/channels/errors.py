"""Errors of channels, named after what to do next.

::

    ChannelError
    ├── Rejected         the network refused this content: tell the writer; nothing was published
    ├── NotAuthorised    the network spoke about the credentials: pause the account, hold its queue,
    │                    ask to reconnect; nothing was published
    ├── RateLimited      wait until `retry_at` (UTC); `scope` names the bucket; nothing published
    ├── Unavailable      surely not acted on, or only read: back off and try again
    └── OutcomeUnknown   the network may have acted: never repeat, look it up with `confirm`

While sending, only a failure before the first byte and the answers that a channel lists in its
table mean that nothing happened. Everything else is OutcomeUnknown (design, section 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tanggap.channels.base import Rate


class ChannelError(Exception):
    """Base. `code` is ours and stable, `said` the network's own words (at most 300 characters,
    never a credential), `status` its HTTP status or 0, `rate` what its headers said of the bucket,
    `saved` the progress of `prepare` that the caller keeps for the next try (None: keep the
    old)."""

    def __init__(
        self,
        code: str,
        said: str = "",
        *,
        status: int = 0,
        rate: Rate | None = None,
        saved: Mapping[str, Any] | None = None,
    ) -> None:
        self.code, self.said, self.status = code, said[:300], status
        self.rate, self.saved = rate, saved
        super().__init__(code + (f": {self.said}" if self.said else ""))


class Rejected(ChannelError):
    """The content was refused. Tell the writer."""


class NotAuthorised(ChannelError):
    """The network refused the credentials in so many words. Pause the account."""


class RateLimited(ChannelError):
    """Too many requests. `retry_at` is an instant in UTC, `scope` names the bucket
    ("posts", "media", "reads")."""

    def __init__(self, code: str, said: str = "", *, retry_at: datetime, scope: str, **more: Any):
        self.retry_at, self.scope = retry_at, scope
        super().__init__(code, said, **more)


class Unavailable(ChannelError):
    """Surely not acted on. Back off and try again."""


class OutcomeUnknown(ChannelError):
    """The network may have acted. Look it up; never send it again by itself."""
