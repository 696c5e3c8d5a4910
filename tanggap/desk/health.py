"""Is the installation well? For the operator: what must be done, and what each part last did."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext, ngettext

from tanggap.core.scope import Scope
from tanggap.desk.door import DeskRequest, desk
from tanggap.health import figures, work
from tanggap.health.examine import examine
from tanggap.health.findings import Finding
from tanggap.health.models import Tick


@desk("health.read")
def listing(request: DeskRequest) -> HttpResponse:
    """First what needs somebody, with the way to mend it; then everything that is well."""
    agencies, now = request.scope.readable, request.now
    found = examine(agencies, now)
    ill = [one for one in found if not one.well]
    return render(
        request,
        "desk/health/list.html",
        {
            "title": title(ill),
            "ill": ill,
            "well": [one for one in found if one.well],
            "accounts": figures.accounts(agencies, now),
            "ticks": [
                {"row": row, "name": work.name(row), "late": work.is_late(row, now)}
                for row in Tick.objects.order_by("name")
            ],
            "numbers": numbers(request.scope, request),
        },
    )


def title(ill: list[Finding]) -> str:
    """The finding: nothing to do, or how much."""
    if not ill:
        return gettext("The system is well.")
    return ngettext(
        "%(n)d thing needs the operator.", "%(n)d things need the operator.", len(ill)
    ) % {"n": len(ill)}


def numbers(scope: Scope, request: DeskRequest) -> dict[str, Any]:
    """How much waits, and how late it left."""
    states = figures.deliveries(scope.readable)
    return {
        "waiting": sum(states[one] for one in ("queued", "preparing", "ready", "held", "late")),
        "asked": states["asked"],
        "lateness": figures.lateness(scope.readable, request.now),
        "overdue": figures.overdue(scope.readable, request.now).count,
        "sealed": figures.sealing(scope.readable).sealed,
        "megabytes": figures.database_bytes() // 1_000_000,
    }


urlpatterns = [path("", listing, name="health-list")]
