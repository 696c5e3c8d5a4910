"""Is this account really the government's? The public list of official accounts, and its JSON.

No sign-in, nothing kept of who asks. What is shown are facts of office: name, owner, decree.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from tanggap.accounts import connect
from tanggap.accounts.models import Account
from tanggap.accounts.queries import OFFICIAL, is_official, official
from tanggap.core import pages
from tanggap.core.models import Agency
from tanggap.core.scope import Scope, enter

PAGE = 100


def readers(agency: Agency | None) -> Scope:
    """A scope that may read what agencies list in public, and write nothing."""
    ids = Agency.objects.values_list("pk", flat=True)
    return Scope(agency=agency, readable=frozenset(ids))


@require_safe
def listing(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Every official account, or one agency's; `q` asks about one handle or address."""
    agency = get_object_or_404(Agency, slug=slug) if slug else None
    asked = request.GET.get("q", "").strip()[:300]
    with enter(readers(agency)):
        rows = official([agency.pk] if agency else None)
        found = is_official(asked, official()) if asked else None
        page = pages.page(rows, OFFICIAL, after=request.GET.get("sebelum", ""), size=PAGE)
        return render(
            request,
            "public/accounts.html",
            {
                "agency": agency or _only(),
                "slug": slug,
                "asked": asked,
                "found": found,
                "found_place": connect.place_of(found) if found else "",
                "groups": groups(page.rows),
                "next": page.after,
            },
        )


@require_safe
def as_json(request: HttpRequest, slug: str = "") -> JsonResponse:
    """The same for machines; anybody may read it from anywhere."""
    agency = get_object_or_404(Agency, slug=slug) if slug else None
    with enter(readers(agency)):
        rows = official([agency.pk] if agency else None)
        body: dict[str, Any] = {"accounts": [facts(row) for row in rows]}
        asked = request.GET.get("q", "").strip()[:300]
        if asked:
            found = is_official(asked, official())
            body = {
                "asked": asked,
                "official": found is not None,
                "account": facts(found) if found else None,
            }
    answer = JsonResponse(body, json_dumps_params={"ensure_ascii": False})
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cache-Control"] = "public, max-age=60"
    return answer


def facts(row: Account) -> dict[str, Any]:
    return {
        "name": row.display_name,
        "handle": row.handle,
        "network": connect.place_of(row),
        "url": row.url,
        "kind": row.kind,
        "agency": row.agency.name,
        "owner": row.owner_unit.name,
        "decree": row.decree_number,
        "opened_on": row.opened_on.isoformat() if row.opened_on else None,
    }


def groups(rows: list[Account]) -> list[tuple[Agency, list[dict[str, Any]]]]:
    """By agency, in the order of the query."""
    found: dict[int, tuple[Agency, list[dict[str, Any]]]] = {}
    for row in rows:
        _agency, lines = found.setdefault(row.agency_id, (row.agency, []))
        lines.append(
            {
                "row": row,
                "place": gettext(connect.place_of(row)),
            }
        )
    return list(found.values())


def _only() -> Agency | None:
    """The installation's agency, where it serves exactly one."""
    found = Agency.objects.filter(autonomous=True)[:2]
    return found[0] if len(found) == 1 else None


urlpatterns = [
    path("", listing, name="accounts"),
    path("akun.json", as_json, name="accounts-json"),
    path("<slug:slug>/", listing, name="accounts-of"),
    path("<slug:slug>/akun.json", as_json, name="accounts-of-json"),
]
