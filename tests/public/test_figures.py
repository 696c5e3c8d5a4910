"""Every figure that citizens see opens the rows that it counts, as many as it says."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from tanggap.core import clock
from tanggap.execution.followup import announce, cases
from tanggap.execution.followup.models import Case, Clock
from tanggap.public import results

pytestmark = pytest.mark.django_db
CELL = re.compile(r'<td class="n">(?:<a href="([^"]+)">)?([^<]+)(?:</a>)?</td>')


@pytest.fixture
def quarter(town):
    """Two quarters with something in each figure; a sealed report in both."""
    town.scene.now = clock.now()
    old = town.case(2)
    Case.objects.filter(pk=old.pk).update(opened_at=town.now - timedelta(days=100))
    fixed = town.case(3, tell=True)
    cases.resolve(fixed, resolution="Terpasang.", evidence_note="-", by=town.sari, now=town.now)
    again = town.case(1, kind="aspiration")
    cases.resolve(again, resolution="Beres.", evidence_note="-", by=town.sari, now=town.now)
    cases.reopen(again, by=town.sari, now=town.now)
    secret = cases.open_case(
        [town.item(visibility="direct", sealed=True)],
        kind="integrity",
        title="Pungli",
        by=town.lead,
        now=town.now,
        tell=False,
    )
    told = announce.write(
        "Jembatan terpasang",
        you_said="Putus.",
        we_did="Dipasang.",
        reply_text="Sudah terpasang.",
        by=town.dimas,
        now=town.now,
        case=fixed,
    )
    announce.approve(told, seen_hash=announce.batch_hash(told), by=town.lead, now=town.now)
    town.scene.rounds(2, 25)
    past = town.now - timedelta(days=3)
    legal = Clock.objects.filter(rule__startswith="sp4n_")
    legal.filter(case=fixed).update(due_at=past, kept_at=past - timedelta(days=1))
    legal.filter(case=old).update(due_at=past, kept_at=None)
    legal.filter(case=secret).update(due_at=past)
    return town.scene.agency


def walk(client: Client, url: str) -> tuple[str, int]:
    """What the page says in its title, and how many rows it has to its last page."""
    rows, says = 0, ""
    while url:
        answer = client.get(url)
        assert answer.status_code == 200, url
        page = unescape(answer.content.decode())
        says = re.search(r"<h1>[^<]*: ([^<]+)</h1>", page).group(1)
        rows += page.count("<tr><td>")
        following = re.search(r'rel="next" href="([^"]+)"', page)
        url = url.split("?")[0] + following.group(1) if following else ""
    return says, rows


def test_each_figure_opens_exactly_what_it_counts(quarter, client, monkeypatch):
    monkeypatch.setattr(results, "PAGE", 2)
    page = client.get(reverse("public:accountability", args=[quarter.slug])).content.decode()
    cells = [(unescape(href), unescape(text)) for href, text in CELL.findall(page)]
    assert len(cells) == 14
    shown = {}
    for href, text in cells:
        if text == "tidak tersedia":
            assert not href
            continue
        assert href, f"{text} opens nothing"
        says, rows = walk(client, href)
        what = href.split("/")[3]
        shown.setdefault(what, rows)
        if what == "on_time":
            kept, of = map(int, says.split(" dari "))
            assert (of, text) == (rows, f"{round(100 * kept / of)}%")
        elif what == "median_answer":
            assert says == text and rows > 0
        else:
            assert int(text) == int(says) == rows
    assert shown["opened"] == 2 and shown["people"] == 4 and shown["reopened"] == 1
    assert shown["told"] >= 1 and shown["on_time"] == 2


def test_the_quarter_before_counts_its_own_only(quarter, client):
    page = client.get(reverse("public:accountability", args=[quarter.slug]))
    assert (page.context["before"].opened, page.context["before"].reopened) == (1, 0)


def test_rows_say_nothing_of_who_wrote_and_of_nothing_sealed(quarter, client):
    page = client.get(reverse("public:accountability", args=[quarter.slug])).content.decode()
    for href, _text in CELL.findall(page):
        if href:
            told = client.get(unescape(href)).content.decode()
            assert "warga1" not in told and "Cikaret" not in told and "Pungli" not in told
            for one in Case.objects.all():
                assert one.number not in told


@pytest.mark.parametrize(
    "query",
    [
        "",
        "dari=kemarin&sampai=besok",
        "dari=9999-12-01T00:00:00.000000Z&sampai=9999-12-31T23:59:59.000000Z",
        "dari=2000-01-01T00:00:00.000000Z&sampai=2026-01-01T00:00:00.000000Z",
    ],
)
def test_made_up_spans_open_nothing(agency, client, query):
    there = reverse("public:behind", args=[agency.slug, "opened"])
    assert client.get(f"{there}?{query}").status_code == 404
    whole = "dari=2026-01-01T00:00:00.000000Z&sampai=2026-02-01T00:00:00.000000Z"
    assert client.get(f"{there}?{whole}").status_code == 200
    other = reverse("public:behind", args=[agency.slug, "nonsense"])
    assert client.get(f"{other}?{whole}").status_code == 404
