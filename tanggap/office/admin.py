"""The first person of a new installation: an agency and its person in charge (`tanggap admin`)."""

from __future__ import annotations

from datetime import date, datetime

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Person
from tanggap.office.appoint import appoint, today

SYSTEM = "system:admin"


def create(
    *,
    email: str,
    name: str,
    agency_name: str,
    short_name: str = "",
    code: str = "",
    kind: str = Agency.Kind.REGENCY,
    zone: str = Agency.Zone.WIB,
    role: str = "lead",
    decree_number: str,
    password: str | None = None,
    valid_from: date | None = None,
    now: datetime,
) -> tuple[Agency, Person, str]:
    """Make the agency (unless one has that name) and a person with a role in it.

    Returns the path of a page on which the person sets a password, once; "" when one was given.
    Runs as the database owner, outside every scope.
    """
    what = _("Nobody was made.")
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise Refused(
            what,
            _("“%(typed)s” is not an e-mail address.") % {"typed": email},
            _("Write it like name@agency.go.id."),
            field="email",
        ) from None
    if kind not in Agency.Kind.values or zone not in Agency.Zone.values:
        raise Refused(
            what,
            _("The kind of agency or its time zone is unknown."),
            _("Kinds: %(kinds)s. Zones: %(zones)s.")
            % {"kinds": ", ".join(Agency.Kind.values), "zones": ", ".join(Agency.Zone.values)},
        )
    if Person.objects.filter(email=email).exists():
        raise Refused(
            what,
            _("%(email)s signs in here already.") % {"email": email},
            _("Invite them on the Team page instead."),
            field="email",
        )
    with transaction.atomic():
        agency = Agency.objects.filter(name=agency_name.strip()).first() or Agency.objects.create(
            kind=kind,
            zone=zone,
            name=agency_name.strip(),
            short_name=(short_name or agency_name).strip()[:80],
            slug=_free_slug(short_name or agency_name),
            code=_free_code(code, agency_name),
        )
        person = Person(email=email, name=name.strip())
        if password is None:
            person.set_unusable_password()
        else:
            try:
                validate_password(password, person)
            except ValidationError as error:
                raise Refused(
                    what, " ".join(error.messages), _("Choose another password."), field="password"
                ) from None
            person.set_password(password)
        person.save()
        appoint(
            agency,
            person,
            role,
            unit=None,
            decree_number=decree_number,
            valid_from=valid_from or today(agency, now),
            valid_until=None,
            by=SYSTEM,
            now=now,
        )
    return agency, person, "" if password is not None else password_path(person)


def password_path(person: Person) -> str:
    """Where a person sets a password, once: the link dies with the password that it replaces."""
    return reverse(
        "account_reset_password_from_key",
        kwargs={
            "uidb36": user_pk_to_url_str(person),
            "key": default_token_generator.make_token(person),
        },
    )


def _free_slug(name: str) -> str:
    base = slugify(name)[:50] or "instansi"
    taken = set(Agency.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(
        slug
        for number in range(1, len(taken) + 2)
        if (slug := base if number == 1 else f"{base}-{number}") not in taken
    )


def _free_code(code: str, name: str) -> str:
    """Three letters of the name, with a number when another agency has them."""
    letters = "".join(sign for sign in (code or name).upper() if sign.isascii() and sign.isalnum())
    base = letters[:6] if code else (letters[:3] or "TGP")
    taken = set(Agency.objects.filter(code__startswith=base[:3]).values_list("code", flat=True))
    return next(
        found
        for number in range(1, len(taken) + 2)
        if (found := base if number == 1 else f"{base[:3]}{number}") not in taken
    )
