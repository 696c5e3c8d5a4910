"""What this protocol's answers mean, as one table, and its rate-limit headers.

Sources: atproto.com/specs/xrpc (errors are JSON with `error`, a name, and `message`), the lexicons
of com.atproto.repo and com.atproto.server, and the server's own code (npm @atproto/pds 0.5.35). An
answer in another shape, such as a page of a proxy, says nothing about what the network did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tanggap.channels.base import Rate
from tanggap.channels.errors import (
    ChannelError,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from tanggap.core.http import Answer, Client, HttpError, NothingSent, Unreadable

WAIT = timedelta(minutes=5)
"""How long to wait after a 429 that does not say (the network's shortest window)."""
WRITE_POINTS = 2
"""Points of the hour's 5,000 that one putRecord costs (docs.bsky.app, rate limits)."""


@dataclass(frozen=True)
class Meaning:
    """One row: the error's name ("" for any of this status), our error, and our code for it."""

    status: int
    name: str
    error: type[ChannelError]
    code: str


ANSWERS: tuple[Meaning, ...] = (
    # Our name is taken: this very delivery may be there already, which `confirm` sees.
    Meaning(400, "InvalidSwap", OutcomeUnknown, "already_there"),
    # A session ends by itself; the caller renews it and tries again.
    Meaning(400, "ExpiredToken", Unavailable, "session_ended"),
    Meaning(400, "InvalidToken", Unavailable, "session_ended"),
    Meaning(401, "ExpiredToken", Unavailable, "session_ended"),
    Meaning(401, "InvalidToken", Unavailable, "session_ended"),
    # An upload that waited too long was thrown away: it is made again.
    Meaning(400, "BlobNotFound", Unavailable, "upload_gone"),
    Meaning(400, "RecordNotFound", Rejected, "target_gone"),
    Meaning(400, "NotFound", Rejected, "target_gone"),
    Meaning(400, "AccountTakedown", NotAuthorised, "account_closed"),
    Meaning(400, "AccountDeactivated", NotAuthorised, "account_closed"),
    Meaning(400, "AccountSuspended", NotAuthorised, "account_closed"),
    Meaning(401, "", NotAuthorised, "credentials_refused"),
    Meaning(403, "", NotAuthorised, "not_allowed"),
    Meaning(400, "", Rejected, "refused"),
    Meaning(404, "", Rejected, "target_gone"),
    Meaning(413, "", Rejected, "media_too_large"),
)
"""Answers after which surely nothing was published, `InvalidSwap` apart. First match counts."""


def rate(answer: Answer, scope: str, points: int = 1) -> Rate | None:
    """The bucket as the headers tell it, in requests of `points` each; None where they do not."""
    headers = answer.headers
    limit, remaining, reset = (
        _number(headers.get(f"ratelimit-{name}")) for name in ("limit", "remaining", "reset")
    )
    if limit is None and remaining is None and reset is None:
        return None
    return Rate(
        scope,
        remaining // points if remaining is not None else None,
        max(1, limit // points) if limit is not None else None,
        _instant(reset),
    )


def retry_at(answer: Answer, now: datetime) -> datetime:
    """When to try again after a 429: the reset, else Retry-After, else five minutes; never past."""
    after = _number(answer.headers.get("retry-after"))
    found = _instant(_number(answer.headers.get("ratelimit-reset")))
    if found is None and after is not None:
        found = now + timedelta(seconds=min(after, 7 * 86400))
    return max(found or now + WAIT, now + timedelta(seconds=1))


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _instant(seconds: int | None) -> datetime | None:
    """Seconds since 1970, as the network writes a reset."""
    if seconds is None or not 1_000_000_000 < seconds < 10_000_000_000:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def said(answer: Answer) -> tuple[str, str] | None:
    """The error's name and the network's words, None when the answer is not in its shape."""
    try:
        body = answer.json()
    except Unreadable:
        return None
    if not isinstance(body, dict) or not isinstance(body.get("error"), str):
        return None
    message = body.get("message")
    return body["error"], message if isinstance(message, str) else body["error"]


def judge(answer: Answer, scope: str, now: datetime, *, sending: bool) -> ChannelError:
    """The error for an answer that is not a success. `sending`: unnamed answers are unknown."""
    bucket = rate(answer, scope, WRITE_POINTS if sending else 1)
    name, words = said(answer) or ("", "")
    if answer.status == 429:
        return RateLimited(
            "rate_limited",
            words,
            retry_at=retry_at(answer, now),
            scope=scope,
            status=429,
            rate=bucket,
        )
    for row in ANSWERS if name else ():
        if row.status == answer.status and row.name in ("", name):
            if row.error is OutcomeUnknown and not sending:
                continue
            return row.error(row.code, words, status=answer.status, rate=bucket)
    unnamed = OutcomeUnknown if sending else Unavailable
    return unnamed(f"http_{answer.status}", words, status=answer.status, rate=bucket)


def read(
    http: Client, name: str, now: datetime, params: Mapping[str, Any] | None = None
) -> tuple[Answer, dict[str, Any]]:
    """One query, whole and parsed. Raises a ChannelError; nothing read is ever unknown."""
    try:
        answer = http.get(f"/xrpc/{name}", params=params)
        if answer.ok:
            return answer, _object(answer)
    except HttpError as wrong:
        raise Unavailable(wrong.reason) from None
    raise judge(answer, "reads", now, sending=False)


def ask(http: Client, name: str, now: datetime, scope: str, **body: Any) -> dict[str, Any]:
    """One procedure that may be repeated (a session, an upload, a removal)."""
    try:
        answer = http.send("POST", f"/xrpc/{name}", **body)
    except HttpError as wrong:
        raise Unavailable(wrong.reason) from None
    if not answer.ok:
        raise judge(answer, scope, now, sending=False)
    return _object(answer)


def post_once(http: Client, name: str, now: datetime, **body: Any) -> Answer:
    """The one mutating request of a send. Raises a ChannelError for anything but a 2xx."""
    try:
        answer = http.send("POST", f"/xrpc/{name}", **body)
    except NothingSent as wrong:
        raise Unavailable(wrong.reason) from None
    except HttpError as wrong:
        raise OutcomeUnknown(wrong.reason) from None
    if not answer.ok:
        raise judge(answer, "posts", now, sending=True)
    return answer


def _object(answer: Answer) -> dict[str, Any]:
    try:
        found = answer.json()
    except Unreadable as wrong:
        raise Unavailable("unreadable", status=wrong.status) from None
    if not isinstance(found, dict):
        raise Unavailable("unreadable", status=answer.status)
    return found
