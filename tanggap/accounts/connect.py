"""Connect an account: the officer authorises in the browser, or brings a token; secrets are sealed.

A door to channels: everybody else gets a ready channel from `channel(account, now)`. No function
here holds a transaction while it waits for a network; `within` opens the short ones (a desk view
passes `lambda: enter(scope)`).

Credentials are versions: a new one supersedes the old one, and an empty value never replaces a
secret that was there (a network that gives no new refresh token did not take the old one back).
"""

from __future__ import annotations

import hashlib
import json
import secrets as random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import connection, transaction
from django.utils.translation import gettext as _

from tanggap.accounts import pause
from tanggap.accounts.models import Account, App, Connecting, Credential
from tanggap.accounts.queries import current
from tanggap.archive.move import move
from tanggap.archive.record import record
from tanggap.channels import oauth
from tanggap.channels.base import Channel, Identity, Limits, Setting, Welcome, verbs
from tanggap.channels.errors import ChannelError, NotAuthorised, RateLimited
from tanggap.channels.registry import channels, client, open_channel
from tanggap.core import secrets
from tanggap.core.errors import Refused
from tanggap.core.http import TIMEOUT, Blocked, Client, HttpError
from tanggap.core.models import Person

Within = Callable[[], AbstractContextManager[Any]]
WAIT = timedelta(minutes=30)
"""How long an officer may take at the network's page."""
NAME = "Tanggap"
CURRENT = """
SELECT * FROM accounts_credential WHERE account_id = ANY(%s) AND superseded_at IS NULL
"""
RENEWING = 0x54524E57
"""First half of the advisory lock under which an account's session is renewed."""


# --- what channels there are ---------------------------------------------------------------------


def places() -> list[tuple[str, str, bool]]:
    """Where an account may be: ("kind" or "kind:preset", name, whether a person posts there)."""
    found = []
    for kind, channel in channels().items():
        presets = [one for one in channel.settings if one.name == "preset"]
        if presets:
            found += [(f"{kind}:{code}", name, True) for code, name in presets[0].choices]
        else:
            found.append((kind, channel.name, False))
    return found


def place_of(account: Account) -> str:
    """The network's or place's own name, as in "Instagram"."""
    code = f"{account.channel}:{account.preset}" if account.preset else account.channel
    return {one: name for one, name, _by_hand in places()}.get(code, account.channel)


def kind_of(account: Account) -> type[Channel]:
    """The account's channel. Raises Refused where this installation does not have it."""
    try:
        return channels()[account.channel]
    except KeyError:
        raise Refused(
            _("This account cannot be reached."),
            _("Its channel “%(kind)s” is not installed here.") % {"kind": account.channel},
            _("Ask the operator to install the channel's package."),
        ) from None


def can(account: Account) -> frozenset[str]:
    """What the account's channel can do: names of verbs."""
    return verbs(kind_of(account))


def server_of(kind: str) -> Setting | None:
    """How a channel asks for its server; None where an account has none. KeyError: no such kind."""
    return next((one for one in channels()[kind].settings if one.name == "server"), None)


def genuine(kind: str, headers: Mapping[str, str], body: bytes, kept: Mapping[str, str]) -> bool:
    """Whether a body that came to a door is its network's own. Reads nothing of it."""
    found = channels().get(kind)
    return found is not None and found.genuine(headers, body, kept)


def welcome(kind: str, query: Mapping[str, str], kept: Mapping[str, str]) -> Welcome | None:
    """The answer to a network that asks at a door whether a subscription is ours."""
    found = channels().get(kind)
    return None if found is None else found.welcome(query, kept)


def fields(account: Account) -> tuple[Setting, ...]:
    """The secrets that the token form asks for. The server is the registry's, not a secret."""
    return tuple(field for field in kind_of(account).settings if field.name != "server")


def host_of(account: Account) -> str:
    """The server that is asked, as people write it; "" where a person posts."""
    origin = kind_of(account).base_url(_settings(account))
    return origin.partition("://")[2]


