"""Every page of the played-through regency in a real browser: accessible, light, and quiet.

Each page is loaded once; then the window is made narrow and wide, light and dark. What a theme
changes is colour, so that in the dark only the rules about colour are asked again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import BrowserContext, Page

from tanggap.core import clock, roles
from tanggap.core.models import Agency, Person
from tanggap.execution.followup import cases, handover
from tanggap.execution.followup.models import Case
from tanggap.office import invite
from tanggap.practice import seed
from tanggap.practice.stage import Stage
from tanggap.practice.story.table import BEATS
from tests.rules import addresses
from tests.stories.opening import opened
from tests.stories.regency import Regency

# Every area's own browser tests ask axe about its main pages in each run; this asks about all.
pytestmark = [pytest.mark.browser, pytest.mark.thorough]

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COLOUR = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
EVERYTHING = {"runOnly": {"type": "tag", "values": WCAG}}
SIZES = {360: 740, 1280: 860}
MOST = 100_000
# Who of the team opens a page: the first who holds its verb.
TEAM = {
    "lead": "ratna",
    "head": "bupati",
    "editor": "dimas",
    "responder": "sari",
    "unit": "wayan",
    "ppid": "lina",
    "auditor": "endang",
    "integrity": "hasan",
    "operator": "bayu",
    "coordinator": "agus",
}
# Pages that are no pages: files, machines' answers, what ends the session, what only redirects.
LEFT_OUT = {
    "account_logout": "ends the session; its page is shown to nobody who is not leaving",
    "set_language": "takes a form only",
    "mfa_download_recovery_codes": "a text file",
    "desk:messaging-file": "a picture; the browser's own viewer is not ours",
    "desk:followup-photo": "a picture",
    "public:photo": "a picture",
    "desk:monitoring-export": "a spreadsheet",
    "desk:inbox-presence": "a part of the conversation's page, on which it is looked at",
    "desk:live": "a stream of events; a page that listens to it is never through loading",
}


@pytest.fixture(scope="module")
def played(
    browser: Any,
    django_db_setup: None,
    migrated: str,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Regency]:
    folder = tmp_path_factory.mktemp("regency")
    with django_db_blocker.unblock(), opened(browser, migrated, folder) as regency:
        stage = Stage(regency.network, lambda _said: None)
        for beat in BEATS:
            if not beat.spectators_only:
                beat.play(stage)
        yield regency


def shown(label: str, most: int = 4) -> list[Any]:
    """One row of each state, or of each kind; the first where there is neither."""
    model = apps.get_model(label)
    names = {one.name for one in model._meta.concrete_fields}
    rows = model._default_manager.order_by("pk")
    if "sealed" in names:
        rows = rows.filter(sealed=False)
    by = next((name for name in ("state", "kind", "act") if name in names), "")
    if not by:
        return list(rows[:1])
    found: dict[Any, Any] = {}
    for row in rows[:400]:
        found.setdefault(getattr(row, by), row)
    return list(found.values())[:most]


def paths(address: addresses.Address) -> list[str]:
    """The address with rows of the played world in its places."""
    found: list[str] = []
    for line in addresses.lines(address):
        choices: list[dict[str, Any]] = [{}]
        for place, what in line.items():
            choices = [{**one, place: value} for one in choices for value in values_of(what)]
        found += [addresses.path(address, one) for one in choices]
    return found


def values_of(what: str) -> list[Any]:
    if what.startswith("="):
        return [what[1:]]
    if what.startswith("@"):
        return [SPECIAL[what]()]
    if what.startswith("!"):
        model = apps.get_model(what[1:])
        own = any(one.name == "sealed" for one in model._meta.concrete_fields)
        sealed = {"sealed" if own else "conversation__sealed": True}
        return [row.pk for row in model._default_manager.filter(**sealed)[:1]]
    app, model, *column = what.split(".")
    return [getattr(row, column[0]) if column else row.pk for row in shown(f"{app}.{model}")]


def _invitation() -> str:
    """A fresh invitation, as somebody's link."""
    lead, now = seed.person("ratna"), clock.now()
    agency = Agency.objects.get(slug="sukamaju")
    found = Person.objects.filter(email="baru@sukamaju.example").exists()
    assert not found
    _sent, token = invite.invite(
        agency,
        "baru@sukamaju.example",
        "Tono",
        "editor",
        "SK 9/2026",
        now.date() - timedelta(days=1),
        by=lead,
        now=now,
    )
    return token


