"""The switch that is always in sight: hold everything that waits to be sent, and let it go on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tanggap.accounts.models import Account
from tanggap.activities import crisis
from tanggap.activities.models import Hold
from tanggap.core import pages
from tanggap.core.errors import Refused
from tanggap.core.scope import Scope, scoped
from tanggap.desk import shell
from tanggap.desk.door import desk
from tanggap.desk.forms import ReasonForm, refuse
from tanggap.execution.publishing import queries

PAST = 10


class HoldForm(forms.Form):
    account = forms.ModelChoiceField(
        label=_("What is held?"),
        queryset=Account.objects.none(),
        required=False,
        empty_label=_("Everything of this agency"),
    )
    reason = forms.CharField(
        label=_("Why?"),
        widget=forms.Textarea({"rows": 2}),
        max_length=1000,
        help_text=_("The whole team sees it, and it stays on record."),
    )
    emergency_exempt = forms.BooleanField(
        label=_("Warnings that are marked as an emergency still go out"), required=False
    )

    def __init__(self, scope: Scope, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = (
            scoped(Account, scope).exclude(state="retired").order_by("display_name")
        )


@desk("hold")
def hold(request: HttpRequest) -> HttpResponse:
    scope = request.scope
    form = HoldForm(scope, request.POST or None, initial={"emergency_exempt": True})
    if request.method == "POST" and form.is_valid():
        account = form.cleaned_data["account"]
        leaving = queries.in_flight(scope, account).count()
        try:
            crisis.place(
                request.agency,
                reason=form.cleaned_data["reason"],
                account=account,
                emergency_exempt=form.cleaned_data["emergency_exempt"],
                in_flight=leaving,
                by=scope.person,
                now=request.now,
            )
        except Refused as refusal:
            refuse(form, refusal)
        else:
            said = gettext("Held. Nothing more goes out.")
            if leaving:
                said += " " + ngettext(
                    "%(n)d post was already on its way and cannot be called back.",
                    "%(n)d posts were already on their way and cannot be called back.",
                    leaving,
                ) % {"n": leaving}
            messages.warning(request, said)
            return redirect("desk:hold")
    return page(request, form)


def page(
    request: HttpRequest,
    form: forms.Form | None = None,
    *,
    lifting: dict[int, Any] | None = None,
    refusal: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    scope = request.scope
    waiting = queries.stoppable(scope).count()
    holds = [
        (one, (lifting or {}).get(one.pk) or ReasonForm(prefix=f"lift-{one.pk}"))
        for one in crisis.active(scope.readable)
    ]
    form = form or HoldForm(scope, initial={"emergency_exempt": True})
    return render(
        request,
        "desk/hold/hold.html",
        {
            "form": form,
            "holds": holds,
            "waiting": waiting,
            "flying": queries.in_flight(scope).count(),
            "may_lift": scope.may("hold.lift"),
            "refusal": refusal,
            "past": pages.page(
                scoped(Hold, scope)
                .exclude(lifted_at=None)
                .select_related("placed_by", "lifted_by", "account"),
                after=request.GET.get("after", ""),
                size=PAST,
            ),
        },
        status=422 if form.errors else status,
    )


@desk("hold.lift")
@require_POST
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    row = scoped(Hold, request.scope).filter(pk=pk).first()
    if row is None:
        raise Http404
    form = ReasonForm(request.POST, prefix=f"lift-{pk}")
    if not form.is_valid():
        return page(request, lifting={pk: form}, status=422)
    try:
        crisis.lift(
            row, reason=form.cleaned_data["reason"], by=request.scope.person, now=request.now
        )
    except Refused as refusal:
        return page(request, lifting={pk: form}, refusal=refusal, status=422)
    messages.success(
        request, gettext("Sending goes on. What became late in the meantime asks before it goes.")
    )
    return redirect("desk:hold")


@shell.hold
def in_force(scope: Scope, now: datetime) -> QuerySet[Hold]:
    return crisis.active(scope.readable)


urlpatterns = [
    path("", hold, name="hold"),
    path("<int:pk>/cabut/", lift, name="hold-lift"),
]