def by_browser(account: Account) -> bool:
    return kind_of(account).oauth is not None


def by_hand(account: Account) -> bool:
    """A person posts there: the channel uses no network."""
    return not kind_of(account).base_url({"server": account.server or "https://x.invalid"})


# --- a ready channel -----------------------------------------------------------------------------


def credentials(account: Account) -> dict[str, str]:
    """The secrets in force, opened, with the account's server. Never log or show them."""
    found = current(account)
    return {**_settings(account), **(_open(found) if found else {})}


def opened(accounts: Iterable[Account]) -> dict[int, dict[str, str]]:
    """The secrets of several accounts in one query, for `channel(given=...)`. Leaves out those for
    which `channel` has more to do or to say: sessions, and secrets that cannot be opened."""
    wanted = {one.pk: one for one in accounts}
    found = Credential.objects.raw(CURRENT, [list(wanted)])
    sealed = {one.account_id: one for one in found}
    given = {}
    for pk, account in wanted.items():
        with suppress(Refused, secrets.SecretsError):
            if "renew" not in can(account):
                secret = _open(sealed[pk]) if pk in sealed else {}
                given[pk] = {**_settings(account), **secret}
    return given


def channel(
    account: Account,
    now: datetime,
    *,
    timeout: float = TIMEOUT,
    until: float | None = None,
    given: Mapping[str, str] | None = None,
) -> Channel:
    """The account's channel, ready for one use. `until` is an instant of `time.monotonic()`.

    A session that is past half of its life is renewed first (network), so that none of ours ends
    on its way. Raises a ChannelError when that does not succeed."""
    kind_of(account)
    return open_channel(
        account.channel,
        in_force(account, now, timeout=timeout, until=until) if given is None else given,
        now=now,
        limits=limits(account),
        account_id=account.remote_id,
        timeout=timeout,
        until=until,
    )


def in_force(
    account: Account,
    now: datetime,
    *,
    timeout: float = TIMEOUT,
    until: float | None = None,
    within: Within = transaction.atomic,
) -> dict[str, str]:
    """The secrets, with a session that lasts, where the network has sessions (network). Renewing
    one is no change of the credentials and makes no version of them. Raises a ChannelError."""
    with within():
        given = credentials(account)
    if "renew" not in can(account) or not _ending(given, now):
        return given
    with _alone(account):
        # Somebody else may have renewed it while we waited.
        with within():
            found = current(account)
            given = credentials(account)
        if found is None or not _ending(given, now):
            return given
        given |= _renewed(account, given, now, timeout=timeout, until=until)
        kept = {name: given[name] for name in given if name not in _settings(account)}
        sealed = secrets.seal(json.dumps(kept, sort_keys=True).encode(), _aad(account))
        with within():
            # Unless a person brought other credentials meanwhile: those count.
            Credential.objects.filter(pk=found.pk, superseded_at=None).update(
                sealed=sealed, key_id=secrets.key_id(sealed)
            )
    return given


def _ending(given: Mapping[str, str], now: datetime) -> bool:
    """Past half of its life, or no session at all."""
    return now.isoformat(timespec="seconds") >= given.get("renew_after", "")


def _renewed(
    account: Account,
    given: Mapping[str, str],
    now: datetime,
    *,
    timeout: float = TIMEOUT,
    until: float | None = None,
) -> dict[str, str]:
    """A session as the network gives it, with the instant after which to renew it."""
    opened = open_channel(account.channel, given, now=now, timeout=timeout, until=until)
    found = dict(opened.renew())  # type: ignore[attr-defined]
    half = timedelta(seconds=int(found.pop("expires_in")) / 2)
    return {**found, "renew_after": (now + half).isoformat(timespec="seconds")}


