"""A leaver loses access the same minute, everywhere."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from tanggap.archive.models import Record
from tanggap.core.errors import Refused
from tanggap.office import end, invite
from tests.office.test_invite import TERMS

pytestmark = pytest.mark.django_db


def test_every_session_of_the_leaver_is_gone_and_no_other(lead, member, membership_of, now):
    leaver = member("operator")
    for person in (leaver, leaver, lead):
        Client().force_login(person)
    ended = end.end(membership_of(leaver), by=lead, now=now)
    assert ended.sessions == 2
    assert [row.get_decoded()["_auth_user_id"] for row in Session.objects.all()] == [str(lead.pk)]
    assert Record.objects.get(verb="membership.ended").facts == {"role": "operator", "sessions": 2}


def test_their_open_invitations_no_longer_work(agency, lead, member, membership_of, now):
    leaver = member("operator")
    _sent, token = invite.invite(agency, "d@lumbung.test", "D", **TERMS, by=leaver, now=now)
    assert end.end(membership_of(leaver), by=lead, now=now).invitations == 1
    with pytest.raises(Refused):
        invite.find(token, now)
