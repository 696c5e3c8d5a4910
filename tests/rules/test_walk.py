"""Every address, walked by nobody, by another agency, and by each role of one's own.

Another agency gets nothing: not a page, not a byte. One's own agency gets what the verb table says
and never a fault of ours. Requests run as the role of the product's pages, so that row-level
security is on trial as well; each is undone.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tanggap.core import http, roles, secrets
from tanggap.core.models import Agency, Person
from tests.rules import addresses
from tests.rules.planting import PERSONAL, Planted, plant, scoped_labels

pytestmark = [pytest.mark.django_db, pytest.mark.long(2)]
ADDRESSES = addresses.every()
DESK = [one for one in ADDRESSES if one.verb]
# Pages that anybody may open: they show only what is public.
OPEN = [one for one in ADDRESSES if not one.verb]
# A citizen's word for somebody else's private part, or a page that says so itself.
NOT_YOURS = {302, 403, 404, 405, 409, 410, 422}

# Pages that reveal personal data on purpose, with a logged reason.
REVEALS: set[str] = set()
# What a holder does not find although it is there, and why.
NOT_FOUND: dict[str, str] = {
    "desk:followup-act": "takes a form only",
    "desk:findings-change": "takes a form only",
    "desk:findings-new": "begins from a report or a search, named in its question",
    "desk:findings-announce": "begins from a report or a decision, named in its question",
    "desk:inbox-question": "asks about an answer that left; the planted one waits for approval",
    "desk:inbox-sealed-question": "asks about an answer that left, as above",
}


class Undone(Exception):
    pass


@contextmanager
def as_app() -> Iterator[None]:
    """The block runs as the role of the product's pages, and is undone."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL ROLE tanggap_app")
            yield
            raise Undone
    except Undone:
        pass


def ask(client: Client, method: str, path: str, data: Any = None) -> HttpResponse:
    with as_app():
        answer = (
            getattr(client, method)(path, data)
            if data is not None
            else getattr(client, method)(path)
        )
        if answer.streaming:
            answer.said = b"".join(answer.streaming_content)
        else:
            answer.said = answer.content
        return answer
    raise AssertionError


def walk(
    entries: list[addresses.Address], planted: Planted, sealed: bool = False
) -> Iterator[tuple[addresses.Address, str]]:
    for one in entries:
        for path in addresses.fill(one, planted, sealed):
            yield one, path


def open_to(role: str) -> list[addresses.Address]:
    return [one for one in ADDRESSES if not one.verb or roles.allows(role, one.verb)]


def speaks_of(one: addresses.Address, tables: set[str]) -> bool:
    """Whether a row of one of these tables stands in its places."""
    return any(
        ".".join(what.lstrip("!").split(".")[:2]) in tables
        for line in addresses.lines(one)
        for what in line.values()
    )


def text(answer: HttpResponse) -> str:
    return (answer.said.decode(errors="replace") + str(dict(answer.headers))).casefold()


def seen(answer: HttpResponse, words: Any) -> list[str]:
    """Which of the words are in the answer."""
    said = text(answer)
    return [word for word in words if word.casefold() in said]


@pytest.fixture(autouse=True)
def own_files(tmp_path, settings) -> Iterator[None]:
    settings.HOME = tmp_path
    settings.KEY_FILE = tmp_path / "keys.json"
    settings.MEDIA_ROOT = tmp_path / "media"
    secrets.use(settings.KEY_FILE)
    before = http.rules()
    yield
    http.configure(private_hosts=before.private_hosts, proxy=before.proxy)


@pytest.fixture
def planted(agency: Agency, unit: Agency) -> Planted:
    return plant(agency, unit, "zq", datetime.now(UTC))


def signed_in(person: Person) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    # The first page settles the session.
    client.get("/meja/lainnya/")
    return client


def test_every_table_of_an_agency_is_planted(planted):
    assert scoped_labels() - set(planted.rows) <= {
        "archive.Pending",
        "archive.Node",
        "archive.TreeHead",
        "archive.Leaf",
    }
    assert len(planted.words) > 100


def test_every_address_has_its_places(planted):
    missing = []
    for one in ADDRESSES:
        try:
            addresses.fill(one, planted)
        except AssertionError as said:
            missing.append(str(said))
    assert not missing, "\n".join(missing)


