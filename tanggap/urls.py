"""Every address. A part that is not there has no addresses."""

from __future__ import annotations

from importlib.util import find_spec

from django.conf import settings
from django.urls import include, path
from django.views.i18n import set_language

PARTS = (
    ("", "tanggap.desk.urls"),
    ("", "tanggap.public.urls"),
    ("api/", "tanggap.api.urls"),
)

urlpatterns = [
    path("bahasa/", set_language, name="set_language"),
    path("masuk/", include("allauth.account.urls")),
    path("masuk/kunci/", include("allauth.mfa.urls")),
    # The guided story: in practice mode only.
    *([path("cerita/", include("tanggap.practice.story.pages"))] if settings.PRACTICE else []),
    *(path(prefix, include(module)) for prefix, module in PARTS if find_spec(module)),
]
