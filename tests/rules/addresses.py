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


def every() -> list[Address]:
    return list(_walk(get_resolver().url_patterns, "", "", ()))


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
            yield Address(f"{space}{entry.name}", path,
                          getattr(entry.callback, "desk_verb", ""), places)


# What stands in the places of an address: "app.Model" is the planted row's id, "app.Model.field"
# a field of it, "=word" itself, "@name" something of the planted world (see `_fill`).
PLACES: dict[str, dict[str, str]] = {
    "desk:publishing-*": {"pk": "publishing.Delivery"},
    "desk:publishing-schedule": {"pk": "messaging.Message"},
    "desk:accounts-*": {"pk": "accounts.Account"},
    "desk:team-*": {"pk": "core.Membership"},
    "desk:team-withdraw": {"pk": "core.Invitation"},
    "desk:join": {"token": "@token"},
    "desk:rules-restore": {"pk": "core.DayOverride"},
    "public:link": {"code": "messaging.ShortLink.code"},
    "public:accounts-of*": {"slug": "@slug"},
    "account_confirm_email": {"key": "=x"},
    "account_reset_password_from_key": {"uidb36": "=1", "key": "=x-y"},
    "mfa_remove_webauthn": {"pk": "=1"},
    "mfa_edit_webauthn": {"pk": "=1"},
}


def places(name: str) -> dict[str, str] | None:
    """The line of the table for an address: its own, else the longest that ends in "*"."""
    if name in PLACES:
        return PLACES[name]
    fits = [one for one in PLACES if one.endswith("*") and name.startswith(one[:-1])]
    return PLACES[max(fits, key=len)] if fits else None


def fill(address: Address, planted: Planted, sealed: bool = False) -> str:
    """The address with the planted rows in its places."""
    if not address.places:
        return reverse(address.name) if address.name.strip(":") else "/"
    table = places(address.name)
    assert table is not None and set(table) >= set(address.places), (
        f"{address.name} ({address.route}) has no line in tests/rules/addresses.py: say what "
        f"stands in {', '.join(address.places)}"
    )
    return reverse(address.name, kwargs={
        one: _fill(table[one], planted, sealed) for one in address.places})


def _fill(what: str, planted: Planted, sealed: bool) -> Any:
    if what.startswith("="):
        return what[1:]
    if what == "@slug":
        return planted.agency.slug
    if what == "@token":
        return planted.tag + LINK
    if what == "@unit":
        return planted.unit.slug
    app, model, *column = what.split(".")
    label = f"{app}.{model}"
    row = (planted.sealed_rows.get(label) if sealed else None) or planted.row(label)
    return getattr(row, column[0]) if column else row.pk
