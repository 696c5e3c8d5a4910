"""A unit answers a report by its link: one form, no sign-in, a telephone is enough."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from tanggap.core import clock, rules
from tanggap.core.errors import Refused
from tanggap.core.models import Agency
from tanggap.execution.followup import evidence, guesses, handover, queries, sp4n
from tanggap.execution.followup.models import Handover
from tanggap.public.cases import photo_url, sender
from tanggap.public.links import program

QUOTES = 5


class AnswerForm(forms.Form):
    answer = forms.CharField(
        label=_("What did you find or do?"),
        max_length=4000,
        required=False,
        widget=forms.Textarea({"rows": 6}),
        help_text=_("Plain facts: what, when, how far. We put it into words for the citizens."),
    )
    before = forms.FileField(
        label=_("Photo before"), required=False, widget=forms.FileInput({"accept": "image/*"})
    )
    after = forms.FileField(
        label=_("Photo after"),
        required=False,
        widget=forms.FileInput({"accept": "image/*"}),
        help_text=_("Place and owner of the telephone are removed from the photo."),
    )
    caption = forms.CharField(label=_("What do the photos show?"), max_length=280, required=False)
    why = forms.CharField(
        label=_("Why is it not yours?"),
        max_length=1000,
        required=False,
        widget=forms.Textarea({"rows": 3}),
    )
    rightful_unit = forms.ModelChoiceField(
        label=_("Whose is it?"), queryset=Agency.objects.none(), required=False
    )
    name = forms.CharField(
        label=_("Your name"), max_length=150, widget=forms.TextInput({"autocomplete": "name"})
    )

    def __init__(self, found: Handover, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owner = rules.tenant(found.agency)
        self.fields["rightful_unit"].queryset = (
            Agency.objects.filter(parent=owner, autonomous=False)
            .exclude(pk=found.to_unit_id)
            .order_by("name")
        )
        self.fields["rightful_unit"].empty_label = _("I do not know")
        self.fields["name"].initial = found.to_person


@never_cache
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """See what is asked, answer it with photos, or send it back."""
    now, who = clock.now(), sender(request)
    try:
        guesses.allow("handover", who, now)
        with handover.behind(token, now) as found, timezone.override(found.agency.zone):
            # A telephone that draws a preview of the link has acknowledged nothing.
            if not program(request):
                handover.open_(found, now=now)
            form = AnswerForm(found, request.POST or None, request.FILES or None)
            sent = ""
            if request.method == "POST" and found.state != "answered" and form.is_valid():
                sent = _save(found, form, "refuse" in request.POST, now)
            people = queries.contributors(found.case)
            return render(
                request,
                "public/handover.html",
                {
                    "agency": found.agency,
                    "handover": found,
                    "case": found.case,
                    "form": form,
                    "sent": sent or ("answered" if found.state == "answered" else ""),
                    "refusing": "refuse" in request.POST,
                    # So much as one needs to answer: the others are counted, the desk has all.
                    "photos": [
                        {"url": photo_url(one), "alt": one.caption, "when": one.when}
                        for one in found.case.photos.order_by("-pk")[:4]
                    ],
                    "words": [sp4n.masked(one.item) for one in people[:QUOTES]],
                    "more": max(0, found.case.contributors_count - QUOTES),
                },
                status=422 if form.errors else 200,
            )
    except Refused as refusal:
        guesses.wrong("handover", who, now)
        return render(request, "public/handover_gone.html", {"refusal": refusal}, status=410)


def _save(found: Handover, form: AnswerForm, refusing: bool, now: Any) -> str:
    """What was sent, or "" when something is in the way; then the form says what."""
    said = form.cleaned_data
    by = f"link:handover:{found.pk}"
    try:
        if refusing:
            handover.refuse(
                found,
                name=said["name"],
                why=said["why"],
                rightful_unit=said["rightful_unit"],
                now=now,
            )
            return "refused"
        # All or nothing: no photo stays behind of an answer that was not accepted.
        with transaction.atomic():
            for when in ("before", "after"):
                if said[when]:
                    _keep(found, when, said, by, now)
            handover.answer(found, name=said["name"], answer=said["answer"], now=now)
        return "answered"
    except Refused as refusal:
        words = "\n".join(str(one) for one in (refusal.what, refusal.why, refusal.next) if one)
        form.add_error(refusal.field if refusal.field in form.fields else None, words)
        return ""


def _keep(found: Handover, when: str, said: dict[str, Any], by: str, now: Any) -> None:
    try:
        evidence.add(
            found.case,
            said[when],
            when=when,
            caption=said["caption"],
            by=by,
            given_by=said["name"] or found.to_unit.short_name,
            now=now,
            handover=found,
        )
    except Refused as refusal:
        refusal.field = refusal.field if refusal.field == "caption" else when
        raise


urlpatterns = [path("<str:token>/", answer, name="handover")]
