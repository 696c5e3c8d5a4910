"""The question about an answer of ours that may not be out, for those who answer citizens.

Posts and their schedule belong to the verb "publish"; an answer belongs to its conversation, and a
sealed one to those who handle such reports. What was approved is sent again or not, never changed.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext

from tanggap.accounts import connect
from tanggap.core import pages
from tanggap.core.errors import Refused
from tanggap.desk import publishing, today
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.forms import refuse
from tanggap.desk.inbox import shown
from tanggap.desk.words import word
from tanggap.execution.inbox import private, queries
from tanggap.execution.inbox.models import Reply
from tanggap.execution.publishing import ask, schedule

PAGE = 30


@desk("inbox.write")
def listing(request: DeskRequest) -> HttpResponse:
    return _listing(request, sealed=False)


@desk("integrity")
def sealed_listing(request: DeskRequest) -> HttpResponse:
    return _listing(request, sealed=True)


def _listing(request: DeskRequest, *, sealed: bool) -> HttpResponse:
    """All answers that wait for a word, oldest first."""
    asking = queries.asking(request.scope, sealed_ones=sealed)
    page = pages.page(asking, queries.ASKED, after=request.GET.get("after", ""), size=PAGE)
    return render(
        request,
        "desk/inbox/questions.html",
        {"page": page, "total": asking.count(), "rows": lines(page.rows)},
    )


def lines(rows: list[Reply]) -> list[today.Row]:
    """Each opens its question. A sealed answer is read where each reading is on record."""
    return [
        today.Row(
            gettext("Reporter")
            if row.conversation.sealed
            else shown.name_of(row.conversation.author),
            reverse(
                f"desk:inbox-{'sealed-' if row.conversation.sealed else ''}question", args=[row.pk]
            ),
            "" if row.conversation.sealed else shown.safe(row.text)[:140],
            pills=[("due", word(row.delivery.state, "delivery_state"))] if row.delivery else [],
        )
        for row in rows
    ]


@desk("inbox.write")
def one(request: DeskRequest, pk: int) -> HttpResponse:
    return _page(request, pk, sealed=False)


@desk("integrity")
def sealed(request: DeskRequest, pk: int) -> HttpResponse:
    return _page(request, pk, sealed=True)


def _page(request: DeskRequest, pk: int, *, sealed: bool) -> HttpResponse:
    row = queries.sent(request.scope, sealed_ones=sealed).filter(pk=pk).first()
    if row is None or row.delivery is None:
        raise Http404
    back = reverse(f"desk:inbox-{'sealed-' if sealed else ''}thread", args=[row.conversation_id])
    if request.method != "POST":
        if sealed:
            private.opened(row.conversation, by=request.user, now=request.now)
        return _show(request, row, back, sealed=sealed)
    said, form = request.POST.get("answer", ""), None
    try:
        if said == "published":
            form = publishing.LinkForm(request.POST)
            if not form.is_valid():
                return _show(request, row, back, sealed=sealed, link=form)
        messages.success(request, _do(row, said, request, form))
    except Refused as refusal:
        row.delivery.refresh_from_db()
        if form is not None:
            refuse(form, refusal)
            return _show(request, row, back, sealed=sealed, link=form)
        return _show(request, row, back, sealed=sealed, refusal=refusal)
    return redirect(back)


def _do(row: Reply, said: str, request: DeskRequest, form: publishing.LinkForm | None) -> str:
    """The person's word; gives what is said back."""
    delivery, by, now = row.delivery, request.user, request.now
    assert delivery is not None
    if said == "published" and form is not None:
        ask.published(delivery, link=form.cleaned_data["link"], by=by, now=now)
        return gettext("Noted: it is published.")
    if said == "again":
        ask.send_again(delivery, by=by, now=now)
        return gettext("It is in the queue again.")
    if said == "still":
        ask.still_send(delivery, by=by, now=now)
        return gettext("It goes out now.")
    if said == "cancel":
        schedule.cancel(delivery, by=by, now=now)
        return gettext("It was taken off and does not go out.")
    raise Refused(
        gettext("Nothing was changed."),
        gettext("No answer was chosen."),
        gettext("Press one of the buttons."),
    )


def _show(
    request: DeskRequest,
    row: Reply,
    back: str,
    *,
    sealed: bool,
    link: publishing.LinkForm | None = None,
    refusal: Refused | None = None,
) -> HttpResponse:
    delivery, now = row.delivery, request.now
    assert delivery is not None
    by_hand = connect.by_hand(delivery.account)
    asked = by_hand and delivery.state == "asked"
    open_url, proof = publishing.opened(delivery, now) if asked else ("", True)
    return render(
        request,
        "desk/inbox/question.html",
        {
            "row": row,
            "delivery": delivery,
            "situation": publishing.situation(delivery, now),
            "question": publishing.question(delivery),
            "may_cancel": delivery.state in ("asked", "failed", "late", "held"),
            "by_hand": by_hand,
            "open_url": open_url,
            "link_form": link or publishing.LinkForm(proof=proof),
            "refusal": refusal,
            "back": back,
            "sealed": sealed,
            "words": shown.safe(row.text),
            "to": gettext("Reporter") if sealed else shown.name_of(row.conversation.author),
        },
        status=422 if refusal or link else 200,
    )
