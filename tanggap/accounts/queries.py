"""Questions about official accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.db.models import Prefetch, Q, QuerySet

from tanggap.accounts.models import Account, Credential, Custodian
from tanggap.core.scope import Scope, scoped

STATES = ("registered", "connected", "paused", "retired")


def accounts(
    scope: Scope, *, state: str = "", channel: str = "", text: str = ""
) -> QuerySet[Account]:
    """The registry, in the order of entry."""
    rows = scoped(Account, scope).select_related("owner_unit", "person_in_charge", "agency")
    if state in STATES:
        rows = rows.filter(state=state)
    if channel:
        rows = rows.filter(channel=channel)
    if text:
        rows = rows.filter(
            Q(handle__icontains=text.removeprefix("@"))
            | Q(display_name__icontains=text)
            | Q(decree_number__icontains=text)
        )
    return rows.order_by("pk").prefetch_related(
        Prefetch("custodians", Custodian.objects.select_related("person").order_by("pk"))
    )


def usable(scope: Scope) -> QuerySet[Account]:
    """Accounts that may be chosen for a message: connected, or paused for now."""
    return scoped(Account, scope).filter(state__in=["connected", "paused"]).order_by("pk")


def current(account: Account) -> Credential | None:
    """The version of the secrets in force."""
    return account.credentials.filter(superseded_at=None).first()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to see to before an account is safe: a code of words/accounts.py, and how grave."""

    code: str
    tone: str  # late or due


def health(account: Account, now: datetime, expires_at: datetime | None = None) -> list[Finding]:
    """What is wrong with an account, worst first; empty when all is well (capability 88.2)."""
    found = []
    if account.state == "paused":
        found.append(
            Finding("refused" if account.paused_code == "credentials" else "paused", "late")
        )
    if account.state == "registered":
        found.append(Finding("not_connected", "due"))
    if account.state == "connected" and account.trouble:
        found.append(Finding("silent", "due"))
    if expires_at is not None and (expires_at - now).days < 7:
        found.append(Finding("expires", "due"))
    if account.state != "retired" and account.person_in_charge_id is None:
        found.append(Finding("nobody", "due"))
    return found


OFFICIAL = ("agency__name", "channel", "pk")


def official(agency_ids: list[int] | None = None) -> QuerySet[Account]:
    """What the public page shows: listed, not retired. Public facts, of every agency that lists."""
    rows = Account.objects.filter(listed=True).exclude(state="retired")
    if agency_ids is not None:
        rows = rows.filter(agency_id__in=agency_ids)
    return rows.select_related("agency", "owner_unit").order_by(*OFFICIAL)


def spellings(asked: str) -> tuple[str, ...]:
    """How a citizen may write one handle: with @, as an address, with or without its server.

    spellings("https://sosial.example/@lumbung") == ("lumbung@sosial.example", "lumbung")
    """
    text = asked.strip().strip("<>").lower()
    if "://" in text or text.startswith("www."):
        try:
            parts = urlsplit(text if "://" in text else f"https://{text}")
        except ValueError:
            return ()
        path = [part for part in parts.path.split("/") if part]
        name = path[-1].removeprefix("@") if path else ""
        if not name:
            return ()
        host = (parts.hostname or "").removeprefix("www.")
        return (f"{name}@{host}", name) if "@" not in name else (name,)
    text = text.removeprefix("@").strip("/ ")
    return (text,) if text else ()


def is_official(asked: str, rows: QuerySet[Account]) -> Account | None:
    """The listed account that this is exactly, or None: not known to us."""
    wanted = spellings(asked)
    if not wanted:
        return None
    address = "://" in asked or asked.strip().startswith("www.")
    for account in rows:
        handle = account.handle.lower()
        host = (urlsplit(account.server or account.url).hostname or "").removeprefix("www.")
        full = handle if "@" in handle else f"{handle}@{host}"
        # An address on another server is another account, however alike its name.
        names = {full} if address or "@" in wanted[0] else {handle, handle.split("@")[0]}
        if wanted[0] in names or account.url.lower().rstrip("/") == asked.strip().lower().rstrip(
            "/"
        ):
            return account
    return None
