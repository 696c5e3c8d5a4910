"""Every figure on Today, in the return table and on the head's page opens what it counts."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from urllib.parse import urljoin

import pytest

from tanggap import messages
from tanggap.core import clock
from tanggap.execution.followup.models import Case
from tanggap.execution.inbox.models import Conversation, Item
from tanggap.execution.publishing.models import Delivery
from tanggap.messaging.models import Message
from tests.monitoring.test_returns import Desk

pytestmark = pytest.mark.django_db
ROWS = re.compile(r'class="row"')
NEXT = re.compile(r'rel="next" href="([^"]+)"')
COUNTED = re.compile(r'<a href="([^"]+)">[^<]*<span class="num">\((\d+)\)</span></a>')
LINKED = re.compile(r'<a(?: class="[^"]*")? href="(/pemantauan/isi/[^"]+)">([^<]+)</a>')


def case(desk: Desk, number: str, **fields: object) -> Case:
    usual = {
        "kind": "complaint",
        "title": f"Jembatan {number}",
        "opened_by": desk.editor,
        "opened_at": desk.now - timedelta(days=1),
        "due_at": desk.now + timedelta(days=9),
        "contributors_count": 1,
    }
    return Case.objects.create(agency=desk.agency, number=number, **{**usual, **fields})


@pytest.fixture
def busy(agency, member) -> Desk:
    """Something in each figure, and beside it what none of them counts."""
    messages.compile_if_stale()
    desk = Desk(agency, member("editor"), clock.now())
    now, hour = desk.now, timedelta(hours=1)
    late, _later, owed_to_none, with_case = (
        desk.says(name, at=now - 2 * hour, kind="complaint")
        for name in ("tini", "budi", "sri", "asep")
    )
    due = Conversation.objects.filter
    due(pk=late.conversation_id).update(due_at=now - hour, urgency=1, snippet="Lampu padam")
    due(pk=owed_to_none.conversation_id).update(state="answered")
    due(pk=with_case.conversation_id).update(has_case=True, due_at=now - hour)
    desk.says("thanks", at=now - 3 * hour, kind="thanks")
    desk.says("saksi", at=now - hour, sealed=True, kind="integrity")
    desk.says("lama", at=now - 60 * hour, kind="thanks")
    case(desk, "LBG-AAAA", due_at=now - hour)
    case(desk, "LBG-CCCC")
    done = {"state": "resolved", "resolution": "Beres.", "resolved_at": now - hour}
    case(desk, "LBG-DDDD", **done)
    case(desk, "LBG-EEEE", opened_at=now - timedelta(days=80))
    case(desk, "LBG-FFFF", sealed=True, public=False, kind="integrity")
    for n in range(7):
        Message.objects.create(
            agency=agency,
            title=f"Jadwal {n}",
            core="x",
            state="checked",
            openness="periodic",
            author=desk.editor,
            created_at=now,
            edited_at=now,
        )
    post = desk.post(reblogs=12, quotes=3)
    desk.says("tini", post=post, at=now - hour, kind="criticism")
    desk.post()
    Delivery.objects.filter(pk=desk.post().pk).update(
        state="failed", trouble="rejected", published_at=None, remote_id=None, due_at=now
    )
    open_ = Conversation.objects.exclude(pk__in=[late.conversation_id, with_case.conversation_id])
    open_.update(due_at=now + 30 * hour)
    return desk


@pytest.fixture
def web(client, member):
    client.force_login(member("lead"), backend="django.contrib.auth.backends.ModelBackend")
    return client


def opened(web, href: str) -> int:
    """How many rows stand behind an address, to its last page."""
    count, href = 0, unescape(href)
    while href:
        answer = web.get(href)
        assert answer.status_code == 200, href
        page = answer.content.decode()
        main = page.split("<main", 1)[1].split("</main>")[0]
        count += len(ROWS.findall(main))
        following = NEXT.search(main)
        href = urljoin(href, unescape(following.group(1))) if following else ""
    return count


def test_each_count_on_today(busy, web):
    page = web.get("/").content.decode()
    counts = COUNTED.findall(page)
    wanted = {"late": 2, "talks": 5, "cases": 3}
    seen = {}
    for href, n in counts:
        assert opened(web, href) == int(n), f"{href} opens something else than {n}"
        seen[href.rpartition("=")[2]] = int(n)
    assert {name: seen.get(name) for name in wanted} == wanted
    assert any("keputusan" in href and n == "7" for href, n in counts)
    # What needs a word, the voices by kind, and the urgent ones.
    needs = re.search(r'href="([^"]*group=needs[^"]*)">(\d+) ', page)
    assert needs and dict(web.get(unescape(needs[1])).context["groups"])["needs"] == int(needs[2])
    bars = re.findall(r'<dt><a href="([^"]+)">[^<]*</a></dt><dd class="num">(\d+)</dd>', page)
    assert len(bars) >= 3
    urgent = re.search(r'href="([^"]*urgent=1)">(\d+) ', page)
    assert urgent
    for href, n in [*bars, urgent.groups()]:
        assert opened(web, href) == int(n), href


def test_each_number_of_the_title(busy, web):
    heading = re.search(r"<h1>(.*?)</h1>", web.get("/").content.decode())
    assert heading
    doors = re.findall(r'<a href="([^"]+)">(\d+) ', heading[1])
    assert not re.search(r"\d", re.sub(r"<a .*?</a>", "", heading[1])), "a number without a door"
    assert any("group=late" in href for href, _n in doors)
    for href, n in doors:
        page = web.get(unescape(href))
        groups = dict(page.context["groups"]) if "group=needs" in href else {}
        assert groups.get("needs", None if groups else opened(web, href)) == int(n), href


def test_the_night_opens_its_own_messages(busy, web, monkeypatch):
    """Until noon the line under the title counts what came since the office closed."""
    morning = clock.now().replace(hour=1, minute=30)
    monkeypatch.setattr(clock, "now", lambda: morning)
    Item.objects.update(received_at=morning - timedelta(hours=3))
    page = web.get("/").content.decode()
    links = re.findall(r'<a href="([^"]*since=[^"]*)">[^<\d]*(\d+) ', page)
    assert len(links) == 2
    for href, n in links:
        assert opened(web, href) == int(n) > 0


def test_each_number_of_the_table_and_of_the_page_for_the_head(busy, web):
    table = web.get("/pemantauan/").content.decode()
    printed = web.get("/pemantauan/cetak/").content.decode()
    seen = set()
    for page in (table, printed):
        for href, text in LINKED.findall(page):
            said = re.findall(r"\d+", text)[-1]
            assert opened(web, href) == int(said), f"{href}: {text}"
            seen.add(href.split("/")[3] + ("?" if "kind=" in href else ""))
    assert seen == {"posts", "voices", "voices?", "opened", "resolved"}
    values = re.findall(r'<td class="n">(.*?)</td><td class="n">', printed)
    assert len(values) == 17
    for value in values:
        assert value == "tidak tersedia" or value.startswith('<a href="/pemantauan/angka/')


def test_the_pages_are_walked_to_the_last_row(busy, web):
    for n in range(60):
        busy.says(f"warga{n}", at=busy.now - timedelta(minutes=n), kind="aspiration")
    page = web.get("/").content.decode()
    for href, n in COUNTED.findall(page):
        if "group=talks" in href:
            assert int(n) > 60
            assert opened(web, href) == int(n)
            break
    else:
        pytest.fail("Today does not say how many messages wait")


@pytest.mark.parametrize(
    "key", ["x", "9999-12-31~1", "0001-01-01T00:00:00+14:00~1", "2026-11-22T00:00:00Z~" + "9" * 40]
)
def test_a_made_up_place_begins_at_the_top(busy, web, key):
    assert opened(web, f"/pemantauan/tenggat/?group=talks&talk={key}".replace("+", "%2B")) == 5


def test_others_open_nothing_of_it(busy, client, member, other):
    stranger = member("lead", agency=other)
    client.force_login(stranger, backend="django.contrib.auth.backends.ModelBackend")
    for href in (
        "/pemantauan/tenggat/?group=late",
        "/pemantauan/isi/opened/",
        "/pemantauan/keputusan/",
    ):
        assert opened(client, href) == 0
    client.force_login(member("coordinator"), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/pemantauan/isi/opened/").content.decode()
    assert opened(client, "/pemantauan/isi/opened/") == 3
    assert "Jembatan" not in page
