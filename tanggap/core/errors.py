"""The error that a person reads: what happened, why, and what to do next."""

from __future__ import annotations


class Refused(Exception):
    """A verb refuses. The three sentences are already in the reader's language.

    `field` names the form field that it is about, when there is one.
    """

    def __init__(
        self, what: object, why: object = "", next: object = "", *, field: str = ""
    ) -> None:
        self.what, self.why, self.next, self.field = what, why, next, field
        super().__init__(" ".join(str(part) for part in (what, why, next) if part))


class Stale(Refused):
    """Somebody else changed the thing in between. The caller reloads and shows both."""
