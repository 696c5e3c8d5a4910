"""Behind a proxy, limits count by the citizen's address, which the citizen cannot choose."""

from __future__ import annotations

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse
from django.test import RequestFactory

from tanggap.core.proxy import real_address


@pytest.mark.parametrize(
    ("proxies", "forwarded", "seen"),
    [
        (1, "10.1.2.3", "10.1.2.3"),
        (1, "6.6.6.6, 10.1.2.3", "10.1.2.3"),
        (2, "6.6.6.6, 10.1.2.3, 10.0.0.1", "10.1.2.3"),
        (2, "6.6.6.6", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_the_address_that_our_own_proxy_saw(settings, proxies, forwarded, seen):
    settings.PROXIES = proxies
    respond = real_address(lambda request: HttpResponse(request.META["REMOTE_ADDR"]))
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})
    assert respond(request).content.decode() == seen


def test_without_a_proxy_the_header_says_nothing(settings):
    settings.PROXIES = 0
    with pytest.raises(MiddlewareNotUsed):
        real_address(lambda request: HttpResponse())
