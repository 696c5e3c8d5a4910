"""One sentence about one thing of the installation, and what to do when it is not well."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` names the check; `well` is False when somebody must act, and then `fix` says how.

    Text is in the language in force when it was made. No words of citizens, no secrets.
    """

    code: str
    well: bool
    text: str
    fix: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (f"{'well' if self.well else 'ACT '} ", self.text, self.fix)))
