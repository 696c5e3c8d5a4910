"""Names under which citizens' words are sealed, and how words are shown: masked, always."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from typing import Any

from tanggap.core.models import Agency
from tanggap.core.rules import tenant
from tanggap.language.redact import MASK, Found, mask, redact

LONGEST = 70
_MASKED = re.compile(f"{MASK}+")


def person_key(account_id: int, remote_id: str) -> str:
    """Subject key of an author in the archive: "account:12:author:345"."""
    who = remote_id if len(remote_id) <= LONGEST else sha256(remote_id.encode()).hexdigest()
    return f"account:{account_id}:author:{who}"


def public_contacts(agency: Agency) -> list[str]:
    """Numbers and addresses that the agency and its units give themselves: no personal data."""
    top = tenant(agency)
    rows = [top.contact, *top.units.filter(autonomous=False).values_list("contact", flat=True)]
    return [text[one.start : one.end] for text in rows for one in redact(text)]


def spans(text: str, allowed: Collection[str] = ()) -> list[dict[str, Any]]:
    """Personal data of a text as it is stored: [{start, end, kind}]."""
    return [{"start": one.start, "end": one.end, "kind": one.kind} for one in redact(text, allowed)]


def masked(text: str, personal: Iterable[Mapping[str, Any]]) -> str:
    """The text with stored spans blacked out, sign for sign."""
    return mask(text, [Found(one["start"], one["end"], one["kind"], "") for one in personal])


def shown_name(name: str, handle: str) -> str:
    """How an author is called on screen: a number in a name is blacked out like any other."""
    text = name.strip() or (f"@{handle}" if handle else "")
    return mask(text, redact(text))


def snippet(text: str, personal: Iterable[Mapping[str, Any]], length: int = 200) -> str:
    """The beginning, masked first and cut after, on one line."""
    flat = " ".join(_MASKED.sub(MASK * 6, masked(text, personal)).split())
    return flat if len(flat) <= length else flat[: length - 1].rstrip() + "…"
