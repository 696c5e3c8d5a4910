"""A unit answers by an expiring link; "not ours" goes to the lead the second time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from PIL import Image

from tanggap.core.errors import Refused
from tanggap.core.scope import Scope, enter
from tanggap.execution.followup import cases, evidence, handover
from tanggap.execution.followup.models import Evidence, Handover

pytestmark = pytest.mark.django_db


@pytest.fixture
def given(town, unit):
    case = town.case(3)
    made, token = handover.offer(
        case,
        to_unit=unit,
        ask="Kapan jembatan darurat dipasang?",
        by=town.sari,
        now=town.now,
        to_person="Pak Wayan",
    )
    return made, token


def test_only_the_hash_of_the_link_is_kept(given):
    made, token = given
    assert token.encode() not in bytes(made.token_hash)
    assert made.case.state == "handed_over"
    assert token in handover.whatsapp(made, token)
    assert "3 warga" in handover.whatsapp(made, token)


def test_the_unit_opens_and_answers_without_signing_in(town, given, make_photo):
    _made, token = given
    # As the web does: the app's role, with nobody's scope before the link is looked up.
    with enter(Scope()), handover.behind(token, town.now) as found:
        handover.open_(found, now=town.now)
        evidence.add(
            found.case,
            make_photo(),
            when="after",
            caption="Jembatan bailey terpasang",
            by=f"link:handover:{found.pk}",
            given_by="Wayan",
            now=town.now,
            handover=found,
        )
        handover.answer(found, name="Wayan", answer="Selesai 3 Desember.", now=town.now)
    made = Handover.objects.get()
    assert (made.state, made.answer) == ("answered", "Selesai 3 Desember.")
    assert made.case.state == "in_progress"
    assert made.photos.count() == 1


def test_a_link_expires_and_can_be_renewed(town, given):
    made, token = given
    late = town.now + timedelta(days=8)
    with pytest.raises(Refused), handover.behind(token, late):
        pass
    _made, fresh = handover.renew(made, by=town.sari, now=late)
    with handover.behind(fresh, late):
        pass
    with pytest.raises(Refused), handover.behind(token, late):
        pass


@pytest.mark.parametrize("token", ["", "nonsense", "x" * 400])
def test_other_links_open_nothing(town, given, token):
    with pytest.raises(Refused), handover.behind(token, town.now):
        pass


def test_a_link_shows_its_agency_only(town, given, other):
    _made, token = given
    with handover.behind(token, town.now), pytest.raises(Exception, match="row-level security"):
        Evidence.objects.create(
            agency=other,
            case_id=1,
            media_id=1,
            when="after",
            caption="x",
            given_by="x",
            given_at=town.now,
        )


def test_not_ours_needs_a_reason_and_the_second_time_the_lead(town, given, unit, make_agency):
    made, token = given
    second = make_agency("dinas-desa", parent=town.scene.agency, kind="unit", autonomous=False)
    with handover.behind(token, town.now) as found, pytest.raises(Refused):
        handover.refuse(found, name="Wayan", why="", rightful_unit=second, now=town.now)
    with handover.behind(token, town.now) as found:
        handover.refuse(
            found, name="Wayan", why="Jembatan desa.", rightful_unit=second, now=town.now
        )
    case = Handover.objects.get(pk=made.pk).case
    assert (case.state, case.assigned_to) == ("open", None)
    again, token = handover.offer(case, to_unit=second, ask="?", by=town.sari, now=town.now)
    with handover.behind(token, town.now) as found:
        handover.refuse(found, name="Kades", why="Bukan.", rightful_unit=unit, now=town.now)
    case = Handover.objects.get(pk=again.pk).case
    assert case.assigned_to == town.lead
    with pytest.raises(Refused):
        handover.offer(case, to_unit=unit, ask="?", by=town.sari, now=town.now)
    handover.offer(case, to_unit=unit, ask="Ini wewenang PU.", by=town.lead, now=town.now)


def test_taken_back(town, given):
    made, token = given
    handover.withdraw(made, by=town.sari, now=town.now)
    assert made.case.state == "open"
    with pytest.raises(Refused), handover.behind(token, town.now):
        pass


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nothing_but_the_picture_is_kept(town, make_photo, kind):
    source = make_photo(kind=kind)
    assert b"Pak Wayan" in source.getvalue()
    made = evidence.add(
        town.case(),
        source,
        when="before",
        caption="Retak di tiang",
        by=town.sari,
        given_by="Sari",
        now=town.now,
    )
    data = made.media.file.read()
    assert b"Pak Wayan" not in data
    assert b"Exif" not in data
    made.media.file.seek(0)
    with Image.open(made.media.file) as opened:
        assert not opened.getexif()
        assert opened.format == "JPEG"
        assert max(opened.size) <= 1080
        # The turn that EXIF asked for is now in the picture itself.
        assert opened.height > opened.width
    assert made.media.alt == "Retak di tiang"


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"%PDF-1.7", b"\xff\xd8\xff\xe0broken"])
def test_what_is_no_picture_is_refused(town, data):
    import io

    with pytest.raises(Refused):
        evidence.add(
            town.case(),
            io.BytesIO(data),
            when="before",
            caption="x",
            by=town.sari,
            given_by="x",
            now=town.now,
        )
    assert not Evidence.objects.exists()


def test_facts_that_come_after_the_case_moved_on_are_kept(town):
    """The officer went on without waiting; what the unit found is still part of the report."""
    case = town.case()
    made, _token = handover.offer(
        case, to_unit=town.scene.agency, ask="Tolong cek", by=town.sari, now=town.now
    )
    cases.begin(case, by=town.sari, now=town.now)
    fresh = Handover.objects.select_related("case").get(pk=made.pk)
    handover.answer(fresh, name="Wayan", answer="Sudah diperbaiki tadi pagi", now=town.now)
    case.refresh_from_db()
    assert (fresh.state, case.state) == ("answered", "in_progress")
    other = town.case()
    made, _token = handover.offer(
        other, to_unit=town.scene.agency, ask="Tolong cek", by=town.sari, now=town.now
    )
    cases.begin(other, by=town.sari, now=town.now)
    fresh = Handover.objects.select_related("case").get(pk=made.pk)
    handover.refuse(fresh, name="Wayan", why="Jalan provinsi", rightful_unit=None, now=town.now)
    other.refresh_from_db()
    assert (fresh.state, other.state) == ("refused", "in_progress")
