"""What one presses beside a conversation."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from tanggap.core.errors import Refused
from tanggap.core.models import Person
from tanggap.core.scope import scoped
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.forms import refuse
from tanggap.desk.inbox import forms, shown
from tanggap.desk.inbox.thread import back, find, whole
from tanggap.desk.inbox.thread import show as page
from tanggap.execution.inbox import (
    assign,
    moderate,
    notes,
    presence,
    queries,
    reply,
    snooze,
    triage,
)
from tanggap.execution.inbox.models import Item, Suggestion
from tanggap.execution.inbox.tables import house_rules, words


@require_POST
@desk("inbox.write")
def note(request: DeskRequest, pk: int) -> HttpResponse:
    found, form = find(request, pk), forms.NoteForm(request.POST)
    form.is_valid()
    try:
        notes.add(found, form.cleaned_data.get("note", ""), by=request.user, now=request.now)
    except Refused as refusal:
        refuse(form, refusal)
        return page(request, found.pk, note=form, status=422)
    messages.success(request, gettext("The note is added."))
    return back(request, pk)


@require_POST
@desk("inbox.write")
def give(request: DeskRequest, pk: int) -> HttpResponse:
    found, person = find(request, pk), whole(request.POST.get("person"))
    who = Person.objects.filter(pk=person).first() if person else None
    try:
        assign.assign(found, who, by=request.user, now=request.now)
    except Refused as refusal:
        return page(request, found.pk, refusal=refusal, status=422)
    messages.success(
        request,
        gettext("%(name)s answers this.") % {"name": who.name}
        if who
        else gettext("Nobody is assigned now."),
    )
    return back(request, pk)


@require_POST
@desk("inbox.write")
def put_off(request: DeskRequest, pk: int) -> HttpResponse:
    found = find(request, pk)
    try:
        if request.POST.get("wake"):
            snooze.wake(found, by=request.user, now=request.now)
            messages.success(request, gettext("It is in the list again."))
            return back(request, pk)
        form = forms.SnoozeForm(request.POST)
        if not form.is_valid():
            raise Refused(
                gettext("Nothing was changed."),
                gettext("This is no date and time."),
                gettext("Choose a day and an hour."),
            )
        snooze.snooze(found, form.cleaned_data["until"], by=request.user, now=request.now)
    except Refused as refusal:
        return page(request, found.pk, refusal=refusal, status=422)
    messages.success(request, gettext("Put off. A new word of the citizen brings it back."))
    return back(request, pk)


@require_POST
@desk("inbox.write")
def done(request: DeskRequest, pk: int) -> HttpResponse:
    found, act = find(request, pk), request.POST.get("act", "quiet")
    try:
        if act == "reopen":
            snooze.reopen(found, by=request.user, now=request.now)
        elif act == "spam":
            moderate.spam(found, by=request.user, now=request.now)
        else:
            snooze.quiet(found, by=request.user, now=request.now)
    except Refused as refusal:
        return page(request, found.pk, refusal=refusal, status=422)
    messages.success(
        request,
        gettext("It is open again.")
        if act == "reopen"
        else gettext("Done. It leaves the list until the citizen writes again."),
    )
    following = whole(request.POST.get("following")) if act == "next" else 0
    return back(request, following or pk)


@require_POST
@desk("inbox.write")
def label(request: DeskRequest, pk: int) -> HttpResponse:
    """What a person says it is: each field that changed."""
    found = find(request, pk)
    urgency = {0: "danger", 1: "urgent", 2: "normal"}[found.urgency]
    before = {
        "kind": found.kind,
        "urgency": urgency,
        "place": found.place,
        "unit": found.unit.slug if found.unit else "",
    }
    try:
        for field, old in before.items():
            value = request.POST.get(field, old).strip()
            if value != old and (value or field != "kind"):
                triage.label(found, field, value, by=request.user, now=request.now)
    except Refused as refusal:
        return page(request, found.pk, refusal=refusal, status=422)
    if found.sealed:
        messages.success(request, gettext("Sealed: only those who handle such reports see it now."))
        return redirect("desk:inbox-list")
    messages.success(request, gettext("Saved."))
    return back(request, pk)


@require_POST
@desk("inbox.write")
def suggestion(request: DeskRequest, pk: int) -> HttpResponse:
    row = (
        scoped(Suggestion, request.scope)
        .filter(pk=pk, item__conversation__sealed=False)
        .select_related("item__conversation")
        .first()
    )
    if row is None or row.item.conversation_id is None:
        raise Http404
    triage.accept(row, by=request.user, now=request.now)
    messages.success(request, gettext("Agreed. It is your word now."))
    return back(request, row.item.conversation_id)


@require_POST
@desk("inbox.write")
def ask(request: DeskRequest, pk: int) -> HttpResponse:
    item = item_of(request, pk)
    found = find(request, item.conversation_id or 0)
    try:
        reply.ask_to_remove(found, item, by=request.user, now=request.now)
    except Refused as refusal:
        return page(request, found.pk, refusal=refusal, status=422)
    messages.success(request, gettext("The private request is on its way."))
    return back(request, found.pk)


@desk("moderate")
def hide(request: DeskRequest, pk: int) -> HttpResponse:
    item = item_of(request, pk)
    form = forms.HideForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                moderate.hide(
                    item,
                    form.cleaned_data["reason"],
                    form.cleaned_data["note"],
                    by=request.user,
                    now=request.now,
                )
            except Refused as refusal:
                refuse(form, refusal)
            else:
                messages.success(request, gettext("Hidden. The original is kept."))
                return back(request, item.conversation_id or 0)
    last = item.revisions.order_by("-number").first() or item
    return render(
        request,
        "desk/inbox/hide.html",
        {
            "item": item,
            "form": form,
            "text": last.text,
            "personal": last.personal,
            "name": shown.name_of(item.author),
            "on_network": moderate.on_network(item),
            "rule": words(house_rules()["criticism"]),
            "source": house_rules()["source"],
            "rules": house_rules()["reasons"],
        },
        status=status,
    )


@require_POST
@desk("moderate")
def show(request: DeskRequest, pk: int) -> HttpResponse:
    item = item_of(request, pk)
    moderate.show(item, request.POST.get("note", ""), by=request.user, now=request.now)
    messages.success(request, gettext("It is shown again."))
    return back(request, item.conversation_id or 0)


@require_http_methods(["GET", "POST"])
@desk("inbox.read")
def present(request: DeskRequest, pk: int) -> HttpResponse:
    """Who else has it open. Sent, it says that one is here, and with `writing` that one writes."""
    found = find(request, pk)
    if request.method == "POST":
        writes = request.POST.get("writing")
        presence.beat(
            found, request.user, now=request.now, writing=None if writes is None else writes == "1"
        )
    return render(
        request,
        "desk/inbox/presence.html",
        {"others": presence.others(found, request.user, request.now)},
    )


def item_of(request: DeskRequest, pk: int) -> Item:
    row = (
        scoped(Item, request.scope)
        .select_related("conversation", "author", "account")
        .filter(pk=pk, conversation__sealed=False)
        .first()
    )
    if row is None or not queries.visible(request.scope).filter(items=row).exists():
        raise Http404
    return row
