"""Putting a verb's refusal beside the form field that it is about."""

from __future__ import annotations

from django.forms import BaseForm

from tanggap.core.errors import Refused


def refuse(form: BaseForm, refusal: Refused) -> None:
    """Add what, why and next to the form, one line each; what was typed stays in the form."""
    words = "\n".join(str(part) for part in (refusal.what, refusal.why, refusal.next) if part)
    form.add_error(refusal.field if refusal.field in form.fields else None, words)
