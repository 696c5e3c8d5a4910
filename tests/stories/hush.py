"""What nobody may find in a log, on a page or in an export of a story: citizens' identity numbers,
telephones and addresses that they wrote in public, and the tokens of our accounts.

Logs are looked at twice: what our own code says, before anything is left out of it (that no message
holds personal words is a matter of how it is made), and what the processes really wrote.
"""

from __future__ import annotations

import io
import logging
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.test import Client
from django.urls import reverse

from tanggap.accounts import connect
from tanggap.accounts.models import Account, Credential
from tanggap.core.models import Person
from tanggap.practice import world
from tanggap.practice.network import STORE

SECRET = re.compile("token|secret|password|session")
LOGS = ("*.log", "*.err", "*.out")
EXPORTS = ("desk:monitoring-export", "desk:monitoring-report", "desk:archive-list")


def personal() -> list[str]:
    """What citizens of the invented regency let slip, as they wrote it."""
    return sorted({words for said in world.messages() for _kind, words in said.expected.pii})


def tokens() -> list[str]:
    """Every secret of a connected account."""
    found = set()
    for account in Account.objects.filter(pk__in=Credential.objects.values("account")):
        for name, value in connect.credentials(account).items():
            if SECRET.search(name) and len(str(value)) >= 12:
                found.add(str(value))
    return sorted(found)


def tokens_of(home: Path) -> list[str]:
    """Every token that a practice network has ever given, by its own store."""
    with sqlite3.connect(home / "network" / STORE) as store:
        rows = store.execute("SELECT access_token FROM oauth_tokens").fetchall()
    store.close()
    return sorted({token for (token,) in rows if not token.startswith("latihan-")})


def leaks(text: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word in text]


def in_files(folder: Path, words: list[str]) -> list[str]:
    """Every log below a folder that holds one of the words."""
    return [
        f"{path.name} says {word}"
        for kind in LOGS
        for path in sorted(folder.rglob(kind))
        for word in leaks(path.read_text(errors="replace"), words)
    ]


def in_exports(lead: Person, words: list[str]) -> list[str]:
    """What leaves as a file, asked for by the one who may."""
    client, found = Client(), []
    client.force_login(lead, backend="django.contrib.auth.backends.ModelBackend")
    for name in EXPORTS:
        answer = client.get(reverse(name))
        said = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer.status_code == 200, name
        found += [f"{name} says {word}" for word in leaks(said.decode(errors="replace"), words)]
    return found


@contextmanager
def listening() -> Iterator[io.StringIO]:
    """Everything that this process says to its logs, nothing left out."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield said
    finally:
        logging.getLogger().removeHandler(handler)
