"""A signed tree head, as the database, the anchor file and a citizen's proof all hold it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime

from tanggap.archive.models import TreeHead
from tanggap.archive.record import stamp
from tanggap.core import secrets

# What is signed begins with this, so that no other signature of ours can be taken for one.
CONTEXT = b"tanggap tree head 1\n"


@dataclass(frozen=True, slots=True)
class Head:
    """The root of an agency's log at a size, when, and who vouches for it."""

    agency_id: int
    size: int
    root: bytes
    at: str
    signer: str = ""
    signature: bytes = b""

    @classmethod
    def of(cls, row: TreeHead) -> Head:
        return cls(
            row.agency_id,
            row.size,
            bytes(row.root_hash),
            stamp(row.at),
            row.signer,
            bytes(row.signature),
        )

    def said(self) -> dict[str, object]:
        return {
            "agency": self.agency_id,
            "at": self.at,
            "root": self.root.hex(),
            "size": self.size,
        }

    def message(self) -> bytes:
        """The exact bytes that are signed."""
        said = json.dumps(self.said(), sort_keys=True, separators=(",", ":"))
        return CONTEXT + said.encode()

    def is_genuine(self) -> bool:
        """True when a key of our key file signed exactly this."""
        return secrets.signed(self.message(), self.signer, self.signature)


def sign(agency_id: int, size: int, root: bytes, at: datetime) -> Head:
    head = Head(agency_id, size, root, stamp(at))
    signer, signature = secrets.sign(head.message())
    return replace(head, signer=signer, signature=signature)
