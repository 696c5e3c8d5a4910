"""The register of exempt information: what may not go out, why, by whose decision, until when."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tanggap.core import pages
from tanggap.core.errors import Refused
from tanggap.desk.door import desk
from tanggap.desk.forms import ReasonForm, refuse
from tanggap.desk.words import word
from tanggap.messaging import exempt
from tanggap.messaging.queries import exemptions

PAGE = 30
DAY = forms.DateInput({"type": "date"}, "%Y-%m-%d")


class EntryForm(forms.Form):
    letter = forms.ChoiceField(label=_("Class (UU 14/2008 art. 17)"))
    words = forms.CharField(
        label=_("Words that the check looks for"),
        widget=forms.Textarea({"rows": 3}),
        help_text=_("One phrase a line. A content with one of them is stopped."),
    )
    reason = forms.CharField(label=_("Reason"), widget=forms.Textarea({"rows": 3}))
    consequence_test = forms.CharField(
        label=_("Number of the consequence test (uji konsekuensi)"), max_length=120
    )
    decided_on = forms.DateField(label=_("Day of the decision"), widget=DAY)
    place = forms.CharField(label=_("Place"), max_length=120)
    expires_on = forms.DateField(
        label=_("Last day"), widget=DAY, help_text=_("An exemption has a duration.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["letter"].choices = [
            (letter, word(letter, "article_17")) for letter in exempt.LETTERS
        ]


@desk("exempt.read")
def listing(request: HttpRequest) -> HttpResponse:
    return page(request)


def page(
    request: HttpRequest, *, lifting: dict[int, forms.Form] | None = None, status: int = 200
) -> HttpResponse:
    today = request.now.astimezone(ZoneInfo(request.agency.zone)).date()
    everything = exemptions(request.scope)
    listed = pages.page(everything, after=request.GET.get("after", ""), size=PAGE)
    force = everything.filter(expires_on__gte=today, lifted_at=None).count()
    return render(
        request,
        "desk/exempt/list.html",
        {
            "rows": [
                (
                    row,
                    row.lifted_at is None and row.expires_on >= today,
                    (lifting or {}).get(row.pk) or ReasonForm(prefix=f"lift-{row.pk}"),
                )
                for row in listed.rows
            ],
            "page": listed,
            "title": ngettext(
                "%(n)d exemption is in force.", "%(n)d exemptions are in force.", force
            )
            % {"n": force}
            if force
            else gettext("Nothing is exempt."),
        },
        status=status,
    )


@desk("exempt.write")
def new(request: HttpRequest) -> HttpResponse:
    form = EntryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            exempt.register(
                request.agency,
                by=request.scope.person,
                now=request.now,
                **{**given, "words": given["words"].splitlines()},
            )
            messages.success(request, gettext("The entry is in the register."))
            return redirect("desk:exempt-list")
        except Refused as refusal:
            refuse(form, refusal)
    return render(
        request, "desk/exempt/form.html", {"form": form}, status=422 if form.errors else 200
    )


@desk("exempt.write")
@require_POST
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    row = exemptions(request.scope).filter(pk=pk, lifted_at=None).first()
    if row is None:
        raise Http404
    form = ReasonForm(request.POST, prefix=f"lift-{pk}")
    if not form.is_valid():
        return page(request, lifting={pk: form}, status=422)
    exempt.lift(row, reason=form.cleaned_data["reason"], by=request.scope.person, now=request.now)
    messages.success(request, gettext("It is open again. The entry stays in the register."))
    return redirect("desk:exempt-list")


urlpatterns = [
    path("", listing, name="exempt-list"),
    path("baru/", new, name="exempt-new"),
    path("<int:pk>/cabut/", lift, name="exempt-lift"),
]
