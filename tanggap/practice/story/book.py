"""Where the story is: a file in the demo's home that the desk's pages read and the director writes.

A page cannot play a beat itself: it works as the app's role, within one agency. It leaves a wish,
and the director, who is the outside world, does it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

WISHES = ("next", "reset")


@dataclass
class Page:
    """`beat` is the index of the last beat that was played, -1 before the first. `doing` names
    what the director is at, "" when he waits. `trouble` is why a beat could not be played."""

    beat: int = -1
    doing: str = ""
    trouble: str = ""
    notes: dict[str, Any] = field(default_factory=dict)


def read() -> Page | None:
    """None while no story is told here."""
    try:
        return Page(**json.loads(_place("story.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write(page: Page) -> None:
    _put("story.json", asdict(page))


def close() -> None:
    """Nobody tells it any more."""
    for name in ("story.json", "story-wish.json"):
        _place(name).unlink(missing_ok=True)


def wish(what: str) -> None:
    """Ask the director for the next beat, or for the beginning."""
    if what in WISHES:
        _put("story-wish.json", {"wish": what})


def take_wish() -> str:
    """The director picks the wish up; "" when there is none."""
    path = _place("story-wish.json")
    try:
        found = str(json.loads(path.read_text(encoding="utf-8"))["wish"])
    except (OSError, ValueError, KeyError):
        return ""
    path.unlink(missing_ok=True)
    return found


def _place(name: str) -> Path:
    return Path(settings.HOME) / name


def _put(name: str, value: Any) -> None:
    path = _place(name)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(value), encoding="utf-8")
    fresh.replace(path)
