"""The publishing screens say what is late, why, and what to do; and take a person's word."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tanggap.accounts.models import Account
from tanggap.core import clock
from tanggap.desk import activities, publishing
from tanggap.execution.publishing.models import Delivery
from tests.pages import walk


@pytest.fixture
def web(client, member, scene):
    person = member("lead")
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def text(response) -> str:
    return " ".join(response.content.decode().split())


def test_an_empty_day_says_what_to_do(web):
    page = web.get(reverse("desk:publishing-list"))
    assert page.status_code == 200 and "Tidak ada yang menunggu" in text(page)


def test_what_is_due_this_second_is_not_called_late(web, scene):
    scene.post("Tayangkan sekarang")
    Delivery.objects.update(due_at=clock.now())
    page = text(web.get(reverse("desk:publishing-list")))
    assert "Yang berikutnya segera berangkat." in page and "Berikutnya: lewat" not in page


def test_the_list_says_late_why_and_next(web, scene):
    row = scene.post("Jembatan ditutup")
    scene.server.http.shutdown()
    scene.server.http.server_close()
    scene.send()
    scene.pass_(300)
    scene.send()
    Delivery.objects.update(due_at="2026-01-01T00:00:00Z", late_accepted=True)
    page = text(web.get(reverse("desk:publishing-list") + "?span=all"))
    assert "Jembatan ditutup" in page and "lewat" in page
    assert "Jejaring tidak dapat dihubungi." in page and "Dicoba lagi" in page
    assert str(row.pk) in page


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?span=week",
        "?view=lanes",
        "?group=needs&span=all",
        "?q=x&account=1&after=nonsense",
        "?span=all&after=2026~x",
    ],
)
def test_every_filter_answers(web, scene, query):
    scene.post("Satu")
    scene.reply("Dua", "1")
    assert web.get(reverse("desk:publishing-list") + query).status_code == 200


def test_the_list_pages_by_key_to_the_last(web, scene):
    for number in range(27):
        scene.post(f"Kabar nomor {number}.")
    address, seen = reverse("desk:publishing-list"), set()
    while address:
        page = web.get(address)
        seen |= {card.row.pk for card in page.context["cards"]}
        after = page.context["page"].after
        address = (
            f"{reverse('desk:publishing-list')}?after={after.replace('+', '%2B')}" if after else ""
        )
    assert len(seen) == 27


def test_each_lane_goes_to_its_very_last_card(web, scene, monkeypatch):
    monkeypatch.setattr(publishing, "LANE", 2)
    monkeypatch.setattr(publishing, "LANES", 1)
    for number in range(5):
        scene.post(f"Kabar nomor {number}.")
    for number in range(2):
        Account.objects.create(
            agency=scene.agency,
            kind="institution",
            channel="mastodon",
            handle=f"unit{number}",
            display_name=f"Unit {number}",
            owner_unit=scene.agency,
            decree_number="SK/2/2026",
            recovery_contact="kominfo@lumbung.test",
            state="paused",
            paused_reason="Libur.",
        )
    there = reverse("desk:publishing-list") + "?view=lanes"
    pages = list(walk(web, there, f"lane{scene.account.pk}"))
    seen = [card.row.pk for page in pages for card in page.context["lanes"][0].cards]
    assert len(seen) == len(set(seen)) == 5
    accounts = [lane.account.pk for page in walk(web, there) for lane in page.context["lanes"]]
    assert len(accounts) == len(set(accounts)) == 3


def test_what_the_calendar_leaves_out_is_in_the_list_of_its_day(web, scene, monkeypatch):
    monkeypatch.setattr(activities, "DAILY", 2)
    monkeypatch.setattr(activities, "SHOWN", 1)
    monkeypatch.setattr(publishing, "PAGE", 2)
    for number in range(5):
        scene.post(f"Kabar nomor {number}.", at=("2027-03-10T10:00", "Asia/Jakarta"))
    scene.post("Hari lain.", at=("2027-03-11T00:00", "Asia/Jakarta"))
    there = reverse("desk:activities-list") + "?day=2027-03-10&view="
    days = {one["date"].day: one for one in web.get(there + "week").context["days"]}
    assert (len(days[10]["slots"]), days[10]["more"], days[11]["more"]) == (2, 3, 0)
    months = {one["date"].day: one for one in web.get(there + "month").context["days"][7:21]}
    assert (len(months[10]["slots"]), months[10]["more"]) == (1, 4)
    pages = walk(web, days[10]["more_href"])
    seen = [card.row.pk for page in pages for card in page.context["cards"]]
    assert len(seen) == len(set(seen)) == 5


def test_the_list_costs_the_same_with_many_rows(web, scene, django_assert_max_num_queries):
    scene.post("Satu")
    web.get(reverse("desk:publishing-list"))
    for number in range(15):
        scene.post(f"Kabar {number}")
    with django_assert_max_num_queries(34):
        web.get(reverse("desk:publishing-list"))


def test_a_person_says_it_is_out_by_its_link(web, scene):
    row = scene.post("Apakah ini tayang?")
    Delivery.objects.filter(pk=row.pk).update(state="asked", trouble="unknown")
    one, answer = (reverse(f"desk:publishing-{name}", args=[row.pk]) for name in ("one", "answer"))
    assert "Sudah tayang?" in text(web.get(one))
    wrong = web.post(answer, {"answer": "published", "link": "https://lain.example/9"})
    assert wrong.status_code == 422 and "lain.example" in text(wrong)
    assert scene.state(row) == "asked"
    link = f"{scene.server.url}/@diskominfo/4711"
    assert web.post(answer, {"answer": "published", "link": link}).status_code == 302
    assert scene.state(row) == "published" and row.remote_id == "4711"


def test_late_is_asked_and_sent_only_on_a_word(web, scene):
    row = scene.post("Senam pagi pukul 06.00")
    scene.pass_(3600)
    scene.send()
    assert scene.state(row) == "late" and scene.said() == 0
    page = text(web.get(reverse("desk:publishing-one", args=[row.pk])))
    assert "Masih ditayangkan?" in page
    web.post(reverse("desk:publishing-answer", args=[row.pk]), {"answer": "still"})
    scene.send()
    assert scene.state(row) == "published" and scene.said() == 1


def test_cancel_time_and_removal(web, scene):
    row = scene.post("Batal")
    web.post(reverse("desk:publishing-time", args=[row.pk]), {"at": "2030-01-01T10:00"})
    row.refresh_from_db()
    assert row.due_at.year == 2030 and row.wall_time == "2030-01-01T10:00"
    past = web.post(reverse("desk:publishing-time", args=[row.pk]), {"at": "2020-01-01T10:00"})
    assert past.status_code == 422 and 'value="2020-01-01T10:00"' in text(past)
    web.post(reverse("desk:publishing-cancel", args=[row.pk]))
    assert scene.state(row) == "cancelled"
    other = scene.post("Hapus")
    scene.send()
    empty = web.post(reverse("desk:publishing-remove", args=[other.pk]), {"reason": ""})
    assert empty.status_code == 422 and scene.state(other) == "published"
    web.post(reverse("desk:publishing-remove", args=[other.pk]), {"reason": "Salah tanggal"})
    from tanggap.execution.publishing import remove

    remove.tick(scene.now)
    assert scene.state(other) == "removed"
    assert scene.server.count("DELETE", f"/api/v1/statuses/{other.remote_id}") == 1


def test_scheduling_warns_of_the_same_words(web, scene):
    scene.post("Posyandu besok")
    message = scene.message("Posyandu besok!")
    address = reverse("desk:publishing-schedule", args=[message.pk])
    assert "Kata-kata yang sama" in text(web.get(address))
    web.post(address, {"at": "2030-01-01T10:00"})
    assert Delivery.objects.filter(variant__message=message).exists()


def test_another_agency_sees_nothing(client, member, scene, other):
    row = scene.post("Rahasia tetangga")
    person = member("lead", agency=other)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(reverse("desk:publishing-one", args=[row.pk])).status_code == 404
    page = client.get(reverse("desk:publishing-list") + "?span=all")
    assert "Rahasia tetangga" not in text(page)
    for name in ("answer", "time", "cancel", "remove"):
        address = reverse(f"desk:publishing-{name}", args=[row.pk])
        assert (
            client.post(
                address, {"answer": "again", "at": "2030-01-01T10:00", "reason": "x"}
            ).status_code
            == 404
        )
    assert scene.state(row) == "queued"


def test_words_of_a_private_message_stay_between_two(web, scene):
    """They may hold a citizen's private key, or answer a sealed report."""
    row = scene.reply("Kunci pribadi: 7Q4K-HT3M-PX9C", "9", private=True)
    listing = reverse("desk:publishing-list")
    for address in (
        listing,
        listing + "?view=lanes",
        listing + "?q=7Q4K",
        reverse("desk:publishing-one", args=[row.pk]),
    ):
        assert "HT3M" not in text(web.get(address))
    assert web.get(listing + "?q=7Q4K").context["cards"] == []
    row.refresh_from_db()
    assert "HT3M" in row.content["text"]