def _handover() -> str:
    """A report given to a unit just now."""
    case = Case.objects.filter(state__in=cases.OPEN, sealed=False).first() or Case.objects.get(
        pk=Case.objects.filter(sealed=False).order_by("pk").values("pk")[:1]
    )
    sari, now = seed.person("sari"), clock.now()
    if case.state not in cases.OPEN:
        case = cases.reopen(case, words="Dilihat lagi", by=sari, now=now)
    _row, token = handover.offer(
        case, to_unit=Agency.objects.get(slug="pupr"), ask="Mohon diperiksa.", by=sari, now=now
    )
    return token


SPECIAL: dict[str, Any] = {
    "@slug": lambda: "sukamaju",
    "@invitation": _invitation,
    "@handover": _handover,
}


def who(address: addresses.Address) -> str:
    """A key of the team, or "" for a page without sign-in."""
    if address.name.startswith("mfa_") or address.name in {
        "account_change_password",
        "account_email",
        "account_reauthenticate",
    }:
        return "ratna"
    if not address.verb:
        return ""
    return next(TEAM[role] for role in ("lead", *roles.ROLES) if roles.allows(role, address.verb))


def signed_in(regency: Regency, key: str) -> BrowserContext:
    context = regency.browser.new_context(
        base_url=regency.url, locale="id-ID", reduced_motion="reduce"
    )
    context.set_default_timeout(20_000)
    if key:
        person, session = seed.person(key), SessionStore()
        session["_auth_user_id"] = str(person.pk)
        session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
        session["_auth_user_hash"] = person.get_session_auth_hash()
        session.create()
        context.add_cookies(
            [
                {
                    "name": settings.SESSION_COOKIE_NAME,
                    "value": str(session.session_key),
                    "url": regency.url,
                }
            ]
        )
    return context


def test_every_page_is_accessible_light_and_quiet(played: Regency):
    faults: list[str] = []
    seen: set[str] = set()
    rooms: dict[str, Page] = {}
    for address in addresses.every():
        if address.name in LEFT_OUT:
            continue
        key = who(address)
        if key not in rooms:
            rooms[key] = signed_in(played, key).new_page()
            listen(rooms[key], faults)
        for path in paths(address):
            if path not in seen:
                seen.add(path)
                faults += look(rooms[key], path, address, played)
    for page in rooms.values():
        page.context.close()
    assert len(seen) > 60, f"Only {len(seen)} pages were looked at."
    assert not faults, f"{len(faults)} faults\n" + "\n".join(dict.fromkeys(faults))


def listen(page: Page, faults: list[str]) -> None:
    """A script error, or anything that the Content-Security-Policy refuses, is a fault."""
    page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
    page.on(
        "console",
        lambda said: (
            faults.append(f"{page.url}: {said.text}")
            if said.type == "error" and not re.search(r"status of 4\d\d", said.text)
            else None
        ),
    )


def look(page: Page, path: str, address: addresses.Address, regency: Regency) -> list[str]:
    sizes: list[int] = []

    def weigh(request: Any) -> None:
        sizes.append(request.sizes()["responseBodySize"])

    page.set_viewport_size({"width": 360, "height": SIZES[360]})
    page.emulate_media(color_scheme="light")
    if not address.verb:
        page.on("requestfinished", weigh)
    try:
        answer = page.goto(path)
    except Exception as error:
        # A file is saved and not shown; an address that takes forms only has no page.
        if re.search("Download is starting|ERR_ABORTED|ERR_HTTP_RESPONSE_CODE_FAILURE", str(error)):
            return []
        return [f"{path} ({address.name}): {str(error)[:200]}"]
    finally:
        if not address.verb:
            page.remove_listener("requestfinished", weigh)
    assert answer is not None
    if answer.status >= 500:
        return [f"{path} ({address.name}): {answer.status}\n{regency.last_words()[-600:]}"]
    if answer.status in (404, 405) or "text/html" not in answer.headers.get("content-type", ""):
        return []
    if answer.request.redirected_from is not None and address.verb:
        return []
    faults = []
    weight = len(answer.body()) if address.verb else sum(sizes)
    if weight > MOST:
        faults.append(f"{path} ({address.name}) weighs {weight} bytes")
    for width, height in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            faults.append(f"{path} ({address.name}) at {width}: scrolls sideways to {wide}px")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            rules = EVERYTHING if scheme == "light" else COLOUR
            found = Axe().run(page, options=rules).response["violations"]
            faults += [
                f"{path} ({address.name}) {width} {scheme}: {one['id']} {node['target']} "
                f"{node['failureSummary'][:160]}"
                for one in found
                for node in one["nodes"]
            ]
        if regency.shots:
            name = re.sub(r"\W+", "-", path).strip("-") or "hari-ini"
            page.screenshot(path=f"{regency.shots}/{name}-{width}.png", full_page=True)
    return faults
