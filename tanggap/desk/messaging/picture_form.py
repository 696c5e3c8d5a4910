"""The form that takes a picture in."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class PictureForm(forms.Form):
    file = forms.FileField(
        label=_("Picture"),
        help_text=_("JPEG, PNG, WebP or GIF, at most 16 MB. Place and device are taken out of it."),
        widget=forms.ClearableFileInput({"accept": "image/*"}),
    )
    alt = forms.CharField(
        label=_("What it shows"),
        max_length=1500,
        required=False,
        widget=forms.Textarea({"rows": 2}),
        help_text=_("One sentence for people who do not see it; with the words in the picture."),
    )
    source = forms.CharField(
        label=_("Made by, and by what permission"), max_length=200, required=False
    )
