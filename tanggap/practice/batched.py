"""The practice server's lists of notifications and conversations, with few questions to its store.

mastodon_mock answers timelines so by itself; these two lists it makes row by row, with some twenty
questions for each of forty rows, again at every pull: a third of what a played cycle took. What is
answered stays the same. Written for mastodon_mock 0.6.1, the version that pyproject.toml names.
"""

from __future__ import annotations

from typing import Any

from mastodon_mock.db.models import Account, Status, StatusMention
from mastodon_mock.routers import conversations
from mastodon_mock.serializers import accounts, batch, notifications, statuses
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

KEY = "tanggap.batched"
_status = statuses.serialize_status
_account = accounts.serialize_account


def install() -> None:
    """Let both lists, and nothing else, take their counts from one look at the store."""
    # What `serialize_notification` and `serialize_conversation` import whenever they are called.
    setattr(statuses, "serialize_status", _batched_status)  # noqa: B010
    setattr(accounts, "serialize_account", _batched_account)  # noqa: B010
    setattr(conversations, "serialize_status", _batched_status)  # noqa: B010
    setattr(notifications, "serialize_account", _batched_account)  # noqa: B010


def _batched_status(
    session: Session,
    status: Status,
    config: Any,
    viewer: Account | None,
    *,
    ctx: batch.BatchContext | None = None,
    **more: Any,
) -> dict[str, Any]:
    if ctx is None and viewer is not None:
        known, found = _of(session, viewer)
        ctx = found if status.id in known else None
    return _status(session, status, config, viewer, ctx=ctx, **more)


def _batched_account(
    session: Session,
    account: Account,
    config: Any,
    *,
    ctx: batch.BatchContext | None = None,
    **more: Any,
) -> dict[str, Any]:
    if ctx is None and KEY in session.info:
        _known, found = session.info[KEY]
        ctx = found if account.id in found.accounts_loaded else None
    return _account(session, account, config, ctx=ctx, **more)


def _of(session: Session, viewer: Account) -> tuple[set[int], batch.BatchContext]:
    """All that the viewer wrote or is named in: counted once for each request, whose session it is.

    Reposts and quotes are left to the server, which looks at what they repeat one by one.
    """
    if KEY not in session.info:
        named = select(StatusMention.status_id).where(StatusMention.account_id == viewer.id)
        rows = session.scalars(
            select(Status).where(
                or_(Status.account_id == viewer.id, Status.id.in_(named)),
                Status.reblog_of_id.is_(None),
                Status.quoted_status_id.is_(None),
            )
        ).all()
        found = batch.build_status_context(session, list(rows), viewer)
        session.info[KEY] = ({row.id for row in rows}, found)
    return session.info[KEY]  # type: ignore[no-any-return]
