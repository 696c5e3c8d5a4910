"""Which channels there are: a table written by hand, and the entry point group `tanggap.channels`
for packages from outside. Only the doors that the design names import this file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType

from tanggap.channels.base import Channel, Context, Credentials, Limits
from tanggap.channels.bluesky.channel import Bluesky
from tanggap.channels.manual.channel import Manual
from tanggap.channels.mastodon.channel import Mastodon
from tanggap.channels.website.channel import Website
from tanggap.core.http import TIMEOUT, Client

GROUP = "tanggap.channels"
OURS: tuple[type[Channel], ...] = (Mastodon, Bluesky, Website, Manual)


@cache
def channels() -> Mapping[str, type[Channel]]:
    """Every channel by kind. One from outside cannot take the kind of one of ours: ValueError."""
    found = {channel.kind: channel for channel in OURS}
    for point in entry_points(group=GROUP):
        channel: type[Channel] = point.load()
        if channel.kind in found:
            raise ValueError(f"channel kind {channel.kind!r} of {point.value} is already taken")
        found[channel.kind] = channel
    return MappingProxyType(found)


def client(
    kind: str,
    credentials: Mapping[str, str],
    *,
    timeout: float = TIMEOUT,
    until: float | None = None,
) -> Client | None:
    """A way out to the network of an account, None for a channel that uses none."""
    channel = channels()[kind]
    origin = channel.base_url(credentials)
    if not origin:
        return None
    return Client(origin, token=channel.token(credentials), timeout=timeout, until=until)


def open_channel(
    kind: str,
    credentials: Mapping[str, str],
    *,
    now: datetime,
    limits: Limits | None = None,
    account_id: str = "",
    timeout: float = TIMEOUT,
    until: float | None = None,
) -> Channel:
    """A channel for one use. `until` is an instant of `time.monotonic()` after which nothing may be
    under way. KeyError for a kind that nobody knows."""
    return channels()[kind](
        Context(
            credentials=Credentials(credentials),
            now=now,
            http=client(kind, credentials, timeout=timeout, until=until),
            limits=limits,
            account_id=account_id,
        )
    )