def test_the_storys_pages_are_for_practice_only(settings):
    from importlib import reload

    from tanggap import urls

    settings.PRACTICE = False
    try:
        routes = [str(entry.pattern) for entry in reload(urls).urlpatterns]
    finally:
        settings.PRACTICE = True
        reload(urls)
    assert "cerita/" not in routes and "" in routes


def test_ones_own_words_are_there(planted, member):
    """The walk would see a word if a page showed it: one's own agency reads its own."""
    client = signed_in(member("lead"))
    (path,) = addresses.fill(
        next(one for one in DESK if one.name == "desk:publishing-one"), planted
    )
    answer = ask(client, "get", path)
    assert "publishing.Delivery.content" in {planted.words[w] for w in seen(answer, planted.words)}


# Each run walks as these; `-m thorough` as everybody.
ALWAYS = {"lead", "unit", "auditor"}
EACH = [
    pytest.param(role, marks=() if role in ALWAYS else pytest.mark.thorough) for role in roles.ROLES
]


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_gets_nothing(planted, method, caplog):
    client, faults = Client(raise_request_exception=False), []
    for one, path in walk(ADDRESSES, planted):
        answer = ask(client, method, path)
        if (
            one.verb
            and answer.status_code != 405
            and (answer.status_code != 302 or "/masuk/" not in answer["Location"])
        ):
            faults.append(f"{method} {path}: {answer.status_code}, not sent to sign in")
        if answer.status_code >= 500:
            faults.append(f"{method} {path}: {answer.status_code}")
        faults += [
            f"{method} {path} ({one.name}) shows {planted.words.get(w, w)}"
            for w in seen(answer, private(planted, one))
            if not_typed(w, path)
        ]
    faults += [f"the log says {word}" for word in PERSONAL if word in caplog.text]
    assert not faults, "\n".join(faults)


# Columns whose words anybody may read who has the page's address, by its name. A unit's link and
# an invitation are addresses that only their receiver knows.
PUBLIC: dict[str, set[str]] = {
    "public:accounts": {"accounts.Account."},
    # What is published, and announced, and nothing else.
    "public:feed": {"publishing.Delivery.content"},
    "public:handover": {
        "followup.Case.",
        "followup.Handover.",
        "inbox.Item.text",
        "core.Person.name",
        "followup.Evidence.caption",
    },
    "desk:join": {"core.Invitation.", "core.Person.name"},
}


def not_typed(word: str, path: str) -> bool:
    """What stands in the address itself tells nothing new."""
    return word.casefold() not in path.casefold()


def private(planted: Planted, one: addresses.Address) -> list[str]:
    """Words that this page must not show to everybody."""
    open_ = next((columns for name, columns in PUBLIC.items() if one.name.startswith(name)), set())
    words = [
        word
        for word, where in planted.words.items()
        if not any(where.startswith(column) for column in open_)
    ]
    return [*words, *planted.sealed, *PERSONAL]


@pytest.mark.parametrize("role", EACH)
def test_another_agency_gets_nothing(planted, other, member, role, caplog):
    client = signed_in(member(role, agency=other, unit=other if role == "unit" else None))
    caplog.set_level(logging.DEBUG, logger="tanggap")
    faults = []
    for one, path in walk(DESK, planted):
        for method in ("get", "post"):
            answer = ask(client, method, path)
            if speaks_of(one, set(planted.rows)) and answer.status_code not in NOT_YOURS:
                faults.append(f"{method} {path}: {answer.status_code}")
            if answer.status_code >= 500:
                faults.append(f"{method} {path}: {answer.status_code}")
            faults += [
                f"{method} {path} shows {planted.words.get(w, w)}"
                for w in seen(answer, [*planted.words, *planted.sealed, *PERSONAL])
            ]
    faults += [f"the log says {word}" for word in PERSONAL if word in caplog.text]
    assert not faults, "\n".join(dict.fromkeys(faults))


