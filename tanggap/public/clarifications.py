"""What is true: decided claims with their verdict and sources, open to everybody.

Verdicts are claims of fact judged by the lead (execution/inbox/claims.py), never of a person; who
spread the claim and where is nowhere on these pages. Each page carries schema.org ClaimReview.
"""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from tanggap.core import pages
from tanggap.core.membership import tenant_ids
from tanggap.core.models import Agency
from tanggap.core.scope import Scope, enter
from tanggap.execution.inbox.models import Claim
from tanggap.execution.inbox.queries import clarifications
from tanggap.execution.inbox.tables import verdict, verdicts, words

PAGE = 20
# What would end a script element; JSON reads the escapes as the same letters.
UNSAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


@require_safe
def listing(request: HttpRequest, agency: str) -> HttpResponse:
    """Newest first; `sebelum` is the id of the last one of the page before."""
    owner = get_object_or_404(Agency, slug=agency)
    before = request.GET.get("sebelum", "")
    ids = tenant_ids(owner)
    with enter(Scope(readable=ids)), timezone.override(owner.zone):
        page = pages.page(clarifications(sorted(ids)), after=before, size=PAGE)
        return render(
            request,
            "public/clarifications.html",
            {
                "agency": owner,
                "rows": [(row, said(row)) for row in page.rows],
                "next": page.after,
            },
        )


@require_safe
def one(request: HttpRequest, agency: str, pk: int) -> HttpResponse:
    owner = get_object_or_404(Agency, slug=agency)
    ids = tenant_ids(owner)
    with enter(Scope(readable=ids)), timezone.override(owner.zone):
        row = get_object_or_404(clarifications(sorted(ids)).select_related("correction"), pk=pk)
        return render(
            request,
            "public/clarification.html",
            {
                "agency": owner,
                "row": row,
                "said": said(row),
                "sources": row.sources.all(),
                "table": verdicts(),
                "review": script(review(row, owner, request.build_absolute_uri(request.path))),
            },
        )


def said(row: Claim) -> dict[str, str]:
    """The verdict in words, with its tone; both from the table of verdicts."""
    found = verdict(row.verdict)
    if found is None:
        return {"words": row.verdict, "tone": ""}
    return {"words": words(found), "tone": "done" if found["tone"] == "kept" else found["tone"]}


def review(row: Claim, owner: Agency, address: str) -> dict[str, Any]:
    """schema.org ClaimReview; the scale is the table's order, so only the words are given."""
    assert row.decided_at is not None
    by: dict[str, Any] = {"@type": "GovernmentOrganization", "name": owner.name}
    if owner.website:
        by["url"] = owner.website
    return {
        "@context": "https://schema.org",
        "@type": "ClaimReview",
        "url": address,
        "datePublished": timezone.localtime(row.decided_at).isoformat(timespec="seconds"),
        "inLanguage": "id",
        "author": by,
        "claimReviewed": row.text,
        "itemReviewed": {
            "@type": "Claim",
            "datePublished": timezone.localtime(row.first_seen_at).date().isoformat(),
        },
        "reviewRating": {"@type": "Rating", "alternateName": said(row)["words"]},
        "reviewBody": row.explanation,
        "citation": [
            {
                "@type": "CreativeWork",
                "name": one.title,
                **({"url": one.url} if one.url else {}),
                **({"identifier": one.document} if one.document else {}),
            }
            for one in row.sources.all()
        ],
    }


def script(told: dict[str, Any]) -> SafeString:
    """JSON for a data block: nothing in it can close the element."""
    text = json.dumps(told, ensure_ascii=False).translate(UNSAFE)
    return mark_safe(text)  # noqa: S308 - every "<", ">" and "&" is escaped above


urlpatterns = [
    path("<slug:agency>/klarifikasi/", listing, name="clarifications"),
    path("<slug:agency>/klarifikasi/<int:pk>/", one, name="clarification"),
]