@contextmanager
def _alone(account: Account) -> Iterator[None]:
    """One renewal of an account at a time: what carries a session on counts once. A lock of the
    connection, not of a transaction, because the network is waited for meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [RENEWING, account.pk])
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [RENEWING, account.pk])


def reading(account: Account, now: datetime) -> Channel:
    """The account's channel to read what its network left with us; no session is renewed for it."""
    kind_of(account)
    return open_channel(
        account.channel,
        credentials(account),
        now=now,
        limits=limits(account),
        account_id=account.remote_id,
    )


def counting(account: Account, now: datetime) -> Channel:
    """The account's channel without its secrets, to measure a draft; it can send nothing."""
    kind_of(account)
    return open_channel(account.channel, _settings(account), now=now, limits=limits(account))


def limits(account: Account) -> Limits:
    """What the network lets this account write: as it told, else the channel's defaults."""
    if account.limits:
        return Limits(**{**account.limits, "mime_types": tuple(account.limits["mime_types"])})
    return kind_of(account).defaults


def identify(account: Account, secret: Mapping[str, str], now: datetime) -> Identity | None:
    """Whose credentials these are (network); None where the channel cannot tell.

    Raises a ChannelError.
    """
    opened = open_channel(account.channel, {**_settings(account), **secret}, now=now)
    verify = getattr(opened, "verify", None)
    found: Identity | None = verify() if verify else None
    return found


# --- in the browser ------------------------------------------------------------------------------


def begin(
    account: Account,
    *,
    redirect_uri: str,
    by: Person,
    now: datetime,
    within: Within = transaction.atomic,
) -> str:
    """Make ourselves known to the account's server, once, and give the address of its page where
    the officer agrees. Raises Refused."""
    flow = kind_of(account).oauth
    if flow is None:
        raise Refused(
            _("This channel is not connected in the browser."), "", _("Use the form with a token.")
        )
    where = {"channel": account.channel, "server": account.server, "redirect_uri": redirect_uri}
    with within():
        known = App.objects.filter(**where).first()
    if known is None:
        try:
            made = oauth.register(
                _client(account, {}), flow, name=NAME, website="", redirect_uri=redirect_uri
            )
        except ChannelError as error:
            raise explain(error, account) from error
        with within():
            App.objects.bulk_create(
                [
                    App(
                        **where,
                        registered_at=now,
                        sealed=secrets.seal(
                            json.dumps([made.client_id, made.client_secret]).encode(),
                            _app_aad(where),
                        ),
                    )
                ],
                ignore_conflicts=True,
            )
            known = App.objects.get(**where)
    state, verifier = random.token_urlsafe(32), random.token_urlsafe(48)
    digest = _digest(state)
    with within():
        Connecting.objects.create(
            agency_id=account.agency_id,
            account=account,
            person=by,
            started_at=now,
            state_hash=digest,
            verifier=secrets.seal(verifier.encode(), b"verifier:" + digest),
        )
        record(
            account.agency,
            "account.connecting",
            account,
            by=by,
            now=now,
            facts={"server": account.server},
        )
    return oauth.authorise_url(
        account.server, flow, _app(known), redirect_uri=redirect_uri, state=state, verifier=verifier
    )


def finish(
    *,
    state: str,
    code: str,
    redirect_uri: str,
    by: Person,
    now: datetime,
    within: Within = transaction.atomic,
) -> Account:
    """The officer came back with a code: change it for a token, once, and keep that. Raises Refused
    when the visit is unknown, too old, used, somebody else's, or the network says no."""
    what, again = _("The account was not connected."), _("Start again from the account's page.")
    digest = _digest(state)
    with within():
        visit = (
            Connecting.objects.select_related("account__agency").filter(state_hash=digest).first()
        )
        if visit is None or visit.person_id != by.pk:
            raise Refused(what, _("This answer does not belong to a visit that you began."), again)
        if now - visit.started_at > WAIT:
            raise Refused(what, _("More than half an hour has passed since you began."), again)
        if not Connecting.objects.filter(pk=visit.pk, used_at=None).update(used_at=now):
            raise Refused(what, _("This answer was already used once."), again)
        account = visit.account
        app = App.objects.get(
            channel=account.channel, server=account.server, redirect_uri=redirect_uri
        )
    if not code:
        raise Refused(what, _("The network says that you did not agree."), again)
    verifier = secrets.open_(bytes(visit.verifier), b"verifier:" + digest).decode()
    try:
        given = oauth.exchange(
            _client(account, {}),
            kind_of(account).oauth,
            _app(app),
            code=code,
            redirect_uri=redirect_uri,
            verifier=verifier,
        )
    except ChannelError as error:
        raise explain(error, account) from error
    return connect(account, dict(given), by=by, now=now, within=within)


