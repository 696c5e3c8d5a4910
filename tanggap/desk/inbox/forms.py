"""The forms of incoming messages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tanggap.execution.inbox.models import KINDS
from tanggap.execution.inbox.tables import house_rules, words


class ReplyForm(forms.Form):
    use_required_attribute = False
    text = forms.CharField(
        label=_("Answer"), widget=forms.Textarea({"rows": 3, "data-keep": "reply"})
    )
    source = forms.CharField(
        label=_("Source"),
        required=False,
        max_length=300,
        help_text=_("Where this stands, for colleagues; it is not sent."),
    )
    private = forms.BooleanField(label=_("As a private message"), required=False)
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)
    item = forms.IntegerField(widget=forms.HiddenInput, required=False)
    saved = forms.IntegerField(widget=forms.HiddenInput, required=False)


class NoteForm(forms.Form):
    use_required_attribute = False
    note = forms.CharField(
        label=_("Private note of the team"),
        help_text=_("Citizens never see it."),
        widget=forms.Textarea({"rows": 3, "data-keep": "note"}),
    )


class HideForm(forms.Form):
    reason = forms.ChoiceField(label=_("Reason"), widget=forms.RadioSelect)
    note = forms.CharField(
        label=_("Which words break the rule?"), required=False, widget=forms.Textarea({"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].choices = [
            *((row["code"], f"{words(row)} ({row['basis']})") for row in house_rules()["reasons"]),
            ("criticism", gettext("Criticism, or something unpleasant")),
        ]


class LabelForm(forms.Form):
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    urgency = forms.ChoiceField(label=_("Urgency"), required=False)
    unit = forms.ChoiceField(label=_("Unit"), required=False)
    place = forms.CharField(label=_("Place"), required=False, max_length=200)

    def __init__(self, units: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", gettext("Kind not set")), *KINDS]
        self.fields["urgency"].choices = [
            ("normal", gettext("Normal")),
            ("urgent", gettext("Urgent")),
            ("danger", gettext("Danger to life")),
        ]
        self.fields["unit"].choices = [("", gettext("No unit")), *units]


class AssignForm(forms.Form):
    person = forms.ChoiceField(label=_("Answered by"), required=False)

    def __init__(self, people: list[tuple[int, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].choices = [
            ("", gettext("Unassigned")),
            *((str(pk), name) for pk, name in people),
        ]


class SnoozeForm(forms.Form):
    until = forms.DateTimeField(
        label=_("Put off until"),
        widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%d/%m/%Y %H.%M"],
    )


class SeenForm(forms.Form):
    """What a confirmation carries along."""

    seen = forms.IntegerField(widget=forms.HiddenInput)
    version = forms.CharField(widget=forms.HiddenInput)
    act = forms.CharField(widget=forms.HiddenInput)


class ReturnForm(forms.Form):
    reason = forms.CharField(
        label=_("What should change?"), required=False, widget=forms.Textarea({"rows": 2})
    )


class BringForm(forms.Form):
    """A pasted text, a screenshot typed off, or a file."""

    account = forms.ChoiceField(label=_("Which account did they write to?"))
    source = forms.ChoiceField(
        label=_("How did it reach us?"),
        required=False,
        choices=[("paste", _("Copied text")), ("screenshot", _("Typed from a screenshot"))],
    )
    text = forms.CharField(
        label=_("The citizen's words, unchanged"),
        required=False,
        widget=forms.Textarea({"rows": 5, "data-keep": "bring"}),
    )
    name = forms.CharField(label=_("Name as shown"), required=False, max_length=200)
    handle = forms.CharField(label=_("Account name"), required=False, max_length=200)
    at = forms.DateTimeField(
        label=_("When they wrote it"),
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M"],
    )
    url = forms.URLField(label=_("Link"), required=False, max_length=800, assume_scheme="https")
    note = forms.CharField(
        label=_("Where it was found"),
        required=False,
        max_length=300,
        help_text=_("For example: comments below the post of 21 November."),
    )
    file = forms.FileField(
        label=_("Or a CSV file"),
        required=False,
        help_text=_("First line: isi, waktu, nama, akun, tautan. Only isi must be there."),
    )

    def __init__(self, accounts: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].choices = accounts
