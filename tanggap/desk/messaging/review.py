"""A second person looks, on a phone: what exactly goes out, where, what the checks say. One tap.

The page carries the hash of what it shows. When the content changed in between, the tap is refused
and the page names what changed.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tanggap.core.errors import Refused, Stale
from tanggap.desk.door import desk
from tanggap.desk.forms import refuse
from tanggap.desk.messaging import compose, view
from tanggap.execution.publishing import schedule
from tanggap.messaging import approve, queries
from tanggap.messaging.content import contents_of, digest
from tanggap.messaging.models import Message

SALT = "tanggap.review"


class DecisionForm(forms.Form):
    reason = forms.CharField(
        label=_("One sentence"),
        required=False,
        max_length=500,
        widget=forms.Textarea({"rows": 2}),
        help_text=_("Needed to return it: what should be different?"),
    )


def outline(message: Message) -> dict[str, str]:
    """Name of each thing that will be sent → a short hash of it, to say later what changed."""
    found = {"openness": message.openness, "emergency": str(message.emergency)}
    for variant, part, said in contents_of(message):
        place = f"{variant.account.display_name}|{part + 1}"
        found[f"text|{place}"] = said["text"]
        found[f"media|{place}"] = json.dumps([[row["sha256"], row["alt"]] for row in said["media"]])
        found[f"visibility|{place}"] = said["visibility"]
    return {name: hashlib.sha256(text.encode()).hexdigest()[:12] for name, text in found.items()}


def changes(message: Message, seen: dict[str, str]) -> list[str]:
    """In words, what is not as it was seen."""
    now, said = outline(message), []
    for name in sorted({*now, *seen}):
        if now.get(name) == seen.get(name):
            continue
        kind, _sign, place = name.partition("|")
        about = {"account": place.rpartition("|")[0], "n": place.rpartition("|")[2]}
        if name not in now:
            line = gettext("No longer sent: %(account)s, part %(n)s.") if kind == "text" else ""
        elif name not in seen:
            line = gettext("New: %(account)s, part %(n)s.") if kind == "text" else ""
        else:
            line = {
                "text": gettext("The words for %(account)s, part %(n)s."),
                "media": gettext("The pictures for %(account)s, or their descriptions."),
                "visibility": gettext("Who can see it on %(account)s."),
                "openness": gettext("The openness class."),
                "emergency": gettext("Whether it is an emergency."),
            }[kind]
        if line:
            said.append(line % about)
    return said


@desk("message.review")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    message = view.find(request, pk)
    form = DecisionForm(request.POST or None)
    if request.method == "POST":
        answer = _decide(request, message, form)
        if answer is not None:
            return answer
        message = view.find(request, pk)
    return page(request, message, form, status=422 if request.method == "POST" else 200)


def _decide(request: HttpRequest, message: Message, form: DecisionForm) -> HttpResponse | None:
    """Carry out the tap; None when it was refused and the page is shown again."""
    if not form.is_valid():
        return None
    said, by, now = request.POST.get("decision", ""), request.scope.person, request.now
    reason = form.cleaned_data["reason"]
    try:
        seen = bytes.fromhex(request.POST.get("seen", ""))
    except ValueError:
        seen = b""
    try:
        if said == "approve":
            approve.approve(message, seen=seen, by=by, now=now, note=reason)
            messages.success(request, gettext("Approved, exactly as you saw it."))
            return redirect("desk:messaging-one", message.pk)
        if said == "return":
            approve.return_(message, reason=reason, seen=seen, by=by, now=now)
            messages.success(request, gettext("Returned. The writer sees your sentence."))
            return redirect("desk:messaging-list")
        if said in ("open", "redact"):
            _ppid_only(request)
            approve.decide_openness(
                message, open_=said == "open", reason=reason, seen=seen, by=by, now=now
            )
            messages.success(request, gettext("Your decision is on record."))
            return redirect(
                "desk:messaging-review" if said == "open" else "desk:messaging-one", message.pk
            )
        if said == "after":
            approve.review_after(message, note=reason, by=by, now=now)
            messages.success(request, gettext("The review is on record."))
            return redirect("desk:messaging-one", message.pk)
        raise Refused(
            gettext("Nothing was changed."),
            gettext("No answer was chosen."),
            gettext("Press one of the buttons."),
        )
    except Stale as refusal:
        fresh = view.find(request, message.pk)
        told = changes(fresh, _seen_outline(request))
        refuse(form, Refused(refusal.what, f"{refusal.why} {' '.join(told)}", refusal.next))
    except Refused as refusal:
        form_field = "reason" if refusal.field in ("reason", "note") else ""
        refuse(form, Refused(refusal.what, refusal.why, refusal.next, field=form_field))
    return None


def _ppid_only(request: HttpRequest) -> None:
    if request.scope.membership.role != "ppid":
        raise Refused(
            gettext("No decision was kept."),
            gettext("Only a PPID officer decides on openness."),
            gettext("Tell them that this waits."),
        )


def _seen_outline(request: HttpRequest) -> dict[str, str]:
    try:
        found: dict[str, str] = signing.loads(request.POST.get("outline", ""), salt=SALT)
    except signing.BadSignature:
        return {}
    return found


def page(
    request: HttpRequest, message: Message, form: DecisionForm, status: int = 200
) -> HttpResponse:
    scope, now = request.scope, request.now
    checks = view.answers(message, now)
    mine = scope.person.pk in (message.author_id, message.edited_by_id)
    return render(
        request,
        "desk/messaging/review.html",
        {
            "message": message,
            "form": form,
            "previews": view.previews(message, now),
            "checks": checks,
            "history": queries.history(message),
            "seen": digest(message).hex(),
            "fingerprint": view.fingerprint(message),
            "outline": signing.dumps(outline(message), salt=SALT, compress=True),
            "mine": mine,
            "ppid": scope.membership.role == "ppid" and bool(checks["for_ppid"]),
            "owed": message.review_owed and message.approved_by_id != scope.person.pk,
        },
        status=status,
    )


@require_POST
@desk("message.comment")
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    message = view.find(request, pk)
    try:
        approve.comment(
            message,
            text=request.POST.get("text", "")[:2000],
            by=request.scope.person,
            now=request.now,
        )
    except Refused as refusal:
        return compose.show(request, message, refusal=refusal, status=422)
    return redirect("desk:messaging-one", pk)


@desk("publish")
def emergency(request: HttpRequest, pk: int) -> HttpResponse:
    """One person sends at once, says why, and owes a second person's look."""
    message = view.find(request, pk)
    form = compose.ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            approve.send_in_emergency(
                message,
                reason=form.cleaned_data["reason"],
                by=request.scope.person,
                now=request.now,
            )
            schedule.queue(message, by=request.scope.person, now=request.now)
            messages.success(
                request, gettext("It goes out now. A second person is asked to look afterwards.")
            )
            return redirect("desk:messaging-one", pk)
        except Refused as refusal:
            refuse(form, refusal)
    context: dict[str, Any] = {
        "message": message,
        "form": form,
        "previews": view.previews(message, request.now),
        "checks": view.answers(message, request.now),
    }
    return render(
        request,
        "desk/messaging/emergency.html",
        context,
        status=422 if request.method == "POST" else 200,
    )
