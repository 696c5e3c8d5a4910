from __future__ import annotations

import io

import pytest
from PIL import Image

from tanggap.core.errors import Refused
from tanggap.messaging import media

pytestmark = pytest.mark.django_db


def photo(**save) -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "olive").save(out, "JPEG", **save)
    out.seek(0)
    return out


def test_the_place_and_the_device_do_not_come_along(agency, maker, now) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Telepon Pak Karto"
    exif.get_ifd(0x8825)[1] = "S"
    kept = media.upload(agency, photo(exif=exif), alt="Jembatan", by=maker, now=now)
    with Image.open(kept.file.path) as opened:
        assert not dict(opened.getexif())
        assert "exif" not in opened.info
    assert b"Pak Karto" not in kept.file.open().read()


def test_a_sideways_photo_stands_upright(agency, maker, now) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    kept = media.upload(agency, photo(exif=exif), by=maker, now=now)
    assert (kept.width, kept.height) == (480, 640)


@pytest.mark.parametrize("bad", [b"", b"<html>", b"\xff\xd8\xff\xe0 not a photo"])
def test_what_is_no_picture_is_refused_in_words(agency, maker, now, bad) -> None:
    with pytest.raises(Refused) as refusal:
        media.upload(agency, io.BytesIO(bad), by=maker, now=now)
    assert refusal.value.field == "file"
    assert refusal.value.next
