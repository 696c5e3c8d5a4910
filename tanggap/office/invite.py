"""Invite a person into an agency: a link that works once and expires. Only its hash is kept.

The one who opens the link has no scope yet, so `accept` finds the agency by the hash (a named
SECURITY DEFINER function, migrations/0001) and then works within that agency only.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import date, datetime, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from tanggap.archive.record import record
from tanggap.core import rules
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Invitation, Membership, Person
from tanggap.core.scope import Scope, enter
from tanggap.office.appoint import appoint, check_terms, is_over

TOKEN_BYTES = 32


def invite(
    agency: Agency,
    email: str,
    name: str,
    role: str,
    decree_number: str,
    valid_from: date,
    valid_until: date | None = None,
    *,
    unit: Agency | None = None,
    by: Person,
    now: datetime,
) -> tuple[Invitation, str]:
    """Offer a membership. Returns the invitation and the token of its link, shown only now.

    An open invitation to the same address is withdrawn: one link per person works at a time.
    """
    email, name = email.strip().lower(), name.strip()
    what = _("Nobody was invited.")
    try:
        validate_email(email)
    except ValidationError:
        raise Refused(
            what,
            _("“%(typed)s” is not an e-mail address.") % {"typed": email},
            _("Write it like name@agency.go.id."),
            field="email",
        ) from None
    if not name:
        raise Refused(what, _("The name is missing."), _("Write the person's name."), field="name")
    check_terms(agency, role, unit, decree_number, valid_from, valid_until)
    with transaction.atomic():
        there = (
            Membership.objects.filter(agency=agency, person__email=email, ended_at=None)
            .select_related("agency")
            .first()
        )
        if there is not None and not is_over(there, now):
            raise Refused(
                what,
                _("%(email)s already belongs to this agency.") % {"email": email},
                _("Change their role on the Team page instead."),
                field="email",
            )
        for open_one in _open(agency, email):
            withdraw(open_one, by=by, now=now)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        invitation = Invitation.objects.create(
            agency=agency,
            email=email,
            name=name,
            role=role,
            unit=unit,
            decree_number=decree_number.strip(),
            valid_from=valid_from,
            valid_until=valid_until,
            token_hash=hash_of(token),
            invited_by=by,
            invited_at=now,
            expires_at=now + timedelta(days=rules.number(agency, "invitation_days")),
        )
        record(
            agency,
            "invitation.sent",
            invitation,
            by=by,
            now=now,
            facts={
                "role": role,
                "unit": unit.pk if unit else None,
                "decree": invitation.decree_number,
                "expires": invitation.expires_at,
            },
        )
    return invitation, token


def find(token: str, now: datetime) -> Invitation:
    """The invitation behind a link, still good. Raises Refused with why it is not.

    Enters the agency's scope for the look-up, so that it works before anybody has signed in.
    """
    scope = _scope(token)
    if scope is None:
        raise _no_such_link()
    with enter(scope):
        invitation = _by(token).first()
        if invitation is None:
            raise _no_such_link()
        return _usable(invitation, now)


def accept(
    token: str, name: str, password: str, now: datetime, *, person: Person | None = None
) -> Person:
    """Take up an invitation. Makes the person, or joins the one who is signed in as `person`.

    A person whose address we know already must be signed in: a link may not set their password.
    """
    scope = _scope(token)
    if scope is None:
        raise _no_such_link()
    with enter(scope):
        # The lock makes a second click on the same link wait, and then find it used.
        invitation = _by(token).select_for_update(of=("self",)).first()
        if invitation is None:
            raise _no_such_link()
        _usable(invitation, now)
        who = _person(invitation, name, password, person)
        membership = appoint(
            invitation.agency,
            who,
            invitation.role,
            unit=invitation.unit,
            decree_number=invitation.decree_number,
            valid_from=invitation.valid_from,
            valid_until=invitation.valid_until,
            by=who,
            now=now,
        )
        invitation.accepted_at = now
        invitation.save(update_fields=["accepted_at"])
        record(
            invitation.agency,
            "invitation.accepted",
            invitation,
            by=who,
            now=now,
            facts={"membership": membership.pk},
        )
    return who


def withdraw(invitation: Invitation, *, by: Person, now: datetime) -> Invitation:
    """Make a link useless. One that was used already is refused: end the membership instead."""
    with transaction.atomic():
        row = Invitation.objects.select_for_update(of=("self",)).get(pk=invitation.pk)
        if row.accepted_at is not None:
            raise Refused(
                _("The invitation was not withdrawn."),
                _("%(name)s has accepted it already.") % {"name": row.name},
                _("End the membership on the Team page instead."),
            )
        if row.withdrawn_at is None:
            row.withdrawn_at = now
            row.save(update_fields=["withdrawn_at"])
            record(row.agency, "invitation.withdrawn", row, by=by, now=now)
    return row


def knows(email: str) -> bool:
    """True when somebody signs in with this address already."""
    return Person.objects.filter(email=email.lower()).exists()


def hash_of(token: str) -> bytes:
    """SHA-256 of the token; enough, because a token has 256 random bits."""
    return hashlib.sha256(token.encode()).digest()


def _scope(token: str) -> Scope | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT office_invitation_agency(%s)", [hash_of(token)])
        (agency_id,) = cursor.fetchone()
    if agency_id is None:
        return None
    only = frozenset({agency_id})
    return Scope(agency=Agency.objects.get(pk=agency_id), readable=only, writable=only)


def _by(token: str) -> QuerySet[Invitation]:
    return Invitation.objects.select_related("agency", "unit", "invited_by").filter(
        token_hash=hash_of(token)
    )


def _open(agency: Agency, email: str) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        agency=agency, email=email, accepted_at=None, withdrawn_at=None
    )


def _usable(invitation: Invitation, now: datetime) -> Invitation:
    what = _("This invitation can no longer be used.")
    again = _("Ask %(name)s to invite you again.") % {"name": invitation.invited_by.name}
    if invitation.accepted_at is not None:
        raise Refused(
            what,
            _("It has been accepted already; a link works once."),
            _("Sign in with your e-mail address and password."),
        )
    if invitation.withdrawn_at is not None:
        raise Refused(what, _("It was withdrawn, or a newer one was sent."), again)
    if invitation.expires_at <= now:
        raise Refused(what, _("It has expired."), again)
    return invitation


def _person(invitation: Invitation, name: str, password: str, signed_in: Person | None) -> Person:
    what = _("You have not joined yet.")
    if signed_in is not None and signed_in.email == invitation.email:
        return signed_in
    if signed_in is not None or knows(invitation.email):
        raise Refused(
            what,
            _("This invitation is for %(email)s.") % {"email": invitation.email},
            _("Sign in with that address, then open the link again."),
        )
    if not name.strip():
        raise Refused(
            what,
            _("Your name is missing."),
            _("Write it as your colleagues know it."),
            field="name",
        )
    made = Person(email=invitation.email, name=name.strip())
    try:
        validate_password(password, made)
    except ValidationError as error:
        raise Refused(
            what, " ".join(error.messages), _("Choose another password."), field="password"
        ) from None
    made.set_password(password)
    made.save()
    return made


def _no_such_link() -> Refused:
    return Refused(
        _("This invitation can no longer be used."),
        _("The link is incomplete, or it never was ours."),
        _("Copy the whole link from the message, or ask to be invited again."),
    )
