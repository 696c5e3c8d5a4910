"""The `now` and the zone in which a page is written. Display only: no verb reads them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.utils import timezone

from tanggap.core import clock

_now: ContextVar[datetime | None] = ContextVar("tanggap_page_now", default=None)


@contextmanager
def showing(now: datetime, zone: str) -> Iterator[None]:
    """Write times in `zone` (an IANA name) and lateness against `now`, inside the block."""
    token = _now.set(now)
    try:
        with timezone.override(zone):
            yield
    finally:
        _now.reset(token)


def page_now() -> datetime:
    """The page's `now`; the clock's where no door set one (sign-in, e-mail)."""
    return _now.get() or clock.now()
