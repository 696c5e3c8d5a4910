"""The network is down all morning. Nothing is lost: the queue waits, says how late it is, sends by
itself what is still timely, and asks a person about what is not."""

from __future__ import annotations

import pytest

from tanggap.practice import network as net
from tests.stories.preparing import at_hour, scheduled
from tests.stories.regency import Regency, plain

pytestmark = [pytest.mark.browser, pytest.mark.long(40)]

EARLY = "Dukcapil keliling hari ini mulai 08.00 WIB di Balai Desa Cikaret. Gratis."
SECOND = "Pasar murah hari ini 07.30–09.00 WIB di alun-alun. Bawa KTP."
LATER = "Imunisasi campak gratis mulai besok di semua puskesmas. Bawa buku KIA."


def test_the_network_is_down_all_morning(regency: Regency):
    scheduled(regency, "Dukcapil keliling", EARLY, at="06:30")
    scheduled(regency, "Pasar murah", SECOND, at="06:40")
    scheduled(regency, "Jadwal vaksin campak", LATER, at="09:30")
    net.cut(regency.network)

    at_hour(regency, 6, 50)
    dimas = regency.at_desk("dimas")
    dimas.opens("Penayangan")
    dimas.sees("Dukcapil keliling", "lewat 20 menit", "Jejaring tidak dapat dihubungi")
    dimas.shot("putus-antrean")

    # By nine nobody wants yesterday's news without a word.
    at_hour(regency, 9, 0)
    dimas.goes("/penayangan/")
    dimas.sees("lewat 2 jam")
    assert regency.posts() == []

    net.mend(regency.network)
    at_hour(regency, 9, 20)
    assert said(regency) == [], "What is late went out without a person's word."

    ratna = regency.on_phone("ratna")
    ratna.goes("/penayangan/")
    ratna.opens("Dukcapil keliling hari ini")
    ratna.sees("Masih ditayangkan?")
    ratna.shot("putus-tanya")
    ratna.presses("Ya, tayangkan sekarang")
    ratna.goes("/penayangan/")
    ratna.opens("Pasar murah hari ini")
    ratna.presses("Tidak, batalkan")
    at_hour(regency, 9, 25)
    assert said(regency) == [EARLY]

    # What is in time asks nobody.
    at_hour(regency, 9, 40)
    assert said(regency) == [EARLY, LATER]
    at_hour(regency, 10, 30)
    assert said(regency) == [EARLY, LATER]


def test_an_answer_that_was_lost_is_looked_up_and_not_sent_twice(regency: Regency):
    scheduled(regency, "Dukcapil keliling", EARLY, at="06:30")
    at_hour(regency, 6, 29)
    net.lose_answers(regency.network, 1)
    at_hour(regency, 6, 31)
    net.mend(regency.network)
    at_hour(regency, 7, 30)
    assert said(regency) == [EARLY]
    dimas = regency.at_desk("dimas")
    dimas.goes("/penayangan/?span=all&group=done")
    dimas.sees("Dukcapil keliling", "Tayang")


def said(regency: Regency) -> list[str]:
    """What stands on the network, oldest first."""
    return [plain(row["content"]) for row in reversed(regency.posts())]
