"""Tell an invited person, by e-mail or by words for WhatsApp. Never in a transaction."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import send_mail
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from tanggap.core.models import Invitation


def letter(invitation: Invitation, link: str, role: str) -> tuple[str, str]:
    """Subject and text, in the language and zone in force. `role` is the role's word."""
    subject = _("You are invited to work on the social media of %(agency)s") % {
        "agency": invitation.agency.name
    }
    text = _(
        "Dear %(name)s,\n\n"
        "%(inviter)s invites you to join %(agency)s as %(role)s (decree %(decree)s).\n\n"
        "Open this link and choose a password:\n%(link)s\n\n"
        "The link works once, until %(until)s. It is yours alone: please do not forward it.\n"
        "If you did not expect this, you need do nothing.\n"
    ) % {**_facts(invitation, link, role)}
    return subject, text


def for_whatsapp(invitation: Invitation, link: str, role: str) -> str:
    """The same in a few lines, for offices that work by WhatsApp."""
    return _(
        "%(name)s, you are invited to join %(agency)s as %(role)s. "
        "Open this link before %(until)s and choose a password: %(link)s "
        "The link is yours alone; please do not forward it."
    ) % {**_facts(invitation, link, role)}


def post(invitation: Invitation, link: str, role: str) -> bool:
    """Send the e-mail. False when no mail server took it: the link is on screen anyway."""
    if settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        # None is set (EMAIL_URL); printing the link into the log would reach nobody but readers.
        return False
    subject, text = letter(invitation, link, role)
    try:
        return send_mail(subject, text, None, [invitation.email]) == 1
    except OSError:  # smtplib's errors are OSErrors too
        return False


def _facts(invitation: Invitation, link: str, role: str) -> dict[str, str]:
    until = timezone.localtime(invitation.expires_at)
    return {
        "name": invitation.name,
        "inviter": invitation.invited_by.name,
        "agency": invitation.agency.name,
        "role": role,
        "decree": invitation.decree_number,
        "link": link,
        "until": f"{date_format(until, 'l j F Y')} {until:%H.%M} {invitation.agency.zone_name}",
    }
