"""A whole day at the regency: real pages, real network, real people at phones and desks.

`Regency` is the place: it lets time pass and the background work run. `Somebody` is a person with
a screen: they open, press, write and read, by the words on the screen and not by its code.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, expect

from tanggap import worker
from tanggap.core import clock
from tanggap.core.models import Agency, Person
from tanggap.practice import network as net
from tanggap.practice import seed
from tanggap.practice import time as practice_time
from tests.stories.hush import leaks

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
DESK = {"viewport": {"width": 1280, "height": 860}}
PATIENCE = 15_000  # milliseconds, for two slow cores


@contextmanager
def working_in(name: str) -> Iterator[None]:
    """This process works in another database of the same server."""
    about = connection.settings_dict
    before = about["NAME"]
    connection.close()
    about["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        about["NAME"] = before


@dataclass
class Regency:
    """The invented regency on a database and a network of its own, served for real."""

    url: str
    network: net.Network
    browser: Browser
    shots: str = ""
    log: Path | None = None
    # What no page may show to anybody who has not asked for it by name.
    hush: list[str] = field(default_factory=list)
    people: list[Somebody] = field(default_factory=list)

    @property
    def agency(self) -> Agency:
        return Agency.objects.get(slug="sukamaju")

    @property
    def now(self) -> datetime:
        return clock.now()

    def background(self, rounds: int = 1) -> None:
        """What the worker does by itself."""
        for _ in range(rounds):
            worker.run_once(clock.now())

    def later(self, rounds: int = 2, **span: float) -> None:
        """Time passes, for the network too, and the background work with it."""
        practice_time.advance(timedelta(**span), now=clock.now(), network=self.network)
        self.background(rounds)

    def working_days(self, count: int) -> None:
        practice_time.advance_working_days(
            self.agency, count, now=clock.now(), network=self.network
        )
        self.background(2)

    def on_phone(self, who: str) -> Somebody:
        return self._somebody(who, PHONE)

    def at_desk(self, who: str, scripts: bool = True) -> Somebody:
        """`scripts` off: a browser that runs none, where every form must work all the same."""
        return self._somebody(who, DESK | {"java_script_enabled": scripts})

    def passer_by(self, phone: bool = True) -> Somebody:
        """Somebody without an account here: a citizen, or a unit with a link, on an old telephone
        that runs no scripts."""
        return self._open("", (PHONE if phone else DESK) | {"java_script_enabled": False})

    def _somebody(self, who: str, screen: dict[str, Any]) -> Somebody:
        person = seed.person(who)
        made = self._open(person.email, screen)
        made.goes("/masuk/login/")
        made.writes("login", person.email)
        made.writes("password", seed.PASSWORD)
        made.presses("Masuk")
        expect(made.page).not_to_have_url(re.compile("/masuk/"), timeout=PATIENCE)
        return made

    def _open(self, name: str, screen: dict[str, Any]) -> Somebody:
        context = self.browser.new_context(
            locale="id-ID", reduced_motion="reduce", base_url=self.url, **screen
        )
        context.set_default_timeout(PATIENCE)
        made = Somebody(self, name, context, context.new_page())
        made.page.on("pageerror", lambda error: made.faults.append(f"{made.page.url}: {error}"))
        made.page.on("console", made.heard)
        self.people.append(made)
        return made

    def last_words(self) -> str:
        """The end of what the server wrote to its log."""
        return self.log.read_text()[-3000:] if self.log else ""

    def close(self) -> list[str]:
        """Everybody goes home. Returns what their browsers complained about."""
        faults = [fault for one in self.people for fault in one.faults]
        for one in self.people:
            one.context.close()
        return faults

    # --- the network, as citizens see it

    def posts(self) -> list[net.Row]:
        return net.timeline_of(self.network, "pemkab")

    def citizen_says(self, citizen: str, text: str, **more: Any) -> net.Row:
        return net.say(self.network, citizen, text, **more)

    def told_on_phone(self, citizen: str) -> list[str]:
        """What the regency wrote to this citizen, newest first, without markup."""
        return [
            plain(ring["status"]["content"])
            for ring in net.notifications_of(self.network, citizen)
            if ring.get("status") and ring["status"]["account"]["username"] == "pemkab"
        ]


def plain(markup: str) -> str:
    """The words of a post, without markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


