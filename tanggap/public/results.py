""" "Anda sampaikan, kami lakukan" and the agency's figures with their rows, open to everybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils import timezone

from tanggap.core import clock, pages
from tanggap.core.membership import tenant_ids
from tanggap.core.models import Agency
from tanggap.core.scope import Scope, enter
from tanggap.execution.followup import figures, queries
from tanggap.execution.followup.figures import Span
from tanggap.execution.followup.models import Announcement
from tanggap.public.cases import photo_url

PAGE = 20
SPAN = timedelta(days=90)
INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"


def listing(request: HttpRequest, agency: str) -> HttpResponse:
    owner = get_object_or_404(Agency, slug=agency)
    before = request.GET.get("sebelum", "")
    with enter(Scope(readable=tenant_ids(owner))), timezone.override(owner.zone):
        page = pages.page(queries.published(owner), after=before, size=PAGE)
        return render(
            request,
            "public/results.html",
            {
                "agency": owner,
                "rows": page.rows,
                "next": page.after,
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


def accountability(request: HttpRequest, agency: str) -> HttpResponse:
    """Volume, time, terms kept, what changed; each number with what stands behind it."""
    owner, now = get_object_or_404(Agency, slug=agency), clock.now()
    with enter(Scope(readable=tenant_ids(owner))), timezone.override(owner.zone):
        spans = [
            Span.of(owner, now - SPAN, now),
            Span.of(owner, now - 2 * SPAN, now - SPAN),
        ]
        found = [figures.figures(span) for span in spans]
        return render(
            request,
            "public/accountability.html",
            {
                "agency": owner,
                "since": now - SPAN,
                "until": now,
                "figures": found[0],
                "before": found[1],
                "where": [_where(span) for span in spans],
                "changed": list(queries.published(owner)[:5]),
            },
        )


def behind(request: HttpRequest, agency: str, what: str) -> HttpResponse:
    """The rows that one figure counts, newest first: what is public of each, never who wrote."""
    owner = get_object_or_404(Agency, slug=agency)
    since, until = (_instant(request.GET.get(name, "")) for name in ("dari", "sampai"))
    if what not in figures.BEHIND or since is None or until is None or until - since > 2 * SPAN:
        raise Http404
    before = request.GET.get("sebelum", "")
    with enter(Scope(readable=tenant_ids(owner))), timezone.override(owner.zone):
        span = Span.of(owner, since, until)
        rows = figures.BEHIND[what](span)
        total = rows.count()
        page = pages.page(rows, after=before, size=PAGE)
        return render(
            request,
            "public/behind.html",
            {
                "agency": owner,
                "what": what,
                "span": span,
                "total": total,
                "median": figures.median(rows) if what == "median_answer" else None,
                "kept": figures.terms_kept(span).count() if what == "on_time" else None,
                "rows": [_row(what, row) for row in page.rows],
                "next": page.after,
                "where": _where(span),
            },
        )


def _row(what: str, row: Any) -> dict[str, Any]:
    """What may be public of one row."""
    if what == "median_answer":
        return {"at": row.delivery.published_at, "took": figures.wait(row)}
    if what == "told":
        return {"at": row.delivery.published_at, "announcement": row.announcement}
    if what == "on_time":
        in_time = row.kept_at is not None and row.kept_at <= row.due_at
        return {"at": row.due_at, "case": row.case, "kept": in_time}
    if what == "people":
        return {"at": row.joined_at, "case": row.case}
    return {"at": row.resolved_at if what == "resolved" else row.opened_at, "case": row}


def _where(span: Span) -> str:
    """The span as the end of an address, to the microsecond: the same rows when it is opened."""
    return urlencode({"dari": span.since.strftime(INSTANT), "sampai": span.until.strftime(INSTANT)})


def _instant(typed: str) -> datetime | None:
    try:
        found = datetime.strptime(typed, INSTANT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return found if 2000 < found.year < 9000 else None


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
    path("<slug:agency>/akuntabilitas/", accountability, name="accountability"),
    path("<slug:agency>/akuntabilitas/<slug:what>/", behind, name="behind"),
]
