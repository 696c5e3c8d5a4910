"""A list is walked as a person walks it: by the link to its next page, until there is none."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.http import HttpResponse
from django.test import Client

NEXT = re.compile(r'<a [^>]*rel="next" href="([^"]*)"')
MOST = 200  # pages; more is a circle


def walk(web: Client, address: str, name: str = "after") -> Iterator[Any]:
    """Every page of the list whose key is the parameter `name`, each below 100 kB."""
    place = urlsplit(address).path
    for _page in range(MOST):
        page: Any = web.get(address)
        assert page.status_code == 200, address
        assert len(page.content) < 100_000, f"{address}: {len(page.content)} bytes"
        yield page
        following = following_of(page, name)
        if not following:
            return
        assert following != address
        address = place + following if following.startswith("?") else following
    raise AssertionError(f"the list of {place} never ends")


def following_of(page: HttpResponse, name: str = "after") -> str:
    """Where the link leads that changes `name`, without its fragment; "" on the last page."""
    now = parse_qs(page.request["QUERY_STRING"])  # type: ignore[attr-defined]
    for found in NEXT.findall(page.content.decode()):
        asked = html.unescape(found).partition("#")[0]
        given = parse_qs(urlsplit(asked).query)
        if given.get(name) and given.get(name) != now.get(name):
            return asked
    return ""
