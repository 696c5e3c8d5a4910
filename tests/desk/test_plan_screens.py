"""Plan, agenda and hold through their screens, with each role's door."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse

from tanggap.accounts.models import Account
from tanggap.activities import calendar
from tanggap.core import secrets
from tanggap.planning import write
from tanggap.planning.models import Plan

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_files(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.KEY_FILE = tmp_path / "keys.json"
    secrets.use(settings.KEY_FILE)


@pytest.fixture
def editor(member):
    return member("editor", name="Dimas")


@pytest.fixture
def lead(member):
    return member("lead", name="Ratna")


@pytest.fixture
def account(agency) -> Account:
    return Account.objects.create(
        agency=agency,
        kind="institution",
        channel="mastodon",
        handle="pemkab",
        server="https://sosial.example",
        display_name="Pemkab Lumbung",
        owner_unit=agency,
        decree_number="SK/1",
        recovery_contact="kominfo@lumbung.example",
        state="connected",
    )


@pytest.fixture
def plan(agency, editor, now):
    today = date.today()
    row = write.create(
        agency,
        title="Triwulan IV",
        period_start=today - timedelta(days=30),
        period_end=today + timedelta(days=60),
        by=editor,
        now=now,
    )
    write.edit(
        row,
        by=editor,
        now=now,
        people="Ibu balita",
        strategy="Menjawab dulu",
        technology="Mastodon",
        welfare_outcome="Anak terlindungi",
        priority_issue="Campak",
        key_message="Datang ke desa Anda",
    )
    return row


@pytest.fixture
def objective(plan, editor, now):
    segment = write.add_segment(
        plan,
        name="Ibu balita",
        who="Ibu anak 0–5 tahun",
        by=editor,
        now=now,
        ladder={"critics": 22},
        source="perkiraan",
    )
    row = write.add_objective(
        plan,
        kind="inform",
        text="Tahu jadwal",
        metric="message_clicks",
        target=600,
        due_on=plan.period_end,
        segments=[segment],
        by=editor,
        now=now,
    )
    write.choose_channel(
        plan, channel="mastodon", chosen=True, reason="Terbuka", by=editor, now=now
    )
    return row


def form_of(client, name: str, *args: object) -> str:
    page = client.get(reverse(name, args=args))
    assert page.status_code == 200, page.content.decode()[:2000]
    return page.content.decode()


def test_a_plan_is_written_handed_in_and_approved_by_another(
    client, agency, editor, lead, now
) -> None:
    client.force_login(editor)
    first, last = date.today(), date.today() + timedelta(days=80)
    wrong = client.post(
        reverse("desk:planning-new"),
        {"title": "Triwulan IV", "period_start": last, "period_end": first},
    )
    assert wrong.status_code == 422
    assert "Triwulan IV" in wrong.content.decode()
    client.post(
        reverse("desk:planning-new"),
        {
            "title": "Triwulan IV",
            "period_start": first,
            "period_end": last,
            "people": "Ibu balita",
            "strategy": "Menjawab",
            "technology": "Mastodon",
            "welfare_outcome": "Sehat",
            "priority_issue": "Campak",
            "key_message": "Datang",
        },
    )
    row = Plan.objects.get()
    at = reverse("desk:planning-submit", args=[row.pk])
    assert client.post(at).status_code == 422
    client.post(
        reverse("desk:planning-part-new", args=[row.pk, "segment"]),
        {
            "name": "Ibu balita",
            "who": "Ibu",
            "rung_critics": 40,
            "source": "perkiraan",
            "languages": ["su"],
            "platforms": "instagram, whatsapp",
        },
    )
    segment = row.segments.get()
    assert segment.platforms == ["instagram", "whatsapp"]
    assert (
        client.post(
            reverse("desk:planning-part-new", args=[row.pk, "objective"]),
            {
                "text": "Tahu",
                "kind": "inform",
                "metric": "comments",
                "target": 5,
                "due_on": last,
                "segments": [segment.pk],
            },
        ).status_code
        == 302
    )
    assert (
        client.post(
            reverse("desk:planning-part-new", args=[row.pk, "channel"]),
            {"channel": "mastodon", "chosen": "yes", "reason": "Terbuka"},
        ).status_code
        == 302
    )
    assert "Ibu balita" in form_of(client, "desk:planning-one", row.pk)
    assert client.post(at).status_code == 302
    row.refresh_from_db()
    client.force_login(lead)
    assert form_of(client, "desk:planning-list")
    client.post(reverse("desk:planning-approve", args=[row.pk]), {"seen": row.version})
    client.post(reverse("desk:planning-start", args=[row.pk]))
    row.refresh_from_db()
    assert row.state == "running"


def test_the_calendar_shows_a_week_a_month_and_a_list(
    client, agency, editor, objective, now
) -> None:
    Plan.objects.update(state="running")
    client.force_login(editor)
    day = date.today().isoformat()
    assert form_of(client, "desk:activities-new")
    made = client.post(
        reverse("desk:activities-new"),
        {
            "title": "Pekan imunisasi",
            "objective": objective.pk,
            "purpose": "inform",
            "relation": "g2c",
            "starts_at": f"{day}T23:00",
            "ends_at": f"{day}T23:30",
            "person_in_charge": editor.pk,
        },
    )
    assert made.status_code == 302, made.content.decode()[:1500]
    for view in ("week", "month", "list"):
        page = client.get(reverse("desk:activities-list"), {"view": view, "day": day})
        assert "Pekan imunisasi" in page.content.decode()
    pk = agency.pk and objective.activities.get().pk
    page = form_of(client, "desk:activities-one", pk)
    assert page.count("<li") >= 8
    wrong = client.post(
        reverse("desk:activities-edit", args=[pk]),
        {
            "title": "Pekan imunisasi",
            "objective": objective.pk,
            "purpose": "inform",
            "relation": "g2c",
            "starts_at": f"{day}T23:30",
            "ends_at": f"{day}T23:00",
            "person_in_charge": editor.pk,
            "notes": "catatan yang panjang",
        },
    )
    assert wrong.status_code == 422
    assert "catatan yang panjang" in wrong.content.decode()


def test_hold_and_let_go(client, account, editor, lead, agency) -> None:
    client.force_login(editor)
    assert client.post(reverse("desk:hold"), {"reason": ""}).status_code == 422
    client.post(reverse("desk:hold"), {"reason": "Gempa di Cikaret", "emergency_exempt": "on"})
    page = form_of(client, "desk:hold")
    assert "Gempa di Cikaret" in page
    hold = agency.holds.get()
    assert client.post(reverse("desk:hold-lift", args=[hold.pk])).status_code == 403
    client.force_login(lead)
    client.post(reverse("desk:hold-lift", args=[hold.pk]), {f"lift-{hold.pk}-reason": "Sudah aman"})
    hold.refresh_from_db()
    assert hold.lifted_by == lead


@pytest.mark.parametrize("role", ["responder", "unit", "auditor", "coordinator", "head"])
def test_who_may_not_plan_cannot(client, member, plan, role) -> None:
    client.force_login(member(role))
    assert client.get(reverse("desk:planning-new")).status_code == 403
    assert client.post(reverse("desk:planning-edit", args=[plan.pk]), {}).status_code == 403
    assert client.post(reverse("desk:activities-new"), {}).status_code == 403


def test_another_agency_finds_no_plan(client, member, other, plan) -> None:
    client.force_login(member("lead", agency=other))
    assert client.get(reverse("desk:planning-one", args=[plan.pk])).status_code == 404
    assert plan.title not in client.get(reverse("desk:planning-list")).content.decode()


def test_an_activity_is_changed_and_called_off(client, editor, agency, objective, now) -> None:
    Plan.objects.update(state="running")
    objective.plan.refresh_from_db()
    row = calendar.place(
        agency,
        title="Rapat",
        objective=objective,
        purpose="listen",
        starts_at=now,
        ends_at=now + timedelta(hours=1),
        by=editor,
        person_in_charge=editor,
        now=now,
    )
    client.force_login(editor)
    at = reverse("desk:activities-cancel", args=[row.pk])
    assert client.post(at, {"off-reason": ""}).status_code == 422
    client.post(at, {"off-reason": "Hujan"})
    row.refresh_from_db()
    assert row.state == "cancelled"