@dataclass
class Somebody:
    """A person before a screen."""

    regency: Regency
    name: str
    context: BrowserContext
    page: Page
    faults: list[str] = field(default_factory=list)
    # Statuses that the story itself expects; anything else in the console is a fault.
    expected: set[int] = field(default_factory=set)

    @property
    def person(self) -> Person:
        return Person.objects.get(email=self.name)

    def heard(self, said: Any) -> None:
        if said.type != "error":
            return
        if re.search(r"status of (409|422|404|403)\b", said.text):
            return
        self.faults.append(f"{self.page.url}: {said.text}")

    def goes(self, path: str) -> None:
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status < 500, f"{path}: {answer.status}\n{self.regency.last_words()}"
        self._looks_over()

    def opens(self, words: str, exact: bool = False) -> None:
        """Follow a link, by its words."""
        self._one(self.page.get_by_role("link", name=pattern(words, exact))).click()
        self.page.wait_for_load_state()
        self._looks_over()

    def presses(self, words: str, exact: bool = False) -> None:
        """Press a button, by its words, and answer the page that asks again where there is one."""
        button = self._one(self.page.get_by_role("button", name=pattern(words, exact)))
        button.click()
        self.page.wait_for_load_state()
        self._looks_over()

    def _looks_over(self) -> None:
        """Nothing personal and no token stands on the page, hidden parts included."""
        try:
            said = self.page.content()
        except Error:
            # It is on its way to another page, which is looked at then.
            return
        self.faults += [f"{self.page.url} shows {w}" for w in leaks(said, self.regency.hush)]

    def writes(self, label: str, text: str) -> None:
        self._field(label).fill(text)

    def chooses(self, label: str, option: str) -> None:
        """Choose in a list by the option's words."""
        found = self._field(label)
        texts = found.locator("option").all_inner_texts()
        fit = next((one for one in texts if option.casefold() in one.casefold()), None)
        assert fit is not None, f"{label} offers {texts}, not {option}"
        found.select_option(label=fit)

    def ticks(self, words: str) -> None:
        self._one(self.page.get_by_label(pattern(words))).check()

    def gives_file(self, label: str, path: Path) -> None:
        self._field(label).set_input_files(path)

    def reads(self) -> str:
        """Everything that the page says."""
        main = self.page.locator("main")
        shown = main.first if main.count() else self.page.locator("body")
        return " ".join(shown.inner_text().split())

    def sees(self, *words: str) -> None:
        said = self.reads()
        missing = [one for one in words if one.casefold() not in said.casefold()]
        assert not missing, f"{self.page.url} does not say {missing}, but:\n{said[:3000]}"

    def does_not_see(self, *words: str) -> None:
        said = self.reads()
        there = [one for one in words if one.casefold() in said.casefold()]
        assert not there, f"{self.page.url} says {there}:\n{said[:3000]}"

    def shot(self, name: str) -> None:
        if self.regency.shots:
            self.page.screenshot(path=f"{self.regency.shots}/{name}.png", full_page=True)

    def _field(self, label: str) -> Locator:
        by_name = self.page.locator(
            f"main [name='{label}']:not([type=hidden]), form [name='{label}']:not([type=hidden])"
        )
        if re.fullmatch(r"[a-z0-9_-]+", label) and by_name.count():
            return by_name.first
        return self._one(self.page.get_by_label(pattern(label)))

    def _one(self, found: Locator) -> Locator:
        """The first that can be seen; what is offered instead when there is none."""
        try:
            found.first.wait_for(state="attached", timeout=PATIENCE)
        except Exception as error:
            raise AssertionError(f"{error}\n{self.page.url}:\n{self.reads()[:3000]}") from error
        for number in range(found.count()):
            if found.nth(number).is_visible():
                return found.nth(number)
        return found.first


def pattern(words: str, exact: bool = False) -> re.Pattern[str]:
    escaped = re.escape(words)
    return re.compile(rf"^\s*{escaped}\s*$" if exact else escaped, re.IGNORECASE)
