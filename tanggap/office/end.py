"""End a membership now: the person is out of the agency's desk the same minute.

Their sessions are deleted wherever they are signed in; the door (desk/door.py) asks for a
membership in force on every request besides. A second factor stays: it belongs to the person, who
may work for another agency. What they had open is the desk's to ask (desk/team.py) and to hand on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.core.errors import Refused
from tanggap.core.models import Invitation, Membership, Person
from tanggap.office.appoint import check_somebody_appoints, close
from tanggap.office.invite import withdraw


@dataclass(frozen=True, slots=True)
class Ended:
    """What ending did: how many sign-ins were closed, how many of their invitations withdrawn."""

    membership: Membership
    sessions: int
    invitations: int


def end(membership: Membership, *, by: Person, now: datetime) -> Ended:
    """End it, close every session, withdraw the invitations that the person has out."""
    with transaction.atomic():
        row = (
            Membership.objects.select_for_update(of=("self",))
            .select_related("agency", "person")
            .get(pk=membership.pk)
        )
        if row.ended_at is not None:
            raise Refused(
                _("Nothing was changed."),
                _("This membership has ended already."),
                _("There is nothing left to do."),
            )
        sessions = sign_out(row.person)
        close(row, by=by, now=now, facts={"sessions": sessions})
        check_somebody_appoints(row.agency, now)
        sent = Invitation.objects.filter(
            agency=row.agency, invited_by=row.person, accepted_at=None, withdrawn_at=None
        )
        invitations = [withdraw(invitation, by=by, now=now) for invitation in sent]
    return Ended(row, sessions, len(invitations))


def sign_out(person: Person) -> int:
    """Delete every session of a person; returns how many. Sessions are opaque, so each is read."""
    theirs = [
        session.pk
        for session in Session.objects.iterator()
        if session.get_decoded().get(SESSION_KEY) == str(person.pk)
    ]
    Session.objects.filter(pk__in=theirs).delete()
    return len(theirs)
