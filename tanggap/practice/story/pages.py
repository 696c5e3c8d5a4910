"""The pages of the guided story, in practice mode only: where we are, what to look at, a phone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from django.conf import settings
from django.contrib.auth import login, logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from tanggap.core import clock
from tanggap.core.models import Agency, Person
from tanggap.desk.moment import showing
from tanggap.practice import network as net
from tanggap.practice import world
from tanggap.practice.story import book
from tanggap.practice.story.table import BEATS

BACKEND = "django.contrib.auth.backends.ModelBackend"
NEWEST = 12


@dataclass(frozen=True, slots=True)
class Said:
    """One line on a phone."""

    name: str
    text: str
    at: datetime
    own: bool
    private: bool


@never_cache
def story(request: HttpRequest) -> HttpResponse:
    """The beat that was played last: what to look at, where, and the phone beside it."""
    page = book.read()
    if page is None:
        return render(request, "practice/none.html", status=404)
    if page.doing == "reset":
        # The database is being put back: this page asks nothing of it.
        return HttpResponse(render_to_string("practice/wait.html"))
    beat = BEATS[page.beat] if 0 <= page.beat < len(BEATS) else None
    following = BEATS[page.beat + 1] if page.beat + 1 < len(BEATS) else None
    doing = next((one for one in BEATS if one.name == page.doing), None)
    screens = [
        {
            "words": screen.words,
            "person": screen.person,
            "name": _name(screen.person),
            "where": where,
        }
        for screen in (beat.screens if beat else ())
        if (where := screen.where(page.notes))
    ]
    zone = world.read("agency")["agency"]["zone"]
    with showing(clock.now(), zone):
        return render(
            request,
            "practice/story.html",
            {
                "agency": _agency(),
                "page": page,
                "beat": beat,
                "next": following,
                "doing": doing,
                "number": page.beat + 1,
                "total": len(BEATS),
                "screens": screens,
                "proof": page.notes.get("proof", []) if beat and beat.spectators_only else [],
                "broken": page.notes.get("broken"),
                "refusal": page.notes.get("refusal", "") if beat and beat.name == "critic" else "",
                "phone": _phone(beat.phone) if beat and beat.phone and not page.doing else None,
            },
        )


@never_cache
def phone(request: HttpRequest, username: str) -> HttpResponse:
    """Somebody's phone, full page: what the network really shows them."""
    found = _phone(username)
    if found is None:
        raise Http404
    with showing(clock.now(), world.read("agency")["agency"]["zone"]):
        return render(request, "practice/phone.html", {"phone": found, "agency": _agency()})


@require_POST
def wish(request: HttpRequest, what: str) -> HttpResponse:
    """ "Lanjut", or back to the beginning."""
    page = book.read()
    if page is not None and not page.doing and what in book.WISHES:
        book.wish(what)
        page.doing = "reset" if what == "reset" else _next_name(page)
        # Seen at once by whoever reloads; the director writes it again when he begins.
        book.write(page)
    return redirect("story:story")


@require_POST
def become(request: HttpRequest, key: str) -> HttpResponse:
    """Sign in as somebody of the team and go to a screen. Practice only."""
    person = _person(key)
    if person is None:
        raise Http404
    logout(request)
    login(request, person, backend=BACKEND)
    where = request.POST.get("where", "/")
    if not url_has_allowed_host_and_scheme(where, allowed_hosts=None):
        where = "/"
    return redirect(where)


def _next_name(page: book.Page) -> str:
    return BEATS[page.beat + 1].name if page.beat + 1 < len(BEATS) else ""


def _agency() -> Agency | None:
    return Agency.objects.filter(slug=world.read("agency")["agency"]["slug"]).first()


def _person(key: str) -> Person | None:
    emails = {one["key"]: one["email"] for one in world.read("agency")["team"]}
    return Person.objects.filter(email=emails.get(key, "")).first()


def _name(key: str) -> str:
    return next((one["name"] for one in world.read("agency")["team"] if one["key"] == key), "")


def _phone(username: str) -> dict[str, Any] | None:
    """What an account wrote and what was written to it, newest first; None when nothing answers."""
    try:
        network = net.Network.load(Path(settings.HOME) / "network.json")
        rows = {row["id"]: row for row in net.timeline_of(network, username)[:NEWEST]}
        if username in {said.citizen for said in world.messages()}:
            for ring in net.notifications_of(network, username):
                if ring.get("status"):
                    rows[ring["status"]["id"]] = ring["status"]
    except (OSError, ValueError, net.NetworkFailed, net.httpx.HTTPError):
        return None
    lines = sorted(
        (_line(row, username) for row in rows.values()), key=lambda one: one.at, reverse=True
    )
    names = {one.username: one.name for one in (*world.citizens(), *world.agencies())}
    return {"username": username, "name": names.get(username, username), "lines": lines[:NEWEST]}


def _line(row: net.Row, username: str) -> Said:
    author = row["account"]
    text = BeautifulSoup(
        row["content"].replace("</p><p>", "\n\n").replace("<br />", "\n"), "html.parser"
    ).get_text()
    return Said(
        author["display_name"] or author["username"],
        text,
        datetime.fromisoformat(row["created_at"].replace("Z", "+00:00")),
        author["username"] == username,
        row["visibility"] == "direct",
    )


app_name = "story"
urlpatterns = [
    path("", story, name="story"),
    path("ponsel/<slug:username>/", phone, name="phone"),
    path("sebagai/<slug:key>/", become, name="become"),
    path("<slug:what>/", wish, name="wish"),
]
