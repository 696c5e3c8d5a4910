"""Every component in a real browser: no accessibility fault at two widths, light and dark."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page

from tanggap.channels.counters import COUNTERS
from tanggap.desk import nav, shell
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.long(4)]

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    # What is well is not written out, which took longer than looking.
    "resultTypes": ["violations"],
}
# What a theme changes is colour: in the dark the rest is not asked again.
COLOURS = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
PAGES = (
    "galeri/hari-ini/",
    "galeri/pesan/",
    "galeri/konten/",
    "galeri/bagian/",
    "galeri/warga/",
    "meja/",
    "meja/lainnya/",
    "meja/tombol/",
)
OUTSIDE = ("masuk/login/", "masuk/password/reset/", "tidak-ada/")
SHOTS = os.environ.get("TANGGAP_SHOTS", "")


WAITING = {"messaging": 3, "inbox": 41, "followup": 12}


@dataclass
class Hold:
    reason: str
    placed_at: datetime


@pytest.fixture
def gallery(settings, monkeypatch):
    """The gallery's pages in a frame with every place of the rail, however many are built."""
    monkeypatch.setattr(nav, "address", lambda page: f"/{page.removeprefix('desk:')}/")
    monkeypatch.setattr(shell, "frame", lambda scope, now, areas: (WAITING, None))
    settings.ROOT_URLCONF = "tests.browser.gallery"
    here = Path(__file__).parent / "templates"
    engine = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**engine, "DIRS": [*engine["DIRS"], here]}]


@pytest.fixture
def cookie(member, client: Client):
    since = (datetime.now(UTC) - timedelta(days=3)).date()
    person = member("lead", name="Ratna Dewi", email="ratna@sukamaju.example", valid_from=since)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def listen(page: Page, faults: list[str]) -> None:
    """A script error, or anything that the Content-Security-Policy refuses, is a fault."""
    page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
    page.on(
        "console",
        lambda said: (
            faults.append(f"{page.url}: {said.text}")
            if said.type == "error" and "404" not in said.text
            else None
        ),
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing(gallery, cookie, live_server, browser, monkeypatch, width, scheme):
    held = Hold("Gempa di Kec. Cikaret", datetime.now(UTC)) if scheme == "dark" else None
    monkeypatch.setattr(shell, "frame", lambda scope, now, areas: (WAITING, held))
    asked = RULES if scheme == "light" else COLOURS
    faults: list[str] = []
    for signed_in, pages in ((False, OUTSIDE), (True, PAGES)):
        context = browser.new_context(
            viewport={"width": width, "height": 800 if width < 500 else 860},
            locale="id-ID",
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        if signed_in:
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
            )
        page = context.new_page()
        listen(page, faults)
        for path in pages:
            page.goto(f"{live_server.url}/{path}")
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                faults.append(f"{path} at {width}: scrolls sideways to {wide}px")
            small = page.evaluate(SMALL)
            faults += [f"{path} at {width}: small target {one}" for one in small]
            found = Axe().run(page, options=asked).response["violations"]
            faults += [
                f"{path}: {one['id']} {node['target']} {node['failureSummary']}"
                for one in found
                for node in one["nodes"]
            ]
            if SHOTS:
                name = path.strip("/").replace("/", "-")
                page.screenshot(path=f"{SHOTS}/{name}-{width}-{scheme}.png", full_page=width < 500)
        context.close()
    assert not faults, "\n".join(dict.fromkeys(faults))


# Buttons, fields and links of a menu are at least 42 px high; links inside text are text.
SMALL = """() => [...document.querySelectorAll(
  '.btn, .rail a, .tabbar a, .tabs a, .menu > summary, select, ' +
  'input:not([type=checkbox],[type=radio],[type=hidden])'
)].filter(e => { const r = e.getBoundingClientRect(); return r.width && r.height < 41.5 })
  .map(e => e.outerHTML.slice(0, 80))"""


def test_keys_dialogs_and_counters_work(gallery, cookie, live_server, browser):
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="id-ID")
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
    )
    page = context.new_page()
    page.goto(f"{live_server.url}/galeri/bagian/")
    page.keyboard.press("?")
    assert page.locator("#keys-dialog").is_visible()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Tunda", exact=True).click()
    assert page.locator("#sure").is_visible()
    page.locator("#sure [data-close]").click()
    assert not page.locator("#sure").is_visible()
    field = page.locator("#id_text")
    field.fill("jalan 🚧 a")
    assert page.locator("output.counter").first.inner_text() == "9 / 500"
    # Letters are only letters while one types.
    field.press("t")
    assert page.url.endswith("/galeri/bagian/")
    page.locator("h1").click()
    page.keyboard.press("t")
    page.wait_for_url(f"{live_server.url}/")
    context.close()


def test_security_pages_are_accessible(gallery, member, live_server, browser):
    since = (datetime.now(UTC) - timedelta(days=3)).date()
    member("lead", email="ratna@sukamaju.example", valid_from=since)
    context = browser.new_context(viewport={"width": 360, "height": 800}, locale="id-ID")
    page = context.new_page()
    faults: list[str] = []
    listen(page, faults)
    page.goto(f"{live_server.url}/masuk/login/")
    page.fill("#id_login", "ratna@sukamaju.example")
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Masuk", exact=True).click()
    page.wait_for_url(f"{live_server.url}/")
    page.goto(f"{live_server.url}/masuk/kunci/totp/activate/")
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Pastikan").click()
    page.locator("img.qr").wait_for()
    for path in ("", "totp/activate/", "webauthn/add/", "recovery-codes/"):
        page.goto(f"{live_server.url}/masuk/kunci/{path}")
        found = Axe().run(page, options=RULES).response["violations"]
        faults += [
            f"{path}: {one['id']} {node['target']}" for one in found for node in one["nodes"]
        ]
        if SHOTS:
            name = path.strip("/").replace("/", "-") or "index"
            page.screenshot(path=f"{SHOTS}/kunci-{name}.png", full_page=True)
    context.close()
    assert not faults, "\n".join(faults)


TYPED = (
    "",
    "Imunisasi campak gratis 24–28 November.",
    "👨‍👩‍👧‍👦 keluarga",
    "🇮🇩 1️⃣ ❤️ ☎",
    "é e\u0301 ñ",
    "lihat https://sukamaju.example/imunisasi?x=1. Lalu",
    "kominfo.go.id dan makan.id, a.com/b",
    "aksara ꦗꦮ dan 中文",
    "baris\nbaru  ",
    "(https://a.example/b_(c))",
)


def test_the_counters_of_the_page_equal_those_of_the_server(gallery, live_server, browser):
    page = browser.new_page()
    page.goto(f"{live_server.url}/masuk/login/")
    for name, count in COUNTERS.items():
        shown = page.evaluate(
            """async ([name, texts]) => {
                const { counters } = await import("/static/js/counting.js");
                return texts.map(counters[name]);
            }""",
            [name, list(TYPED)],
        )
        assert dict(zip(TYPED, shown, strict=True)) == {text: count(text) for text in TYPED}, name
    page.close()
