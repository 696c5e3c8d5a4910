"""The regency at its first minute, for each story anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.stories.opening import opened
from tests.stories.regency import Regency


@pytest.fixture
def regency(
    browser: Any, django_db_setup: None, migrated: str, django_db_blocker: Any, tmp_path: Path
) -> Iterator[Regency]:
    with django_db_blocker.unblock(), opened(browser, migrated, tmp_path) as place:
        yield place


@pytest.fixture
def photo(tmp_path: Path) -> Callable[[str], Path]:
    """photo("jembatan"): a picture from a phone, with its owner and the place in it."""

    def make(name: str) -> Path:
        path = tmp_path / f"{name}.jpg"
        exif = Image.Exif()
        exif[0x010F] = "KameraWayan"
        exif[0x8825] = {1: "S", 2: (7.0, 1.0, 2.0), 3: "E", 4: (108.0, 3.0, 4.0)}
        Image.new("RGB", (640, 480), "sienna").save(path, exif=exif)
        return path

    return make
