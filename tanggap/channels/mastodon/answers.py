"""What this protocol's answers mean, as one table, and its rate-limit headers.

Sources: the OpenAPI description of Mastodon (statuses: 401, 404, 410, 422, 429, 503), its
rate-limit
page, and GoToSocial's documented 400, 403 and 406. An answer counts only in the network's own
shape,
JSON with an `error`: a page of some proxy in between says nothing about what the network did.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
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

_TOKEN = re.compile(
    r"token|unauthori[sz]ed|credential|authori[sz]ed scope|authenticated user|"
    r"login is (currently )?disabled|account is (suspended|disabled)|not logged in",
    re.IGNORECASE,
)
WAIT = timedelta(minutes=5)
"""How long to wait after a 429 that does not say (the network's own window)."""


@dataclass(frozen=True)
class Meaning:
    """One row: `status`, words that must occur (None: any), the error, and our code for it."""

    status: int
    words: re.Pattern[str] | None
    error: type[ChannelError]
    code: str


ANSWERS: tuple[Meaning, ...] = (
    Meaning(400, _TOKEN, NotAuthorised, "token_refused"),
    Meaning(400, None, Rejected, "bad_request"),
    Meaning(401, None, NotAuthorised, "token_refused"),
    Meaning(403, _TOKEN, NotAuthorised, "not_allowed"),
    Meaning(403, None, Rejected, "forbidden"),
    Meaning(404, None, Rejected, "target_gone"),
    Meaning(406, None, Rejected, "not_acceptable"),
    Meaning(410, None, Rejected, "target_gone"),
    Meaning(422, None, Rejected, "refused"),
)
"""Answers after which surely nothing was published. First match counts; 429 is handled apart."""


def rate(answer: Answer, scope: str, now: datetime) -> Rate | None:
    """The bucket as the headers tell it, or None where they do not."""
    headers = answer.headers
    remaining, limit = (
        _number(headers.get(name)) for name in ("x-ratelimit-remaining", "x-ratelimit-limit")
    )
    reset = _instant(headers.get("x-ratelimit-reset"), now)
    if remaining is None and limit is None and reset is None:
        return None
    return Rate(scope, remaining, limit, reset)


def retry_at(answer: Answer, now: datetime) -> datetime:
    """When to try again after a 429: the reset, else Retry-After, else five minutes; never past."""
    found = _instant(answer.headers.get("x-ratelimit-reset"), now)
    found = found or _after(answer.headers.get("retry-after"), now)
    return max(found or now + WAIT, now + timedelta(seconds=1))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.strip().isdigit() else None


def _instant(text: str | None, now: datetime) -> datetime | None:
    """A reset as ISO time (the network), or as seconds since 1970 (servers like it)."""
    if not text:
        return None
    try:
        if text.strip().isdigit():
            number = int(text)
            # Some servers count from now instead.
            return (
                datetime.fromtimestamp(number, UTC)
                if number > 1_000_000_000
                else now + timedelta(seconds=number)
            )
        found = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError, OSError):
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _after(text: str | None, now: datetime) -> datetime | None:
    if not text:
        return None
    if text.strip().isdigit():
        return now + timedelta(seconds=min(int(text), 7 * 86400))
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, TypeError):
        return None


def drift(answer: Answer, now: datetime) -> timedelta:
    """The server's clock less ours, by its Date header; nothing where it has none."""
    there = _after(answer.headers.get("date"), now)
    return there - now if there else timedelta(0)


def said(answer: Answer) -> str | None:
    """The network's own words, None when the answer is not in its shape."""
    try:
        body = answer.json()
    except Unreadable:
        return None
    if not isinstance(body, dict) or not isinstance(body.get("error"), str):
        return None
    more = body.get("error_description")
    return f"{body['error']} {more}" if isinstance(more, str) else str(body["error"])


def judge(answer: Answer, scope: str, now: datetime, *, sending: bool) -> ChannelError:
    """The error for an answer that is not a success. `sending`: unnamed answers are unknown."""
    bucket = rate(answer, scope, now)
    if answer.status == 429:
        return RateLimited(
            "rate_limited",
            said(answer) or "",
            retry_at=retry_at(answer, now),
            scope=scope,
            status=429,
            rate=bucket,
        )
    words = said(answer)
    if words is not None:
        for row in ANSWERS:
            if row.status == answer.status and (row.words is None or row.words.search(words)):
                return row.error(row.code, words, status=answer.status, rate=bucket)
    unnamed = OutcomeUnknown if sending else Unavailable
    return unnamed(f"http_{answer.status}", words or "", status=answer.status, rate=bucket)


def read(
    http: Client, path: str, now: datetime, params: Mapping[str, Any] | None = None
) -> tuple[Answer, Any]:
    """One GET, whole and parsed. Raises a ChannelError; nothing read is ever unknown."""
    try:
        answer = http.get(path, params=params)
        if answer.ok:
            return answer, answer.json()
    except Unreadable as wrong:
        raise Unavailable("unreadable", status=wrong.status) from None
    except HttpError as wrong:
        raise Unavailable(wrong.reason) from None
    raise judge(answer, "reads", now, sending=False)


def post_once(http: Client, path: str, now: datetime, **body: Any) -> Answer:
    """The one mutating request of a send. Raises a ChannelError for anything but a 2xx."""
    try:
        answer = http.send("POST", path, **body)
    except NothingSent as wrong:
        raise Unavailable(wrong.reason) from None
    except HttpError as wrong:
        raise OutcomeUnknown(wrong.reason) from None
    if not answer.ok:
        raise judge(answer, "posts", now, sending=True)
    return answer
