"""Files in and out: the web-analytics import, the return table as CSV."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from tanggap.core import pages
from tanggap.core.errors import Refused
from tanggap.core.pages import Page
from tanggap.core.scope import scoped
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.forms import refuse
from tanggap.desk.monitoring import period
from tanggap.desk.templatetags.words import number
from tanggap.desk.words import tables
from tanggap.monitoring import analytics as imports
from tanggap.monitoring import export as exports
from tanggap.monitoring import returns
from tanggap.monitoring.models import AnalyticsImport

PAGE, BAD = 20, 15


class FileForm(forms.Form):
    file = forms.FileField(
        label=_("Web-analytics file (CSV)"),
        max_length=200,
        help_text=_("At most 5 MB. Only days, pages and counts are kept, nothing about visitors."),
        widget=forms.ClearableFileInput({"accept": ".csv,text/csv,text/plain"}),
    )


@desk("monitor.write")
def analytics(request: DeskRequest) -> HttpResponse:
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        assert request.scope.person is not None
        try:
            made = imports.bring_in(
                request.agency,
                given.name,
                given.read(imports.LARGEST + 1),
                by=request.scope.person,
                now=request.now,
            )
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(
                request,
                ngettext(
                    "%(n)s row was brought in.", "%(n)s rows were brought in.", made.rows_taken
                )
                % {"n": number(made.rows_taken)},
            )
            return redirect("desk:monitoring-analytics")
    page = pages.page(
        scoped(AnalyticsImport, request.scope).select_related("by"),
        after=request.GET.get("after", ""),
        size=PAGE,
    )
    return render(
        request,
        "desk/monitoring/analytics.html",
        {
            "form": form,
            "newest": scoped(AnalyticsImport, request.scope).order_by("-pk").first(),
            "page": page,
            "imports": [(one, _bad(one, request)) for one in page.rows],
        },
        status=422 if form.errors else 200,
    )


def _bad(one: AnalyticsImport, request: DeskRequest) -> Page[dict[str, Any]]:
    """The rows of a file that were not taken."""
    after = request.GET.get(f"bad{one.pk}", "")
    return pages.within(one.refused, lambda row: row["line"], after=after, size=BAD)


@desk("export")
def export(request: DeskRequest) -> HttpResponse:
    """The table of this address as a file. Who took it, and when, is on record."""
    window, _form = period.read(request)
    table = tables()
    say = {
        code: str(said)
        for group in ("why_not", "number_source", "number_unit")
        for code, said in table[group].items()
    }
    assert request.scope.person is not None
    data = exports.returns_csv(
        window,
        returns.table(window),
        by=request.scope.person,
        now=request.now,
        unavailable=gettext("not available"),
        say=say,
    )
    answer = HttpResponse(data, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = (
        f'attachment; filename="tabel-hasil-{window.first}-{window.last}.csv"'
    )
    return answer
