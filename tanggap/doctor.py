"""What an operator asks first: is this installation well, and what is to be done if not.

The checks are those of the page *Kesehatan sistem* (tanggap/health), over all agencies, and two
that are only asked here: the certificate of the public address, and the state of the tables.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext

from tanggap.core import clock
from tanggap.health import examine as health
from tanggap.health import machine
from tanggap.health.findings import Finding

PATIENCE_S = 5.0
SOON_DAYS = 14


def examine() -> list[Finding]:
    """Every finding, in the order in which one would mend them."""
    waiting = machine.waiting_migrations()
    found = [*health.ground(), machine.migrations(waiting)]
    if not waiting:
        found += health.life(None, clock.now())
    return [*found, *health.surroundings(), *certificate(datetime.now(UTC))]


def certificate(now: datetime, cafile: str | None = None) -> Iterator[Finding]:
    """The certificate that a browser is shown at the public address. `cafile`: trust this one too.

    Only the handshake is made; nothing is asked.
    """
    address = urlsplit(settings.PUBLIC_URL)
    if address.scheme != "https" or not address.hostname:
        return
    trust = ssl.create_default_context(cafile=cafile)
    try:
        place = (address.hostname, address.port or 443)
        with (
            socket.create_connection(place, timeout=PATIENCE_S) as plain,
            trust.wrap_socket(plain, server_hostname=address.hostname) as shown,
        ):
            ends = ssl.cert_time_to_seconds(str((shown.getpeercert() or {})["notAfter"]))
    except ssl.SSLCertVerificationError as error:
        yield Finding(
            "certificate",
            False,
            gettext("Browsers do not trust the certificate of %(host)s: %(why)s.")
            % {"host": address.hostname, "why": error.verify_message},
            gettext("Renew it where the reverse proxy takes it from, and reload the proxy."),
        )
        return
    except OSError as error:
        yield Finding(
            "certificate",
            False,
            gettext("Nothing answers at %(url)s: %(why)s.")
            % {"url": settings.PUBLIC_URL, "why": error.strerror or error},
            gettext("See that the reverse proxy runs and the name leads to this machine."),
        )
        return
    days = int((ends - now.timestamp()) // 86400)
    yield Finding(
        "certificate",
        days > SOON_DAYS,
        gettext("The certificate of %(host)s holds for %(n)d days.")
        % {"host": address.hostname, "n": days},
        ""
        if days > SOON_DAYS
        else gettext("Renew it where the reverse proxy takes it from, and reload the proxy."),
    )
