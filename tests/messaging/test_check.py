"""What stops a message, what only warns, and what each says."""

from __future__ import annotations

import pytest

from tanggap.core.errors import Refused
from tanggap.messaging import approve, check, draft
from tanggap.messaging.models import Exemption, Media

pytestmark = pytest.mark.django_db


def answers(message, now) -> dict[str, str]:
    return {one.rule: one.verdict for one in check.run(message, now)}


def test_a_good_message_passes_everything(message, now) -> None:
    assert not check.stopping(check.run(message, now))
    assert set(answers(message, now)) == {rule.__name__ for rule in check.RULES}


@pytest.mark.parametrize(
    ("fields", "rule", "verdict"),
    [
        ({"openness": ""}, "openness", "block"),
        ({"source": ""}, "source", "warn"),
        ({"core": "Hubungi bidan di 0812-3456-7890."}, "personal_data", "block"),
        ({"core": "NIK saya 3204012505900001."}, "personal_data", "block"),
        ({"core": "Nama pelapor ada di polsek."}, "exempt_pattern", "block"),
        ({"core": "x" * 501}, "length", "block"),
        ({"tone": "humour", "core": "Korban longsor, ayo senyum."}, "humour", "block"),
    ],
)
def test_each_rule_finds_its_fault(message, maker, now, fields, rule, verdict) -> None:
    draft.edit(message, by=maker, now=now, **fields)
    found = next(one for one in check.run(message, now) if one.rule == rule)
    assert found.verdict == verdict
    assert found.what
    assert found.why
    assert found.next


def test_ease_of_reading_is_judged_in_its_own_language(message, maker, now) -> None:
    long = "Vaksin " + "kangge bocah wonten ing puskesmas " * 12
    draft.edit(message, by=maker, now=now, core=long)
    assert answers(message, now)["plain_language"] == "warn"
    draft.edit(message, by=maker, now=now, language="jv")
    found = [one for one in check.run(message, now) if one.rule == "plain_language"]
    assert [one.verdict for one in found] == ["pass"]
    assert "Indonesia" in found[0].what


def test_an_address_counts_as_the_server_counts_it(message, account, maker, now) -> None:
    account.limits = {}
    text = "a" * 470 + " https://sukamaju.example/" + "b" * 200
    draft.edit(message, core=text, by=maker, now=now)
    assert answers(message, now)["length"] == "pass"
    draft.edit(message, core="aaaaaaa" + text, by=maker, now=now)
    assert answers(message, now)["length"] == "block"


def test_a_register_entry_blocks_even_after_the_ppid_officer(
    message, maker, checker, member, agency, now
) -> None:
    ppid = member("ppid")
    Exemption.objects.create(
        agency=agency,
        article="17 c",
        words=["denah gudang amunisi"],
        reason="Pertahanan.",
        consequence_test="UK/3/2026",
        decided_by=ppid,
        decided_on=now.date(),
        place="Lumbung",
        expires_on=now.date().replace(year=2031),
    )
    draft.edit(message, core="Inilah denah gudang amunisi kita.", by=maker, now=now)
    with pytest.raises(Refused):
        approve.submit(message, by=maker, now=now)


def test_a_picture_without_words_is_not_published(message, maker, agency, now) -> None:
    picture = Media.objects.create(
        agency=agency,
        file="media/x.png",
        sha256=b"1" * 32,
        mime="image/png",
        size=9,
        alt="",
        uploaded_at=now,
    )
    draft.illustrate(message, [picture], by=maker, now=now)
    assert answers(message, now)["alt_text"] == "block"
