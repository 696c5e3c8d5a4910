"""Saved answers (Jawaban baku)."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tanggap.core import pages
from tanggap.core.errors import Refused
from tanggap.core.models import Agency
from tanggap.core.scope import Scope, scoped
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.forms import refuse
from tanggap.execution.inbox import answers
from tanggap.execution.inbox.models import SavedAnswer

PAGE = 50
HALF_YEAR = timedelta(days=182)


class AnswerForm(forms.Form):
    title = forms.CharField(label=_("Question"), max_length=200)
    text = forms.CharField(label=_("Answer"), widget=forms.Textarea({"rows": 5, "data-keep": "a"}))
    unit = forms.ModelChoiceField(
        label=_("Owner unit"),
        queryset=Agency.objects.none(),
        help_text=_("Who knows whether it is still true."),
    )
    source = forms.CharField(
        label=_("Source"), max_length=300, help_text=_("Legal basis or document.")
    )
    valid_until = forms.DateField(
        label=_("Valid until"),
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
        help_text=_("After this day it cannot be inserted until somebody says that it holds."),
    )

    def __init__(self, scope: Scope, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["unit"].queryset = Agency.objects.filter(  # type: ignore[attr-defined]
            pk__in=scope.readable
        ).order_by("short_name")


@desk("answers.write")
def listing(request: DeskRequest) -> HttpResponse:
    text, now = request.GET.get("q", "").strip()[:200], request.now
    found = answers.search(request.scope, text)
    page = pages.page(found, answers.ORDER, after=request.GET.get("after", ""), size=PAGE)
    today = answers.today(request.agency, now)
    stale = found.filter(valid_until__lt=today).count()
    return render(
        request,
        "desk/answers/list.html",
        {
            "rows": [(row, row.valid_until >= today) for row in page.rows],
            "page": page,
            "q": text,
            "suggested": today + HALF_YEAR,
            "finding": ngettext(
                "%(n)d answer is past its day", "%(n)d answers are past their day", stale
            )
            % {"n": stale}
            if stale
            else gettext("All answers are valid"),
        },
    )


@desk("answers.write")
def new(request: DeskRequest) -> HttpResponse:
    form = AnswerForm(
        request.scope,
        request.POST or None,
        initial={"valid_until": answers.today(request.agency, request.now) + HALF_YEAR},
    )
    if request.method == "POST" and form.is_valid():
        try:
            answers.save(request.agency, by=request.user, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, gettext("The answer is saved."))
            return redirect("desk:answers-list")
    return render(
        request, "desk/answers/form.html", {"form": form}, status=422 if form.errors else 200
    )


@desk("answers.write")
def edit(request: DeskRequest, pk: int) -> HttpResponse:
    row = one(request, pk)
    form = AnswerForm(
        request.scope,
        request.POST or None,
        initial={
            "title": row.title,
            "text": row.text,
            "unit": row.unit_id,
            "source": row.source,
            "valid_until": row.valid_until,
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            answers.edit(row, by=request.user, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, gettext("The answer is saved."))
            return redirect("desk:answers-list")
    return render(
        request,
        "desk/answers/form.html",
        {"form": form, "row": row},
        status=422 if form.errors else 200,
    )


@require_POST
@desk("answers.write")
def confirm(request: DeskRequest, pk: int) -> HttpResponse:
    """It still holds, for half a year more."""
    until = answers.today(request.agency, request.now) + HALF_YEAR
    answers.confirm(one(request, pk), valid_until=until, by=request.user, now=request.now)
    messages.success(request, gettext("Confirmed for another half year."))
    return redirect("desk:answers-list")


@require_POST
@desk("answers.write")
def retire(request: DeskRequest, pk: int) -> HttpResponse:
    answers.retire(one(request, pk), by=request.user, now=request.now)
    messages.success(request, gettext("The answer is offered no more."))
    return redirect("desk:answers-list")


def one(request: DeskRequest, pk: int) -> SavedAnswer:
    row = (
        scoped(SavedAnswer, request.scope)
        .select_related("unit", "agency")
        .filter(pk=pk, retired_at=None)
        .first()
    )
    if row is None:
        raise Http404
    return row


urlpatterns = [
    path("", listing, name="answers-list"),
    path("baru/", new, name="answers-new"),
    path("<int:pk>/", edit, name="answers-edit"),
    path("<int:pk>/masih-benar/", confirm, name="answers-confirm"),
    path("<int:pk>/cabut/", retire, name="answers-retire"),
]