def connect(
    account: Account,
    secret: Mapping[str, str],
    *,
    by: Person,
    now: datetime,
    within: Within = transaction.atomic,
) -> Account:
    """Try the secrets on the network; keep them when they are this account's. Raises Refused."""
    try:
        if "renew" in can(account):
            secret = {**secret, **_renewed(account, {**_settings(account), **secret}, now)}
        identity = identify(account, secret, now)
    except ChannelError as error:
        raise explain(error, account) from error
    with within():
        fresh = Account.objects.select_for_update().get(pk=account.pk)
        if identity is not None:
            _same(fresh, identity)
        keep(fresh, secret, by=by, now=now)
        if identity is not None:
            learn(fresh, identity, now=now)
        if fresh.state == "registered":
            move(fresh, "connected", by=by, now=now)
        elif fresh.state == "paused" and fresh.paused_code == pause.CREDENTIALS:
            fresh.paused_code = pause.PERSON
            pause.resume(fresh, by=by, now=now)
    return fresh


def keep(
    account: Account, secret: Mapping[str, str], *, by: Person | str, now: datetime
) -> Credential:
    """Seal the secrets as a new version. A value that is missing or empty keeps the old one."""
    old = current(account)
    merged = {**(_open(old) if old else {}), **{k: v for k, v in secret.items() if v}}
    life = str(merged.pop("expires_in", ""))
    expires_at = now + timedelta(seconds=int(life)) if life.isdigit() and int(life) else None
    sealed = secrets.seal(json.dumps(merged, sort_keys=True).encode(), _aad(account))
    with transaction.atomic():
        if old is not None:
            Credential.objects.filter(pk=old.pk).update(superseded_at=now)
        made = Credential.objects.create(
            agency_id=account.agency_id,
            account=account,
            sealed=sealed,
            key_id=secrets.key_id(sealed),
            created_at=now,
            expires_at=expires_at,
        )
        record(
            account.agency,
            "account.credentials_kept",
            account,
            by=by,
            now=now,
            facts={"version": made.pk, "names": sorted(merged)},
        )
    return made


def learn(account: Account, identity: Identity, *, now: datetime) -> None:
    """Take over what the network says of the account: its id, address and live limits.

    Its name stays the registry's: how an account is called here is the agency's own word.
    """
    values: dict[str, Any] = {
        "remote_id": identity.account_id,
        "url": identity.url or account.url,
        "limits": asdict(identity.limits),
        "verified_at": now,
        "check_after": now + timedelta(days=1),
        "trouble": "",
        "trouble_said": "",
    }
    Account.objects.filter(pk=account.pk).update(**values)
    for name, value in values.items():
        setattr(account, name, value)


def reseal(now: datetime) -> int:
    """Seal every living secret under the newest master key (key rotation). How many changed."""
    changed = 0
    with transaction.atomic():
        for row in Credential.objects.select_related("account").select_for_update(of=["self"]):
            fresh = secrets.reseal(bytes(row.sealed), _aad(row.account))
            if fresh != bytes(row.sealed):
                Credential.objects.filter(pk=row.pk).update(
                    sealed=fresh, key_id=secrets.key_id(fresh)
                )
                changed += 1
        for app in App.objects.select_for_update():
            where = {"channel": app.channel, "server": app.server, "redirect_uri": app.redirect_uri}
            App.objects.filter(pk=app.pk).update(
                sealed=secrets.reseal(bytes(app.sealed), _app_aad(where))
            )
        Connecting.objects.filter(started_at__lt=now - WAIT).delete()
        for visit in Connecting.objects.select_for_update():
            Connecting.objects.filter(pk=visit.pk).update(
                verifier=secrets.reseal(
                    bytes(visit.verifier), b"verifier:" + bytes(visit.state_hash)
                )
            )
    return changed


