"""The director of the guided story: plays the citizens, the unit, the attacker, and the worker.

One process does all of it, so that a beat and the background never get in each other's way.
"""

from __future__ import annotations

import logging
import subprocess
import time

from django.db import close_old_connections

from tanggap.core.errors import Refused
from tanggap.practice import demo
from tanggap.practice import network as net
from tanggap.practice.home import Home
from tanggap.practice.stage import Stage
from tanggap.practice.story import book
from tanggap.practice.story.table import BEATS, note

WORK_EVERY = 2.0
LOOK_EVERY = 0.2
log = logging.getLogger(__name__)


def direct(
    home: Home,
    network: net.Network,
    children: list[subprocess.Popen[bytes]],
    progress: net.Progress,
) -> None:
    """Wait for wishes and fulfil them, until told to end or a child ends by itself."""
    page = book.read() or book.Page()
    page.doing = ""
    book.write(page)
    worked = 0.0
    try:
        while all(child.poll() is None for child in children):
            wish = book.take_wish()
            stage = Stage(network, progress, page.notes)
            if wish == "reset":
                page = begin_anew(home, network, page, progress)
            elif wish == "next" and page.beat + 1 < len(BEATS):
                play(stage, page, progress)
            elif time.monotonic() - worked > WORK_EVERY:
                background(stage)
                worked = time.monotonic()
            time.sleep(LOOK_EVERY)
    finally:
        page.doing = ""
        book.write(page)


def play(stage: Stage, page: book.Page, progress: net.Progress) -> None:
    """The next beat. What a walker did already by themselves is left as it is."""
    beat = BEATS[page.beat + 1]
    page.doing, page.trouble = beat.name, ""
    book.write(page)
    begun = time.monotonic()
    try:
        beat.play(stage)
    except (Refused, AssertionError, LookupError) as error:
        log.warning("Beat %s: %s", beat.name, error, exc_info=error)
        page.trouble = str(error)
    page.beat += 1
    page.doing = ""
    book.write(page)
    progress(f"{beat.title}: {time.monotonic() - begun:.1f} s")


def begin_anew(
    home: Home, network: net.Network, page: book.Page, progress: net.Progress
) -> book.Page:
    """The first minute again."""
    page.doing = "reset"
    book.write(page)
    begun = time.monotonic()
    try:
        demo.restart(home, network)
    except RuntimeError as error:
        page.doing, page.trouble = "", str(error)
        book.write(page)
        return page
    fresh = book.Page()
    book.write(fresh)
    progress(f"Reset: {time.monotonic() - begun:.1f} s")
    return fresh


def background(stage: Stage) -> None:
    """What the worker does, while the walker looks around and tries things."""
    close_old_connections()
    try:
        stage.work()
        note(stage)
    except Exception:
        log.exception("The background work of the story failed; the next round tries again.")
