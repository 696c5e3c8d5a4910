"""The first minute of the invented regency: agencies, people by decree, accounts, what units know.

Everything that has a verb goes through it. Agencies have none yet (the registry of agencies is the
government's, not an office's act), so that their rows are written here.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import cache
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test.utils import override_settings

from tanggap.accounts import connect, registry
from tanggap.accounts.models import Account
from tanggap.core import clock, rules, worktime
from tanggap.core.models import Agency, Person
from tanggap.execution.inbox import vocabulary
from tanggap.office import admin, invite
from tanggap.office.appoint import today
from tanggap.practice import network as net
from tanggap.practice import time as practice_time
from tanggap.practice import world

PASSWORD = "kopi-tubruk-pagi"
"""Of everybody in the invented regency. Practice only: nothing there leaves this machine."""
BEGINS_AT = time(6, 0)
AHEAD = timedelta(days=7)
"""So that the kept first minute can be played again for a week without making it anew."""


def begins(wall: datetime, zone: str) -> datetime:
    """The Monday, at least a week ahead, on which the story starts: a working day of the nation."""
    local = ZoneInfo(zone)
    day = (wall + AHEAD).astimezone(local).date()
    office = worktime.Office(zone=zone)
    while day.weekday() != 0 or not worktime.is_working_day(day, office):
        day += timedelta(days=1)
    return datetime.combine(day, BEGINS_AT, local)


def seed(network: net.Network, progress: net.Progress) -> None:
    """Fill an empty, migrated database. The practice clock stands at the first minute already."""
    progress("people")
    agency = agencies()
    with override_settings(PASSWORD_HASHERS=[f"{__name__}.{HashedOnce.__name__}"]):
        team(agency, clock.now())
    progress("accounts")
    accounts(agency, network)
    words(agency)


def agencies() -> Agency:
    """Province, regency, units and a village. Returns the regency."""
    told = world.read("agency")
    province = _agency(told["province"], parent=None, autonomous=True)
    regency = _agency(told["agency"], parent=province, autonomous=True)
    known = {"": regency}
    for unit in told["units"]:
        known[unit["slug"]] = _agency(unit, parent=known[unit.get("parent", "")], autonomous=False)
    return regency


def _agency(about: dict[str, str], *, parent: Agency | None, autonomous: bool) -> Agency:
    names = (
        "slug",
        "code",
        "kind",
        "name",
        "short_name",
        "zone",
        "region_code",
        "contact",
        "website",
    )
    return Agency.objects.create(
        parent=parent,
        autonomous=autonomous,
        **{name: about[name] for name in names if name in about},
    )


class HashedOnce(PBKDF2PasswordHasher):
    """The usual slow hash, made once: here everybody has the same password, and says so."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        return _hashed(password)


@cache
def _hashed(password: str) -> str:
    plain = PBKDF2PasswordHasher()
    return plain.encode(password, plain.salt())


def team(agency: Agency, now: datetime) -> None:
    """Everybody by decree: the first of each agency by the operator, the others by invitation."""
    told = sorted(world.read("agency")["team"], key=lambda one: one["key"] != "ratna")
    day, first = today(agency, now), dict[int, Person]()
    for one in told:
        home = Agency.objects.get(slug=one.get("agency", agency.slug))
        unit = Agency.objects.get(slug=one["unit"]) if "unit" in one else None
        since = day + timedelta(days=one["since_day"])
        if home.pk not in first:
            _made, first[home.pk], _path = admin.create(
                email=one["email"],
                name=one["name"],
                agency_name=home.name,
                role=one["role"],
                decree_number=one["decree_number"],
                password=PASSWORD,
                valid_from=since,
                now=now,
            )
            continue
        _sent, token = invite.invite(
            home,
            one["email"],
            one["name"],
            one["role"],
            one["decree_number"],
            since,
            unit=unit,
            by=first[home.pk],
            now=now,
        )
        invite.accept(token, one["name"], PASSWORD, now)


def person(key: str) -> Person:
    """Somebody of the team, by the name that the story calls them."""
    email = next(one["email"] for one in world.read("agency")["team"] if one["key"] == key)
    return Person.objects.get(email=email)


def accounts(agency: Agency, network: net.Network) -> None:
    """Register the official accounts; the operator connects them, as on any network."""
    lead, operator, now = person("ratna"), person("bayu"), clock.now()
    for one in world.read("agency")["accounts"]:
        account = registry.register(
            agency,
            channel=one["channel"],
            preset=one.get("preset", ""),
            server=network.url if one["channel"] == "mastodon" else "",
            custodians=[operator, lead],
            by=lead,
            now=now,
            kind=one["kind"],
            handle=one["handle"],
            display_name=one["display_name"],
            owner_unit=Agency.objects.get(slug=one["owner"]),
            person_in_charge=lead,
            decree_number=one["decree_number"],
            recovery_contact=one["recovery_contact"],
            opened_on=today(agency, now) - timedelta(days=250),
        )
        if connect.by_browser(account):
            authorise(account, network, operator)
        else:
            connect.connect(account, {}, by=operator, now=clock.now())


def authorise(account: Account, network: net.Network, by: Person) -> Account:
    """The operator opens the network's page, agrees, and comes back with a code."""
    back = f"{settings.PUBLIC_URL}/akun/kembali/"
    address = connect.begin(account, redirect_uri=back, by=by, now=clock.now())
    given = parse_qs(urlsplit(net.authorise(network, address, account.handle)).query)
    return connect.finish(
        state=given["state"][0], code=given["code"][0], redirect_uri=back, by=by, now=clock.now()
    )


def words(agency: Agency) -> None:
    """By which words each unit's work is known, and the places of the regency."""
    told, by, now = world.read("agency"), person("ratna"), clock.now()
    for unit in told["units"]:
        vocabulary.teach(
            agency, unit["words"], by=by, now=now, unit=Agency.objects.get(slug=unit["slug"])
        )
    vocabulary.teach(agency, told["places"], by=by, now=now)


def turn_clock(start: datetime, network: net.Network | None) -> None:
    """Practice time now is `start`, and runs from there."""
    practice_time.set_ahead(start - datetime.now(start.tzinfo), network=network)


def office(agency: Agency) -> worktime.Office:
    return rules.office(agency)
