"""Every address of the installation, and what its places are filled with. The one literal table.

An address that is not in the table fails the walk: whoever adds one says here what stands in its
places, or why it is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.rules.planting import LINK, Planted


@dataclass(frozen=True)
class Address:
    name: str
    route: str
    verb: str  # of the desk; "" for pages of no desk
    places: tuple[str, ...]


# Left out of the table, and why.
ELSEWHERE = {
    "story:": "the practice story's own pages, which exist with TANGGAP_PRACTICE only",
    "None": "the browsers' icon, a redirect to a static file",
}


def every() -> list[Address]:
    return [
        one
        for one in _walk(get_resolver().url_patterns, "", "", ())
        if not one.name.startswith(tuple(ELSEWHERE))
    ]


def _walk(
    entries: list[URLPattern | URLResolver], route: str, space: str, above: tuple[str, ...]
) -> Iterator[Address]:
    for entry in entries:
        path = route + str(entry.pattern)
        places = (*above, *entry.pattern.regex.groupindex)
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from _walk(entry.url_patterns, path, inner, places)
        else:
            yield Address(
                f"{space}{entry.name}", path, getattr(entry.callback, "desk_verb", ""), places
            )


# What stands in the places of an address: "app.Model" is a planted row's id, "app.Model.field" a
# field of it, "!app.Model" the row of the sealed lane, "=word" the word itself, "@name" something
# of the planted world (see `_fill`). Several lines are several ways to fill it.
Line = dict[str, str]
PLACES: dict[str, Line | list[Line]] = {
    "desk:exempt-lift": {"pk": "messaging.Exemption"},
    "desk:hold-lift": {"pk": "activities.Hold"},
    "desk:planning-*": {"pk": "planning.Plan"},
    "desk:planning-part-new": [
        {"pk": "planning.Plan", "kind": f"={kind}"} for kind in ("segment", "objective", "channel")
    ],
    "desk:planning-part*": [
        {"pk": "planning.Plan", "kind": "=segment", "part_pk": "planning.Segment"},
        {"pk": "planning.Plan", "kind": "=objective", "part_pk": "planning.Objective"},
        {"pk": "planning.Plan", "kind": "=channel", "part_pk": "planning.ChannelChoice"},
    ],
    "desk:activities-*": {"pk": "activities.Activity"},
    "desk:messaging-*": {"pk": "messaging.Message"},
    "desk:messaging-file": {"pk": "messaging.Media"},
    "desk:messaging-adapt": {"pk": "messaging.Message", "variant": "messaging.Variant"},
    "desk:messaging-follow": {"pk": "messaging.Message", "variant": "messaging.Variant"},
    "desk:messaging-describe": {"pk": "messaging.Message", "picture": "messaging.Media"},
    "desk:publishing-*": {"pk": "publishing.Delivery"},
    "desk:publishing-schedule": {"pk": "messaging.Message"},
    "desk:inbox-*": {"pk": "inbox.Conversation"},
    "desk:inbox-judge": {"pk": "inbox.Reply"},
    "desk:inbox-rewrite": {"pk": "inbox.Reply"},
    "desk:inbox-suggestion": {"pk": "inbox.Suggestion"},
    "desk:inbox-hide": {"pk": "inbox.Item"},
    "desk:inbox-show": {"pk": "inbox.Item"},
    "desk:inbox-ask": {"pk": "inbox.Item"},
    "desk:inbox-reveal": {"pk": "inbox.Item"},
    "desk:inbox-sealed-thread": {"pk": "!inbox.Conversation"},
    "desk:inbox-sealed-reply": {"pk": "!inbox.Conversation"},
    "desk:inbox-sealed-reporter": {"pk": "!inbox.Conversation"},
    "desk:inbox-question": {"pk": "inbox.Reply"},
    "desk:inbox-sealed-question": {"pk": "!inbox.Reply"},
    "desk:answers-*": {"pk": "inbox.SavedAnswer"},
    "desk:claims-*": {"pk": "inbox.Claim"},
    "desk:followup-*": {"pk": "followup.Case"},
    "desk:followup-photo": {"pk": "followup.Evidence"},
    "desk:followup-act": {"pk": "followup.Case", "what": "=tutup"},
    "desk:findings-*": {"pk": "followup.Finding"},
    "desk:findings-change": {"pk": "followup.Finding", "what": "=group"},
    "desk:findings-decision": {"pk": "followup.Recommendation"},
    "desk:findings-decide": {"pk": "followup.Recommendation"},
    "desk:findings-done": {"pk": "followup.Recommendation"},
    "desk:findings-brief": {"pk": "followup.Recommendation"},
    "desk:findings-announcement": {"pk": "followup.Announcement"},
    "desk:findings-announce-change": {"pk": "followup.Announcement"},
    "desk:findings-approve": {"pk": "followup.Announcement"},
    "desk:findings-tell": {"pk": "followup.Announcement"},
    "desk:monitoring-evidence": {"key": "=comments"},
    "desk:monitoring-evaluate": {"pk": "planning.Plan"},
    "desk:monitoring-*": {"pk": "monitoring.Evaluation"},
    "desk:monitoring-behind": {"what": "=opened"},
    "desk:archive-record": {"pk": "archive.Record"},
    "desk:archive-story": {
        "kind": "archive.Record.subject_type",
        "ident": "archive.Record.subject_id",
    },
    "desk:accounts-*": {"pk": "accounts.Account"},
    "desk:team-*": {"pk": "core.Membership"},
    "desk:team-withdraw": {"pk": "core.Invitation"},
    "desk:join": {"token": "@invitation"},
    "desk:rules-restore": {"pk": "core.DayOverride"},
    "public:link": {"code": "messaging.ShortLink.code"},
    "public:accounts-of*": {"slug": "@slug"},
    "public:handover": {"token": "@handover"},
    "public:case": {"agency": "@slug", "number": "followup.Case.number"},
    "public:photo": {"signed": "=made-up"},
    "public:clarification": {"agency": "@slug", "pk": "inbox.Claim"},
    "public:feed": [{"agency": "@slug", "form": f"={form}"} for form in ("rss", "atom", "json")],
    "door": {"channel": "=none", "token": "=none"},
    "public:result": {"agency": "@slug", "slug": "followup.Announcement.slug"},
    "public:behind": {"agency": "@slug", "what": "=opened"},
    "public:*": {"agency": "@slug"},
    "account_confirm_email": {"key": "=x"},
    "account_reset_password_from_key": {"uidb36": "=1", "key": "=x-y"},
    "mfa_remove_webauthn": {"pk": "=1"},
    "mfa_edit_webauthn": {"pk": "=1"},
}


def lines(address: Address) -> list[Line]:
    """The lines of the table for an address: its own, else the longest that ends in "*"."""
    if not address.places:
        return [{}]
    fits = [
        one
        for one in PLACES
        if one == address.name or (one.endswith("*") and address.name.startswith(one[:-1]))
    ]
    best = address.name if address.name in fits else max(fits, key=len, default="")
    found = PLACES.get(best, [])
    table = [
        line
        for line in (found if isinstance(found, list) else [found])
        if set(line) >= set(address.places)
    ]
    assert table, (
        f"{address.name} ({address.route}) has no line in tests/rules/addresses.py: say what "
        f"stands in {', '.join(address.places)}"
    )
    return [{one: line[one] for one in address.places} for line in table]


def fill(address: Address, planted: Planted, sealed: bool = False) -> list[str]:
    """The address with the planted rows in its places, in each way of the table."""
    return [
        path(address, {one: _fill(what, planted, sealed) for one, what in line.items()})
        for line in lines(address)
    ]


def path(address: Address, places: dict[str, Any]) -> str:
    return reverse(address.name, kwargs=places)


def _fill(what: str, planted: Planted, sealed: bool) -> Any:
    if what.startswith("="):
        return what[1:]
    if what == "@slug":
        return planted.agency.slug
    if what in {"@invitation", "@handover"}:
        return planted.tag + LINK
    app, model, *column = what.lstrip("!").split(".")
    label = f"{app}.{model}"
    inside = sealed or what.startswith("!")
    row = (planted.sealed_rows.get(label) if inside else None) or planted.row(label)
    return getattr(row, column[0]) if column else row.pk
