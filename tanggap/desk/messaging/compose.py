"""The composer: the core message, one tab an account, what colleagues would say, and a preview."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tanggap.accounts.models import Account
from tanggap.accounts.queries import usable
from tanggap.activities.models import Activity
from tanggap.activities.queries import upcoming
from tanggap.core.errors import Refused
from tanggap.core.scope import Scope
from tanggap.desk.asked import number
from tanggap.desk.door import desk
from tanggap.desk.forms import LANGUAGES, refuse
from tanggap.desk.messaging import view
from tanggap.desk.messaging.picture_form import PictureForm
from tanggap.desk.words import tables
from tanggap.execution.publishing import schedule
from tanggap.messaging import approve, draft, queries
from tanggap.messaging.models import Message, Variant

WALL = "%Y-%m-%dT%H:%M"
BLANKS = 1
"""Empty boxes below a thread's last part, so that it grows without JavaScript."""


class MessageForm(forms.Form):
    title = forms.CharField(
        label=_("Title for the team"), max_length=200, help_text=_("Citizens do not see it.")
    )
    core = forms.CharField(
        label=_("Core message"),
        widget=forms.Textarea({"rows": 5, "data-keep": "core"}),
        max_length=5000,
        help_text=_("What citizens should know and do, in one or two sentences."),
    )
    accounts = forms.ModelMultipleChoiceField(
        label=_("Official accounts"),
        queryset=Account.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    openness = forms.ChoiceField(
        label=_("Openness class (UU 14/2008)"),
        required=False,
        widget=forms.RadioSelect,
        help_text=_("May wait while you write; needed before approval."),
    )
    source = forms.CharField(
        label=_("Source"),
        max_length=300,
        required=False,
        help_text=_("The document, unit or person that vouches for it."),
    )
    activity = forms.ModelChoiceField(
        label=_("Agenda"),
        queryset=Activity.objects.none(),
        required=False,
        empty_label=_("Not tied to the agenda"),
    )
    tone = forms.ChoiceField(label=_("Tone"), required=False)
    language = forms.ChoiceField(
        label=_("Language of the words"),
        choices=LANGUAGES,
        required=False,
        help_text=_(
            "Networks and screen readers are told; ease of reading is judged in Indonesian."
        ),
    )
    valid_until = forms.DateField(
        label=_("Valid until"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    publish_at = forms.DateTimeField(
        label=_("Wish to publish"),
        required=False,
        input_formats=[WALL, "%d/%m/%Y %H.%M"],
        widget=forms.DateTimeInput({"type": "datetime-local"}, WALL),
    )
    emergency = forms.BooleanField(
        label=_("Emergency: people may be in danger"),
        required=False,
        help_text=_("It goes first, even while posts are on hold."),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, scope: Scope, now: datetime, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = tables()
        self.fields["accounts"].queryset = usable(scope)
        self.fields["accounts"].label_from_instance = lambda row: (
            f"{row.display_name} (@{row.handle.lstrip('@')})"
        )
        self.fields["activity"].queryset = upcoming(scope, now)
        self.fields["openness"].choices = [
            (code, said) for code, said in words["openness"].items() if code
        ]
        self.fields["tone"].choices = list(words["style"].items())


def initial_of(message: Message) -> dict[str, Any]:
    return {
        "title": message.title,
        "core": message.core,
        "openness": message.openness,
        "accounts": [row.account_id for row in message.variants.all()],
        "source": message.source,
        "activity": message.activity_id,
        "tone": message.tone,
        "language": message.language,
        "valid_until": message.valid_until,
        "publish_at": message.publish_at,
        "emergency": message.emergency,
        "seen": message.edited_at.isoformat(),
    }


@desk("message.write")
def new(request: HttpRequest) -> HttpResponse:
    scope = request.scope
    activity = (
        upcoming(scope, request.now).filter(pk=number(request.GET.get("activity", ""))).first()
    )
    accounts = list(usable(scope))
    form = MessageForm(
        scope,
        request.now,
        request.POST or None,
        initial={
            "tone": "warm",
            "language": "id",
            "activity": activity.pk if activity else None,
            "accounts": [accounts[0].pk] if len(accounts) == 1 else [],
        },
    )
    if request.method == "POST" and form.is_valid():
        said = dict(form.cleaned_data)
        said.pop("seen")
        said["language"] = said["language"] or "id"
        try:
            row = draft.write(request.agency, by=scope.person, now=request.now, **said)
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, gettext("Saved as a draft. Nothing is sent yet."))
            return redirect("desk:messaging-one", row.pk)
    return render(
        request,
        "desk/messaging/new.html",
        {
            "form": form,
            "accounts": accounts,
        },
        status=422 if request.method == "POST" else 200,
    )


@desk("message.read")
def one(request: HttpRequest, pk: int) -> HttpResponse:
    return show(request, view.find(request, pk))


def show(
    request: HttpRequest,
    message: Message,
    *,
    form: MessageForm | None = None,
    picture: PictureForm | None = None,
    parts: list[str] | None = None,
    tab: int = 0,
    refusal: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    """The composer for who may still write it, else the finished page."""
    scope, now = request.scope, request.now
    shown = view.previews(message, now)
    tab = tab or number(request.GET.get("tab", ""))
    current = next((one for one in shown if one.variant.pk == tab), None)
    open_ = message.state in ("draft", "checked", "approved")
    editing = (
        open_
        and scope.may("message.write")
        and (message.state == "draft" or "edit" in request.GET or form is not None or bool(current))
    )
    strict = view.strictest(shown)
    texts = (
        parts if parts is not None else ([part.text for part in current.parts] if current else [])
    )
    return render(
        request,
        "desk/messaging/one.html",
        {
            "message": message,
            "previews": shown,
            "current": current,
            "editing": editing,
            "form": form or MessageForm(scope, now, initial=initial_of(message)),
            "strict": strict,
            "gauge": view.counter((current or strict).variant) if (current or strict) else None,
            "texts": [*texts, *[""] * BLANKS]
            if current and (current.variant.detached or parts is not None)
            else [],
            "media": queries.media_of(message),
            "picture": picture or PictureForm(),
            "checks": view.answers(message, now),
            "history": queries.history(message),
            "fingerprint": view.fingerprint(message),
            "refusal": refusal,
            "may": scope.may("message.write"),
            "may_publish": scope.may("publish"),
            "may_review": scope.may("message.review"),
            "may_comment": scope.may("message.comment"),
            "mine": scope.person.pk in (message.author_id, message.edited_by_id),
            "visibilities": Variant.Visibility,
        },
        status=status,
    )


@require_POST
@desk("message.write")
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the core message and its facts; with `submit`, ask for approval at once."""
    message, scope, now = view.find(request, pk), request.scope, request.now
    form = MessageForm(scope, now, request.POST)
    if not form.is_valid():
        return show(request, message, form=form, status=422)
    said = dict(form.cleaned_data)
    accounts, seen = said.pop("accounts"), said.pop("seen")
    said["tone"] = said["tone"] or message.tone
    said["language"] = said["language"] or message.language
    try:
        with transaction.atomic():
            draft.edit(message, by=scope.person, now=now, seen=_instant(seen), **said)
            draft.choose(message, accounts, by=scope.person, now=now)
    except Refused as refusal:
        message = view.find(request, pk)
        refuse(form, refusal)
        return show(request, message, form=form, status=422)
    if "submit" in request.POST:
        return _submit(request, view.find(request, pk))
    messages.success(request, gettext("Saved."))
    return redirect("desk:messaging-one", pk)


@require_POST
@desk("message.write")
def submit(request: HttpRequest, pk: int) -> HttpResponse:
    return _submit(request, view.find(request, pk))


def _submit(request: HttpRequest, message: Message) -> HttpResponse:
    try:
        approve.submit(message, by=request.scope.person, now=request.now)
    except Refused as refusal:
        return show(request, message, refusal=refusal, status=422)
    messages.success(request, gettext("A second person is asked to look at it."))
    return redirect("desk:messaging-one", message.pk)


@require_POST
@desk("message.write")
def adapt(request: HttpRequest, pk: int, variant: int) -> HttpResponse:
    """This account's own wording: one box is a post, more are a thread."""
    message = view.find(request, pk)
    row = _variant(message, variant)
    parts = request.POST.getlist("part")
    if "begin" in request.POST:
        parts = [message.core]
    visibility = request.POST.get("visibility", "")
    try:
        draft.adapt(
            row,
            parts,
            by=request.scope.person,
            now=request.now,
            visibility=visibility if visibility in Variant.Visibility.values else None,
        )
    except Refused as refusal:
        return show(
            request,
            view.find(request, pk),
            parts=[text for text in parts if text] or [""],
            tab=variant,
            refusal=refusal,
            status=422,
        )
    if "begin" not in request.POST:
        messages.success(request, gettext("Saved for this account."))
    return redirect(f"{reverse('desk:messaging-one', args=[pk])}?tab={variant}")


@desk("message.write")
def follow(request: HttpRequest, pk: int, variant: int) -> HttpResponse:
    """Back to the core message, after one question: the own wording is gone then."""
    message = view.find(request, pk)
    row = _variant(message, variant)
    back = f"{reverse('desk:messaging-one', args=[pk])}?tab={variant}"
    if request.method == "POST":
        draft.follow(row, by=request.scope.person, now=request.now)
        messages.success(request, gettext("This account says the core message again."))
        return redirect(back)
    return render(
        request,
        "desk/confirm.html",
        {
            "title": gettext("Say the core message again?"),
            "back": back,
            "yes": gettext("Use the core message"),
            "what": [
                gettext("The own wording for %(account)s is dropped.")
                % {"account": row.account.display_name}
            ],
        },
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea({"rows": 2}))


@desk("message.write")
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    message = view.find(request, pk)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                reason = form.cleaned_data["reason"]
                schedule.cancel_waiting(
                    message, by=request.scope.person, now=request.now, reason=reason
                )
                message.refresh_from_db()
                draft.withdraw(message, reason=reason, by=request.scope.person, now=request.now)
            messages.success(request, gettext("Withdrawn. It stays readable in the archive."))
            return redirect("desk:messaging-list")
        except Refused as refusal:
            refuse(form, refusal)
    return render(
        request,
        "desk/confirm.html",
        {
            "title": gettext("Withdraw “%(title)s”?") % {"title": message.title},
            "form": form,
            "what": [
                gettext(
                    "It can no longer be scheduled. What is already out is removed under "
                    "“Publishing”."
                )
            ],
            "yes": gettext("Withdraw"),
            "tone": "stop",
            "back": reverse("desk:messaging-one", args=[pk]),
        },
        status=422 if request.method == "POST" else 200,
    )


def _variant(message: Message, pk: int) -> Variant:
    row = queries.variants(message).select_related("message__agency").filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
