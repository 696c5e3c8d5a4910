"""Answers that wait for a second person, and those that came back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext

from tanggap.core import pages
from tanggap.core.errors import Refused
from tanggap.core.scope import scoped
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.forms import refuse
from tanggap.desk.inbox import forms, shown
from tanggap.desk.inbox.thread import counter, whole
from tanggap.execution.inbox import queries, reply
from tanggap.execution.inbox.models import Item, Reply

PAGE = 30


@desk("reply.approve")
def listing(request: DeskRequest) -> HttpResponse:
    return _listing(request)


@desk("reply.approve")
def judge(request: DeskRequest, pk: int) -> HttpResponse:
    """`act` is approve or return; asked for without an act, it asks whether to approve."""
    row = find(request, pk)
    if request.method != "POST":
        form = forms.SeenForm(
            initial={
                "seen": row.conversation.last_item_id,
                "version": reply.version(row),
                "act": "approve",
            }
        )
        return render(
            request,
            "desk/confirm.html",
            {
                "title": gettext("Approve and send this answer?"),
                "what": [shown.safe(row.text)],
                "form": form,
                "yes": gettext("Approve and send"),
                "back": reverse("desk:inbox-approvals"),
            },
        )
    try:
        if request.POST.get("act") == "return":
            reply.return_(row, request.POST.get("reason", ""), by=request.user, now=request.now)
            messages.success(
                request, gettext("Returned to %(name)s.") % {"name": row.written_by.name}
            )
        else:
            reply.approve(
                row,
                by=request.user,
                now=request.now,
                seen_item_id=whole(request.POST.get("seen")),
                seen_version=request.POST.get("version", "?"),
            )
            messages.success(request, gettext("Approved. The answer is on its way."))
    except Refused as refusal:
        return _listing(request, wrong=row.pk, refusal=refusal, status=422)
    return redirect("desk:inbox-approvals")


@desk("inbox.write")
def rewrite(request: DeskRequest, pk: int) -> HttpResponse:
    """Change an answer that was returned, or take it back."""
    row = find(request, pk)
    found = row.conversation
    form = forms.ReplyForm(
        request.POST or None,
        initial={
            "text": row.text,
            "source": row.source,
            "seen": found.last_item_id,
            "item": row.item_id,
        },
    )
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            if request.POST.get("act") == "withdraw":
                reply.withdraw(row, by=request.user, now=request.now)
                messages.success(request, gettext("Taken back. Nothing was sent."))
            else:
                fresh = reply.rewrite(
                    row,
                    form.cleaned_data["text"],
                    by=request.user,
                    now=request.now,
                    seen_item_id=form.cleaned_data["seen"],
                    source=form.cleaned_data["source"],
                )
                messages.success(
                    request,
                    gettext("The answer is on its way.")
                    if fresh.state == "released"
                    else gettext("The answer waits for a second person."),
                )
            return redirect("desk:inbox-thread", found.pk)
        except Refused as refusal:
            refuse(form, refusal)
            status = 422
    item = row.item
    words = item.revisions.order_by("-number").first() or item
    return render(
        request,
        "desk/inbox/rewrite.html",
        {
            "row": row,
            "form": form,
            "item": item,
            "text": words.text,
            "personal": words.personal,
            "name": shown.name_of(found.author),
            "counter": counter(found, item, request.now),
        },
        status=status,
    )


def find(request: DeskRequest, pk: int) -> Reply:
    row = (
        scoped(Reply, request.scope)
        .filter(pk=pk, conversation__sealed=False)
        .select_related(
            "conversation__author",
            "conversation__account",
            "conversation__agency",
            "item__author",
            "written_by",
            "saved_answer",
            "agency",
        )
        .first()
    )
    if row is None:
        raise Http404
    return row


def _listing(
    request: DeskRequest, *, wrong: int = 0, refusal: Refused | None = None, status: int = 200
) -> HttpResponse:
    awaiting = queries.awaiting(request.scope)
    page = pages.page(awaiting, ("written_at", "pk"), after=request.GET.get("after", ""), size=PAGE)
    cards: list[dict[str, Any]] = []
    for row in page.rows:
        newest = Item.objects.filter(conversation=row.conversation).order_by("-pk").first()
        words = row.item.revisions.order_by("-number").first() or row.item
        cards.append(
            {
                "row": row,
                "version": reply.version(row),
                "name": shown.name_of(row.conversation.author),
                "text": words.text,
                "personal": words.personal,
                "mine": row.written_by == request.user,
                "newer": bool(newest and newest.pk > row.seen_item_id),
                "seen": newest.pk if newest else 0,
                "refusal": refusal if row.pk == wrong else None,
            }
        )
    others = [card for card in cards if not card["mine"]]
    if others:
        others[0]["first"] = True
    return render(
        request,
        "desk/inbox/approvals.html",
        {
            "cards": cards,
            "page": page,
            "waiting": awaiting.exclude(written_by=request.user).count(),
        },
        status=status,
    )
