"""Where a thing is opened, by the names that the other areas gave their pages."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse

PLACES: dict[str, tuple[str, ...]] = {
    "talk": ("desk:inbox-thread",),
    "case": ("desk:followup-case",),
    "message": ("desk:messaging-review",),
    "owed": ("desk:messaging-review",),
    "content": ("desk:messaging-one",),
    "recommendation": ("desk:findings-recommendation", "desk:findings-decide"),
    "announcement": ("desk:findings-announcement", "desk:followup-announcement"),
    "plan": ("desk:planning-one",),
    "activity": ("desk:activities-one",),
    "claim": ("desk:claims-one", "desk:inbox-claim"),
    "delivery": ("desk:publishing-one",),
    "account": ("desk:accounts-one",),
}
# Where one of these cannot be opened by itself, the list that it stands in.
LISTS = {
    "talk": "desk:inbox-list",
    "reply": "desk:inbox-approvals",
    "case": "desk:followup-list",
    "recommendation": "desk:findings-list",
    "announcement": "desk:findings-list",
    "claim": "desk:claims-list",
    "message": "desk:messaging-list",
    "owed": "desk:messaging-list",
    "plan": "desk:planning-list",
    "activity": "desk:activities-list",
    "delivery": "desk:publishing-list",
    "account": "desk:accounts-list",
}


def of(kind: str, pk: int) -> str:
    """The address of one thing, else of its list, else ""."""
    for name in PLACES.get(kind, ()):
        try:
            return reverse(name, args=[pk])
        except NoReverseMatch:
            continue
    return listing(kind)


def listing(kind: str) -> str:
    try:
        return reverse(LISTS[kind]) if kind in LISTS else ""
    except NoReverseMatch:
        return ""