@pytest.mark.parametrize("role", EACH)
def test_ones_own_agency_gets_what_the_table_says(planted, member, role, caplog):
    caplog.set_level(logging.DEBUG, logger="tanggap")
    unit = planted.unit if role == "unit" else None
    client, faults = signed_in(member(role, unit=unit)), []
    for one, path in walk(DESK, planted):
        for method in ("get", "post"):
            answer = ask(client, method, path)
            held = roles.allows(role, one.verb)
            if answer.status_code >= 500:
                faults.append(f"{method} {path} ({one.name}): {answer.status_code}")
            elif not held and answer.status_code not in (403, 405):
                faults.append(
                    f"{role} does not hold {one.verb}, yet {method} {path} "
                    f"({one.name}) says {answer.status_code}"
                )
            elif (
                held
                and method == "get"
                and answer.status_code in (403, 404)
                and one.name not in NOT_FOUND
            ):
                faults.append(
                    f"{role} holds {one.verb}, yet {path} ({one.name}) says {answer.status_code}"
                )
            if one.name not in REVEALS:
                faults += [
                    f"{method} {path} ({one.name}) shows {word}" for word in seen(answer, PERSONAL)
                ]
            if role != "integrity":
                faults += [
                    f"{method} {path} ({one.name}) shows sealed {planted.sealed[word]}"
                    for word in seen(answer, planted.sealed)
                ]
    faults += [f"the log says {word}" for word in PERSONAL if word in caplog.text]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("role", [one for one in EACH if "integrity" not in one.values])
def test_the_sealed_lane_is_closed(planted, member, role):
    """Its rows are not found by their address either."""
    client, faults = signed_in(member(role, unit=planted.unit if role == "unit" else None)), []
    tables = set(planted.sealed_rows)
    for one, path in walk([one for one in ADDRESSES if speaks_of(one, tables)], planted, True):
        for method in ("get", "post"):
            answer = ask(client, method, path)
            if one.verb and answer.status_code not in NOT_YOURS:
                faults.append(f"{role}: {method} {path} ({one.name}) says {answer.status_code}")
            faults += [
                f"{role}: {method} {path} ({one.name}) shows {planted.sealed[word]}"
                for word in seen(answer, planted.sealed)
                if not_typed(word, path)
            ]
    assert not faults, "\n".join(faults)


# --- what people send --------------------------------------------------------------------------


RUBBISH = ("x" * 9000, "9" * 40, "👨‍👩‍👧‍👦\u202e<script>", "2026-02-31T99:99")


def forms(answer: HttpResponse) -> list[Any]:
    if "html" not in answer.headers.get("Content-Type", ""):
        return []
    return BeautifulSoup(answer.content, "html.parser").find_all("form")


def filled(form: Any, value: str | None = None) -> dict[str, Any]:
    """What a browser would send, with `value` typed into every field when it is given."""
    data: dict[str, Any] = {}
    for one in form.find_all(["input", "textarea", "select"]):
        name, kind = one.get("name"), one.get("type", "text")
        if not name or kind in {"submit", "button", "file"}:
            continue
        if kind in {"checkbox", "radio"} and not one.has_attr("checked"):
            continue
        if one.name == "select":
            chosen = [
                opt.get("value", opt.text)
                for opt in one.find_all("option")
                if opt.has_attr("selected")
            ] or [""]
            own: Any = chosen
        elif one.name == "textarea":
            own = one.text
        else:
            own = one.get("value", "")
        data[name] = own if value is None or name == "csrfmiddlewaretoken" else value
    return data


def target(form: Any, path: str) -> str:
    return form.get("action") or path


# Each run sends each form one piece of rubbish, taking turns; `-m thorough` all of it.
MUCH = pytest.mark.parametrize(
    "thoroughly", [False, pytest.param(True, marks=pytest.mark.thorough)], ids=["turns", "all"]
)


def turn(pieces: tuple[str, ...], count: int, thoroughly: bool) -> tuple[str, ...]:
    return pieces if thoroughly else (pieces[count % len(pieces)],)


