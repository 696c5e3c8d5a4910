"""The invented regency, read from `world/*.json` (its README says how to read the fields)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from tanggap.practice.network import Profile

MONTHS = (
    "Januari",
    "Februari",
    "Maret",
    "April",
    "Mei",
    "Juni",
    "Juli",
    "Agustus",
    "September",
    "Oktober",
    "November",
    "Desember",
)
WEEKDAYS = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a careful officer would decide about a message. The product never reads this."""

    kind: str
    unit: str  # slug, or empty when it is not ours or nobody can tell
    urgency: str  # danger, urgent, normal
    place: str
    group: str  # messages of one event carry one name
    pii: tuple[tuple[str, str], ...]  # (kind, exactly as written)


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a citizen: when (minutes after the first post), to which post, its words."""

    id: str
    citizen: str
    name: str
    language: str
    at: int
    to: str
    visibility: str
    text: str
    expected: Expected
    edit_at: int | None = None
    edit_text: str = ""

    @property
    def language_code(self) -> str:
        """What the citizen's app declares: apps know no mixed languages."""
        return "id" if self.language == "mix" else self.language


@cache
def read(name: str) -> Any:
    """One file of the world: agency, plan, activities, house, posts, answers, followups."""
    return json.loads(files(__package__).joinpath("world", f"{name}.json").read_text("utf-8"))


@cache
def messages() -> tuple[Said, ...]:
    """Everything that citizens write, in the order in which they write it."""
    return tuple(_said(row) for row in read("messages"))


def _said(row: Mapping[str, Any]) -> Said:
    expected, edit = dict(row["expected"]), row.get("edit", {})
    expected["pii"] = tuple((kind, words) for kind, words in expected["pii"])
    return Said(
        **{name: row[name] for name in ("id", "citizen", "name", "language", "at", "to")},
        visibility=row["visibility"],
        text=row["text"],
        expected=Expected(**expected),
        edit_at=edit.get("at"),
        edit_text=edit.get("text", ""),
    )


def citizens() -> list[Profile]:
    """The citizens' profiles for the practice network."""
    return [Profile(said.citizen, said.name, "Warga rekaan.") for said in messages()]


def agencies() -> list[Profile]:
    """The agency's own accounts on the practice network."""
    return [
        Profile(account["handle"], account["display_name"], account["note"])
        for account in read("agency")["accounts"]
        if account["channel"] == "mastodon"
    ]


def fill(text: str, start: date) -> str:
    """Put dates in: `{d1}` is the day after the story's first as "24 November", `{h1}` its
    weekday."""
    days = [start + timedelta(days=ahead) for ahead in range(15)]
    dates = {f"d{ahead}": f"{day.day} {MONTHS[day.month - 1]}" for ahead, day in enumerate(days)}
    names = {f"h{ahead}": WEEKDAYS[day.weekday()] for ahead, day in enumerate(days)}
    return text.format_map(dates | names)
