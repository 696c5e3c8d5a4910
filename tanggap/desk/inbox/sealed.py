"""Suspected misconduct (WBS): for those who handle it, and for nobody else. Every look is kept."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext

from tanggap.core.errors import Refused
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.inbox.thread import pane, show
from tanggap.execution.inbox import private, queries
from tanggap.execution.inbox.models import KINDS


@desk("integrity")
def listing(request: DeskRequest) -> HttpResponse:
    found = pane(request, sealed=True)
    for line in found["lines"]:
        line.href = reverse("desk:inbox-sealed-thread", args=[line.row.pk])
    return render(request, "desk/inbox/panes.html", found)


@desk("integrity")
def thread(request: DeskRequest, pk: int) -> HttpResponse:
    found = queries.conversation(request.scope, pk, sealed_ones=True)
    if found is None:
        raise Http404
    refusal = None
    if request.method == "POST":
        kind = request.POST.get("kind", "")
        try:
            if kind not in dict(KINDS):
                raise Refused(gettext("Nothing was changed."), gettext("No kind was chosen."),
                              gettext("Choose what it is instead."))
            private.unseal(found, kind, by=request.user, now=request.now)
        except Refused as error:
            refusal = error
        else:
            messages.success(request, gettext("Opened: the team sees it now."))
            return redirect("desk:inbox-sealed")
    private.opened(found, by=request.user, now=request.now)
    return show(request, found, sealed=True, refusal=refusal, status=422 if refusal else 200)