@MUCH
@pytest.mark.parametrize(
    "role",
    [
        one
        for one in EACH
        if set(one.values) & {"lead", "editor", "head", "ppid", "unit", "operator"}
    ],
)
def test_every_form_takes_anything_without_a_fault(planted, member, role, thoroughly):
    """As it stands, and with rubbish in every field: never a fault of ours, always csrf."""
    client = signed_in(member(role, unit=planted.unit if role == "unit" else None))
    faults, done = [], set()
    for _one, path in walk(open_to(role), planted):
        page = ask(client, "get", path)
        for form in forms(page):
            to, method = target(form, path), form.get("method", "get").lower()
            key = (to.split("?")[0], method, tuple(sorted(filled(form))))
            if key in done or method == "dialog" or not to.startswith("/") or "logout" in to:
                continue
            done.add(key)
            if method == "post" and not form.find("input", {"name": "csrfmiddlewaretoken"}):
                faults.append(f"{path}: the form to {to} has no csrf token")
            for value in (None, *turn(RUBBISH, len(done), thoroughly)):
                answer = ask(client, method, to, filled(form, value))
                if answer.status_code >= 500:
                    faults.append(
                        f"{path}: {method} {to} with {str(value)[:12]!r}: {answer.status_code}"
                    )
    assert not faults, "\n".join(dict.fromkeys(faults))


QUERIES = (
    "?q=%00",
    "?after=x&page=-1&span=x&tab=x&view=x&group=x&kind=x&state=x&unit=x",
    "?q=" + "a" * 3000,
    "?after=9999999999999999999999&account=99999999999999999999",
    "?week=2026-W99&month=2026-99&day=x&from=x&until=x&sort=x&mine=x",
)


@MUCH
def test_every_address_takes_any_question(planted, member, thoroughly):
    client, faults = signed_in(member("lead")), []
    for count, (_one, path) in enumerate(walk(open_to("lead"), planted)):
        for query in turn(QUERIES, count, thoroughly):
            answer = ask(client, "get", path + query)
            if answer.status_code >= 500:
                faults.append(f"{path}{query[:40]}: {answer.status_code}")
    assert not faults, "\n".join(faults)


# --- what pages promise ------------------------------------------------------------------------


CLOCK = re.compile(r"(?<![\d.,:])([01]\d|2[0-3])\.[0-5]\d(?![\d.,]*\d)(?!\s?%)")
ZONED = re.compile(r"^[\s–—-]*(?:[01]\d|2[0-3])?\.?(?:[0-5]\d)?\s*(WIB|WITA|WIT)\b")


# A note for a whole page: "Semua jam dalam WIB."
NOTE = re.compile(r"\b(?:dalam|waktu|jam)\s+(?:WIB|WITA|WIT)\b")
OF_NO_DAY = {"desk:team-edit": "22.00 is an example of a late hour, not a time"}


def test_pages_keep_their_promises(planted, member):
    """Lists page by key, never by OFFSET, which skips and repeats while new rows come in.

    HH.MM is followed by the zone, or stands where the zone is said (a table, a week, a card).
    """
    client, faults = signed_in(member("lead")), []
    for one, path in walk(open_to("lead"), planted):
        with CaptureQueriesContext(connection) as asked:
            page = ask(client, "get", path)
        faults += [
            f"{path}: {query['sql'][:300]}"
            for query in asked.captured_queries
            if re.search(r"\bOFFSET\b", query["sql"])
        ]
        faults += [f"{path} ({one.name}): {time}" for time in without_zone(one, page)]
    assert not faults, "\n".join(dict.fromkeys(faults))


def without_zone(one: addresses.Address, page: HttpResponse) -> list[str]:
    """Texts of the page with a time whose zone nothing near it says."""
    if "html" not in page.headers.get("Content-Type", "") or page.status_code != 200:
        return []
    soup = BeautifulSoup(page.content, "html.parser")
    for part in soup(["script", "style", "textarea", "blockquote"]):
        part.decompose()
    if one.name in OF_NO_DAY or NOTE.search(soup.get_text(" ")):
        return []
    return [
        f"“{str(piece).strip()[:80]}”"
        for piece in soup.find_all(string=CLOCK)
        for found in CLOCK.finditer(str(piece))
        if not ZONED.match(str(piece)[found.end() :]) and not _said_near(piece)
    ]


def _said_near(piece: Any) -> bool:
    """A zone is named in one of the blocks that hold this text, below the page's own frame."""
    for above in piece.parents:
        if above.name in {"main", "body", "html", "[document]"}:
            return False
        if re.search(r"\b(WIB|WITA|WIT)\b", above.get_text(" ")):
            return True
    return False
