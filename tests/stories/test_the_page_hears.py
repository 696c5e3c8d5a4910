"""Nobody presses "reload": what citizens write, and who else is at it, comes to the open page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tanggap.practice import world
from tests.stories.regency import PATIENCE, Regency

CITIZEN = world.messages()[0]
pytestmark = [pytest.mark.browser, pytest.mark.long(30)]


def test_the_open_page_hears_a_citizen_and_a_colleague(regency: Regency):
    ratna = regency.at_desk("ratna")
    ratna.goes("/pesan/")
    first = regency.citizen_says(
        CITIZEN.citizen, "Kapan jembatan Cikaret dibuka lagi?", mention="pemkab"
    )
    regency.later(minutes=1)
    line = ratna.page.locator("[data-part=list]").get_by_text("Kapan jembatan Cikaret dibuka lagi?")
    expect(line).to_be_visible(timeout=PATIENCE)
    ratna.opens(CITIZEN.name)

    # The same citizen writes on while it is open.
    regency.citizen_says(
        CITIZEN.citizen, "@pemkab Anak saya sekolah di seberang.", reply_to=first["id"]
    )
    regency.later(minutes=1)
    said = ratna.page.locator("[data-part=said]").get_by_text("Anak saya sekolah di seberang.")
    expect(said).to_be_visible(timeout=PATIENCE)

    # A colleague opens it too, and each is told of the other.
    sari = regency.at_desk("sari")
    sari.goes(ratna.page.url)
    there = ratna.page.locator("[data-presence]")
    expect(there).to_contain_text(sari.person.name, timeout=PATIENCE)
    sari.page.locator("[data-keep=reply]").first.press_sequentially("Selamat")
    expect(there).to_contain_text("sedang menulis", timeout=PATIENCE)
    ratna.shot("halaman-mendengar")
