"""What forms of several areas share: a refusal beside its field, one sentence, wall time."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms import BaseForm
from django.utils.translation import gettext_lazy as _

from tanggap.core.errors import Refused

WALL = "%Y-%m-%dT%H:%M"
"""What a browser's datetime-local field gives: wall time without a zone."""
LANGUAGES = [
    ("id", _("Indonesian")),
    ("jv", _("Javanese")),
    ("su", _("Sundanese")),
    ("min", _("Minangkabau")),
    ("ban", _("Balinese")),
    ("mad", _("Madurese")),
    ("bug", _("Buginese")),
    ("ace", _("Acehnese")),
    ("bjn", _("Banjarese")),
    ("en", _("English")),
]


class ReasonForm(forms.Form):
    """One sentence, asked for wherever a decision needs its reason."""

    reason = forms.CharField(
        label=_("One sentence"), widget=forms.Textarea({"rows": 2}), max_length=1000
    )

    def __init__(self, *args: Any, label: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if label:
            self.fields["reason"].label = label


def refuse(form: BaseForm, refusal: Refused) -> None:
    """Add what, why and next to the form, one line each; what was typed stays in the form."""
    words = "\n".join(str(part) for part in (refusal.what, refusal.why, refusal.next) if part)
    form.add_error(refusal.field if refusal.field in form.fields else None, words)
