"""How long a text is on an account, by the counter that the account's server uses."""

from __future__ import annotations

from datetime import datetime

from tanggap.accounts import connect
from tanggap.accounts.models import Account
from tanggap.channels.base import Channel, Context, Credentials, Draft


def gauge(account: Account, now: datetime) -> Channel:
    """The account's channel without its secrets and without a network: it can only count."""
    settings = {"preset": account.preset, "server": account.server, "handle": account.handle}
    return connect.kind_of(account)(
        Context(
            credentials=Credentials({name: value for name, value in settings.items() if value}),
            now=now,
            limits=connect.limits(account),
            account_id=account.remote_id,
        )
    )


def count(account: Account, text: str, now: datetime) -> tuple[int, int]:
    """(used, limit) in the units of the account's network."""
    channel = gauge(account, now)
    return channel.count(Draft(text)), channel.limits.max_text