# --- in words ------------------------------------------------------------------------------------


def explain(error: ChannelError, account: Account) -> Refused:
    """A channel's error as a person reads it on the connect page."""
    what = _("The account was not connected.")
    host = host_of(account)
    said = _("The network says: “%(said)s”.") % {"said": error.said} if error.said else ""
    if isinstance(error, NotAuthorised):
        return Refused(
            what,
            said or _("The network does not accept this."),
            _("Authorise again, signed in there as the official account."),
        )
    if isinstance(error, RateLimited):
        return Refused(
            what,
            _("%(host)s asks us to come back later.") % {"host": host},
            _("Try again in a few minutes."),
        )
    if error.code == "blocked":
        where = urlsplit(kind_of(account).base_url(_settings(account)))
        port = where.port or (80 if where.scheme == "http" else 443)
        return Refused(
            what,
            _("%(host)s was not asked: it is no public https address.") % {"host": host},
            _(
                "Correct it in the registry, as in https://sosial.example. A server inside the "
                "office's own network is named by the operator in TANGGAP_PRIVATE_HOSTS, "
                "as %(named)s."
            )
            % {"named": f"{where.hostname}:{port}"},
            field="server",
        )
    if error.code == "dns":
        return Refused(
            what,
            _("No server answers at %(host)s.") % {"host": host},
            _("Check the server's address in the registry: only the name, as in sosial.example."),
            field="server",
        )
    if error.code in {"connect", "tls", "timeout", "reset", "proxy", "protocol"}:
        return Refused(
            what,
            _("%(host)s cannot be reached at the moment.") % {"host": host},
            _("Try again in a few minutes. Nothing was lost."),
        )
    return Refused(
        what,
        said or _("%(host)s gave an answer that we do not understand.") % {"host": host},
        _("Check that this address is a server of this network."),
    )


def _same(account: Account, identity: Identity) -> None:
    """The network's account must be the registry's."""
    there, here = identity.handle.lower(), account.handle.lower()
    known = account.remote_id in ("", identity.account_id)
    if not known or there.split("@")[0] != here.split("@")[0]:
        raise Refused(
            _("The account was not connected."),
            _("You authorised “%(there)s”, but this entry is “%(here)s”.")
            % {"there": identity.handle, "here": account.handle},
            _("Sign in at the network as the official account and authorise again."),
        )


def _settings(account: Account) -> dict[str, str]:
    found = {"server": account.server, "preset": account.preset, "handle": account.handle}
    return {name: value for name, value in found.items() if value}


def _client(account: Account, secret: Mapping[str, str]) -> Client:
    try:
        found = client(account.channel, {**_settings(account), **secret})
    except (Blocked, HttpError):
        found = None
    if found is None:
        raise Refused(
            _("The account was not connected."),
            _("The server's address is missing or is not one."),
            _("Write it in the registry, as in https://sosial.example."),
            field="server",
        )
    return found


def _open(row: Credential) -> dict[str, str]:
    aad = f"credential:{row.agency_id}:{row.account_id}".encode()
    return dict(json.loads(secrets.open_(bytes(row.sealed), aad)))


def _aad(account: Account) -> bytes:
    return f"credential:{account.agency_id}:{account.pk}".encode()


def _app(row: App) -> oauth.App:
    where = {"channel": row.channel, "server": row.server, "redirect_uri": row.redirect_uri}
    return oauth.App(*json.loads(secrets.open_(bytes(row.sealed), _app_aad(where))))


def _app_aad(where: Mapping[str, str]) -> bytes:
    return f"app:{where['channel']}:{where['server']}:{where['redirect_uri']}".encode()


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
