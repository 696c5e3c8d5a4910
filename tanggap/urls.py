"""Every address. A part that is not there has no addresses."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import include, path

PARTS = (
    ("", "tanggap.desk.urls"),
    ("", "tanggap.public.urls"),
    ("api/", "tanggap.api.urls"),
)

urlpatterns = [
    path("masuk/", include("allauth.account.urls")),
    path("masuk/kunci/", include("allauth.mfa.urls")),
    *(path(prefix, include(module)) for prefix, module in PARTS if find_spec(module)),
]
