""" "Anda sampaikan, kami lakukan" and the agency's figures, open to everybody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils import timezone

from tanggap.core import clock
from tanggap.core.membership import tenant_ids
from tanggap.core.models import Agency
from tanggap.core.scope import Scope, enter
from tanggap.execution.followup import queries
from tanggap.execution.followup.models import Announcement
from tanggap.public.cases import photo_url

PAGE = 20
SPAN = timedelta(days=90)


def listing(request: HttpRequest, agency: str) -> HttpResponse:
    owner = get_object_or_404(Agency, slug=agency)
    before = request.GET.get("sebelum", "")
    with enter(Scope(readable=tenant_ids(owner))), timezone.override(owner.zone):
        rows = queries.published(owner)
        if before.isdigit():
            rows = rows.filter(pk__lt=int(before))
        found = list(rows.order_by("-pk")[: PAGE + 1])
        return render(
            request,
            "public/results.html",
            {
                "agency": owner,
                "rows": found[:PAGE],
                "next": found[PAGE - 1].pk if len(found) > PAGE else None,
            },
        )


def one(request: HttpRequest, agency: str, slug: str) -> HttpResponse:
    owner = get_object_or_404(Agency, slug=agency)
    with enter(Scope(readable=tenant_ids(owner))), timezone.override(owner.zone):
        row = get_object_or_404(queries.published(owner), slug=slug)
        return render(
            request,
            "public/result.html",
            {
                "agency": owner,
                "row": row,
                "photos": _pair(row),
                "progress": queries.progress(row),
                "decision": row.recommendation,
            },
        )


def figures(request: HttpRequest, agency: str) -> HttpResponse:
    """Volume, time, terms kept, what changed; each number with what stands behind it."""
    owner, now = get_object_or_404(Agency, slug=agency), clock.now()
    with enter(Scope(readable=tenant_ids(owner))), timezone.override(owner.zone):
        return render(
            request,
            "public/accountability.html",
            {
                "agency": owner,
                "since": now - SPAN,
                "until": now,
                "figures": queries.accountability(owner, now - SPAN, now),
                "before": queries.accountability(owner, now - 2 * SPAN, now - SPAN),
                "changed": list(queries.published(owner)[:5]),
            },
        )


def _pair(row: Announcement) -> dict[str, Any]:
    case = row.case or (row.recommendation.finding.case if row.recommendation else None)
    found: dict[str, Any] = {}
    if case is not None and not case.sealed:
        for each in case.photos.filter(public=True).order_by("-pk"):
            found.setdefault(
                each.when,
                {"url": photo_url(each), "alt": each.caption, "at": each.taken_on or each.given_at},
            )
    return found


urlpatterns = [
    path("<slug:agency>/tindak-lanjut/", listing, name="results"),
    path("<slug:agency>/tindak-lanjut/<slug:slug>/", one, name="result"),
    path("<slug:agency>/akuntabilitas/", figures, name="accountability"),
]
