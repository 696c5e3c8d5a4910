"""A NUL byte in an address, a question or a form is answered with 400, in words."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/resmi/?q=a%00b", "/tindak/a%00b/", "/masuk/login/?next=%00"])
def test_a_nul_byte_is_refused_in_words(path):
    answer = Client().get(path)
    assert answer.status_code == 400 and "<h1>" in answer.content.decode()


def test_a_form_with_a_nul_byte_too():
    assert Client().post("/masuk/login/", {"login": "a\x00b", "password": "x"}).status_code == 400
