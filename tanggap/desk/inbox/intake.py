"""Bring in what came where no plug-in listens; and what could not be read."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext

from tanggap.accounts import connect
from tanggap.accounts.models import Account
from tanggap.accounts.queries import usable
from tanggap.core import pages
from tanggap.core.errors import Refused
from tanggap.core.scope import Scope
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.forms import refuse
from tanggap.desk.inbox import forms, shown
from tanggap.execution.inbox import listen, queries

BIGGEST = 5_000_000
PAGE = 50


@desk("inbox.write")
def bring(request: DeskRequest) -> HttpResponse:
    accounts = by_hand(request.scope)
    form = forms.BringForm(
        [(str(one.pk), one.display_name) for one in accounts],
        request.POST or None,
        request.FILES or None,
    )
    taken, status = None, 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                taken = _take(request, form, accounts)
            except Refused as refusal:
                refuse(form, refusal)
            else:
                status = 200
                messages.success(
                    request,
                    ngettext("%(n)d message came in.", "%(n)d messages came in.", taken.new)
                    % {"n": taken.new},
                )
                if not taken.bad_rows and not taken.known:
                    return redirect("desk:inbox-list")
    return render(
        request,
        "desk/inbox/intake.html",
        {
            "form": form,
            "taken": taken,
            "accounts": accounts,
            "bad": [
                (row.number, row.why, shown.safe(row.text))
                for row in (taken.bad_rows if taken else ())
            ],
        },
        status=status,
    )


@desk("inbox.read")
def quarantine(request: DeskRequest) -> HttpResponse:
    return render(
        request,
        "desk/inbox/quarantine.html",
        {
            "page": pages.page(
                queries.quarantined(request.scope), after=request.GET.get("after", ""), size=PAGE
            ),
            "balances": queries.balances(request.scope),
            "cursors": queries.listening(request.scope),
        },
    )


def by_hand(scope: Scope) -> list[Account]:
    """Accounts to which a person carries messages."""
    found = []
    for account in usable(scope):
        try:
            if "receive" in connect.can(account):
                found.append(account)
        except Refused:
            continue
    return found


def _take(request: DeskRequest, form: forms.BringForm, accounts: list[Account]) -> listen.Taken:
    given = form.cleaned_data
    account = next(one for one in accounts if str(one.pk) == given["account"])
    if given["file"]:
        if given["file"].size > BIGGEST:
            raise Refused(
                gettext("Nothing was brought in."),
                gettext("The file is too large."),
                gettext("Cut it into files of at most 5 MB."),
                field="file",
            )
        return listen.table(
            account,
            given["file"].read(),
            by=request.user,
            now=request.now,
            note=given["note"] or given["file"].name,
        )
    return listen.paste(
        account,
        given["text"],
        by=request.user,
        now=request.now,
        at=given["at"],
        name=given["name"],
        handle=given["handle"],
        url=given["url"],
        source=given["source"] or "paste",
        note=given["note"],
    )
