"""What a proposed group is called: the thing, what happened to it, and where.

The rules of language (`language/data/events.json`) know things and happenings by codes.
"""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tanggap.language.duplicates import Why

THINGS = {
    "bridge": gettext_lazy("A bridge"),
    "road": gettext_lazy("A road"),
    "street_light": gettext_lazy("Street lights"),
    "water_supply": gettext_lazy("Piped water"),
    "dike": gettext_lazy("A dike"),
    "school": gettext_lazy("A school"),
    "aid": gettext_lazy("Social aid"),
}
HAPPENED = {
    "broken": gettext_lazy("broken"),
    "holes": gettext_lazy("full of holes"),
    "flooded": gettext_lazy("flooded"),
    "off": gettext_lazy("off"),
    "dirty": gettext_lazy("dirty"),
    "leaking": gettext_lazy("leaking"),
    "abolished": gettext_lazy("abolished"),
}


def name(why: Why) -> str:
    """As a person may keep or change it: "Jembatan rusak, Cikaret"."""
    if why.rule == "text":
        return _("The same words")
    words = f"{THINGS[why.thing]} {HAPPENED[why.happened]}"
    return f"{words}, {why.place}" if why.place else words
