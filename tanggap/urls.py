"""Every address. A part that is not there has no addresses."""

from __future__ import annotations

from importlib.util import find_spec

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path
from django.views.i18n import set_language

PARTS = (
    ("", "tanggap.desk.urls"),
    ("", "tanggap.public.urls"),
    ("", "tanggap.api.door"),
    ("api/", "tanggap.api.urls"),
)


def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it by themselves, on pages that name none too."""
    return redirect(static("img/mark.svg"))


urlpatterns = [
    path("favicon.ico", favicon),
    path("bahasa/", set_language, name="set_language"),
    path("masuk/", include("allauth.account.urls")),
    path("masuk/kunci/", include("allauth.mfa.urls")),
    # The guided story: in practice mode only.
    *([path("cerita/", include("tanggap.practice.story.pages"))] if settings.PRACTICE else []),
    *(path(prefix, include(module)) for prefix, module in PARTS if find_spec(module)),
]
