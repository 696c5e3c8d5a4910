"""One morning the network no longer knows our token. The account pauses itself and says so, its
queue waits, the operator connects it again in the browser, and everything goes on, once."""

from __future__ import annotations

import pytest

from tanggap.accounts import connect
from tanggap.practice import network as net
from tests.stories.preparing import account, at_hour, scheduled
from tests.stories.regency import Regency, plain

pytestmark = [pytest.mark.browser, pytest.mark.long(35)]

SEVEN = "Dukcapil keliling hari ini di Balai Desa Cikaret, 08.00–12.00 WIB. Gratis."
EIGHT = "Imunisasi campak gratis mulai besok di semua puskesmas. Bawa buku KIA."


def test_an_expired_token(regency: Regency):
    scheduled(regency, "Dukcapil keliling", SEVEN, at="07:00")
    scheduled(regency, "Jadwal vaksin campak", EIGHT, at="08:00")
    somebody_withdraws_the_token(regency)

    at_hour(regency, 7, 5)
    assert regency.posts() == []

    ratna = regency.on_phone("ratna")
    ratna.goes("/")
    ratna.sees("1 akun terputus dari jejaring", "Akun yang dijeda", "2 tayangan menunggu")
    ratna.shot("token-hari-ini")

    # Nothing is tried behind her back while it is paused.
    at_hour(regency, 7, 15)
    assert regency.posts() == []

    bayu_connects_it_again(regency)

    at_hour(regency, 7, 25)
    assert said(regency) == [SEVEN]
    at_hour(regency, 8, 5)
    assert said(regency) == [SEVEN, EIGHT]
    # Long after, still once each.
    at_hour(regency, 9, 0)
    assert said(regency) == [SEVEN, EIGHT]

    ratna.goes("/")
    ratna.does_not_see("terputus dari jejaring", "Akun yang dijeda")


def somebody_withdraws_the_token(regency: Regency) -> None:
    net.revoke(regency.network, connect.credentials(account(regency))["access_token"])


def bayu_connects_it_again(regency: Regency) -> None:
    """In the browser, on the network's own page."""
    bayu = regency.at_desk("bayu")
    bayu.sees("1 akun terputus dari jejaring")
    bayu.opens("Pemkab Sukamaju")
    bayu.sees("Jejaring tidak menerima izin akses kita", "2 tayangan menunggu di belakangnya")
    bayu.opens("Sambungkan lagi")
    bayu.presses("Lanjut ke 127.0.0.1")
    bayu.opens("Buka 127.0.0.1")
    bayu.sees("pemkab")
    bayu.presses("pemkab")
    bayu.sees("Pemkab Sukamaju sudah tersambung", "Tersambung")
    bayu.shot("token-tersambung")


def said(regency: Regency) -> list[str]:
    """What stands on the network, oldest first."""
    return [plain(row["content"]) for row in reversed(regency.posts())]
