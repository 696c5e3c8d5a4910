"""A channel's error by its name in Attempts, and a name for what a channel did not name."""

from __future__ import annotations

import logging

from tanggap.channels.errors import (
    ChannelError,
    NotAuthorised,
    RateLimited,
    Rejected,
    Unavailable,
)

log = logging.getLogger(__name__)

OUTCOMES: dict[type[ChannelError], str] = {
    Rejected: "rejected",
    NotAuthorised: "not_authorised",
    RateLimited: "rate_limited",
    Unavailable: "unavailable",
}


def named(error: Exception, unnamed: type[ChannelError]) -> ChannelError:
    """A ChannelError as it is; anything that a channel did not name as the careful one."""
    if isinstance(error, ChannelError):
        return error
    log.error("A channel raised %s", type(error).__name__, exc_info=error)
    return unnamed(type(error).__name__.lower())


def outcome_of(error: ChannelError) -> str:
    """A word of Attempt.outcome."""
    return OUTCOMES.get(type(error), "unknown")
