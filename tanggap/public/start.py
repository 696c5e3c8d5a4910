"""Where a citizen begins: the doors of one agency, and what was clarified and done last."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_safe

from tanggap.core.membership import tenant_ids
from tanggap.core.models import Agency
from tanggap.core.scope import Scope, enter
from tanggap.execution.followup.queries import published
from tanggap.execution.inbox.queries import clarifications
from tanggap.public.clarifications import said

NEWEST = 3


@require_safe
def start(request: HttpRequest, agency: str) -> HttpResponse:
    owner = get_object_or_404(Agency, slug=agency)
    ids = tenant_ids(owner)
    with enter(Scope(readable=ids)), timezone.override(owner.zone):
        return render(
            request,
            "public/start.html",
            {
                "agency": owner,
                "clarified": [(row, said(row)) for row in clarifications(sorted(ids))[:NEWEST]],
                "results": list(published(owner).order_by("-pk")[:NEWEST]),
            },
        )


urlpatterns = [path("<slug:agency>/", start, name="start")]
