"""Suspected misconduct (WBS): for those who handle it, and for nobody else. Every look is kept."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from tanggap.core.errors import Refused, Stale
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.forms import refuse
from tanggap.desk.inbox import forms
from tanggap.desk.inbox.thread import last, pane, show
from tanggap.execution.inbox import private, queries, reply
from tanggap.execution.inbox.models import KINDS, Conversation, Item


@desk("integrity")
def listing(request: DeskRequest) -> HttpResponse:
    found = pane(request, sealed=True)
    return render(request, "desk/inbox/panes.html", found)


@desk("integrity")
def thread(request: DeskRequest, pk: int) -> HttpResponse:
    found = find(request, pk)
    refusal = None
    if request.method == "POST":
        kind = request.POST.get("kind", "")
        try:
            if kind not in dict(KINDS):
                raise Refused(
                    gettext("Nothing was changed."),
                    gettext("No kind was chosen."),
                    gettext("Choose what it is instead."),
                )
            private.unseal(found, kind, by=request.user, now=request.now)
        except Refused as error:
            refusal = error
        else:
            messages.success(request, gettext("Opened: the team sees it now."))
            return redirect("desk:inbox-sealed")
    private.opened(found, by=request.user, now=request.now)
    return show(request, found.pk, sealed=True, refusal=refusal, status=422 if refusal else 200)


@require_POST
@desk("integrity")
def answer(request: DeskRequest, pk: int) -> HttpResponse:
    """Answer the reporter, in private only and without a second reader."""
    found, form = find(request, pk), forms.ReplyForm(request.POST)
    if not form.is_valid():
        return show(request, pk, form=form, sealed=True, status=422)
    given = form.cleaned_data
    item = Item.objects.filter(conversation=found, pk=given["item"] or 0).first() or last(found)
    if item is None:
        raise Http404
    try:
        reply.write(
            found,
            item,
            given["text"],
            by=request.user,
            now=request.now,
            private=True,
            seen_item_id=given["seen"],
            sealed=True,
        )
    except Refused as refusal:
        refuse(form, refusal)
        stale = isinstance(refusal, Stale)
        came = queries.since(found, given["seen"] or 0) if stale else []
        return show(request, pk, form=form, came=came, sealed=True, status=409 if stale else 422)
    messages.success(request, gettext("The private answer is on its way. Only you see it here."))
    return redirect("desk:inbox-sealed-thread", pk)


@require_POST
@desk("integrity", act="reveal")
def reporter(request: DeskRequest, pk: int) -> HttpResponse:
    """Who wrote it, for one page, with a reason on record."""
    found = find(request, pk)
    try:
        private.identify(found, request.POST.get("reason", ""), by=request.user, now=request.now)
    except Refused as refusal:
        return show(request, pk, sealed=True, refusal=refusal, status=422)
    return show(request, pk, sealed=True, named=True)


def find(request: DeskRequest, pk: int) -> Conversation:
    found = queries.conversation(request.scope, pk, sealed_ones=True)
    if found is None:
        raise Http404
    return found
