"""What must be true before a message may go out, said like a good colleague: what, why, what to do.

Each rule is a function of a `Look`; RULES lists them in the order in which they are shown. A block
stops the message. A block with `clears="ppid"` stops it until a PPID officer has looked: whether
something is exempt (UU 14/2008 art. 17) needs a consequence test, which no machine makes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from tanggap.accounts import connect
from tanggap.core.errors import Refused
from tanggap.language import readability
from tanggap.language.redact import redact
from tanggap.messaging.content import Content, contents_of, digest
from tanggap.messaging.measure import count
from tanggap.messaging.models import Exemption, Message, Review, Variant

Verdict = Literal["pass", "warn", "block"]
GUARDS = Path(__file__).with_name("guards.json")
JUDGED = "id"
"""The language whose long sentences and hard words are known (language/readability.py)."""
NAMES = {"nik": "NIK", "kk": "KK"}


@dataclass(frozen=True, slots=True)
class Check:
    """One answer. `field` is where on the form it belongs; `clears` who else may let it pass."""

    rule: str
    verdict: Verdict
    what: str
    why: str = ""
    next: str = ""
    field: str = ""
    account_id: int | None = None
    clears: str = ""
    cleared: bool = False

    @property
    def stops(self) -> bool:
        return self.verdict == "block" and not self.cleared


@dataclass(frozen=True)
class Look:
    """A message with what its rules need, read once."""

    message: Message
    contents: tuple[tuple[Variant, int, Content], ...]
    now: datetime

    @property
    def texts(self) -> list[str]:
        return list(
            dict.fromkeys(
                [self.message.core, *(said["text"] for _variant, _part, said in self.contents)]
            )
        )

    @property
    def words(self) -> str:
        """Everything that will be read, pictures' descriptions too."""
        alts = [row["alt"] for _v, _p, said in self.contents for row in said["media"]]
        return "\n".join([self.message.title, *self.texts, *alts]).casefold()


Rule = Callable[[Look], Iterator[Check]]


def run(message: Message, now: datetime) -> list[Check]:
    """Every rule's answer. A rule that finds nothing wrong says one "pass"."""
    look = Look(message, tuple(contents_of(message)), now)
    cleared = _cleared_by_ppid(message)
    found: list[Check] = []
    for rule in RULES:
        answers = list(rule(look)) or [_fine(rule)]
        found += [
            replace(answer, cleared=True) if answer.clears and answer.rule in cleared else answer
            for answer in answers
        ]
    return found


def stopping(checks: list[Check], *, before_ppid: bool = False) -> list[Check]:
    """What still stops it. `before_ppid`: leave out what a PPID officer may yet clear."""
    return [one for one in checks if one.stops and not (before_ppid and one.clears)]


def demand(checks: list[Check], what: str, *, before_ppid: bool = False) -> None:
    """Raise Refused with the first thing that stops the message."""
    for one in stopping(checks, before_ppid=before_ppid):
        raise Refused(what, f"{one.what}. {one.why}".strip(), one.next, field=one.field)


# --- rules ---------------------------------------------------------------------------------------


def accounts(look: Look) -> Iterator[Check]:
    if not look.contents:
        yield Check(
            "accounts",
            "block",
            _("No account is chosen"),
            _("Nobody would read it."),
            _("Choose at least one official account."),
            "accounts",
        )
    for variant, part, _said in look.contents:
        account = variant.account
        if part == 0 and account.state in ("registered", "retired"):
            yield Check(
                "accounts",
                "block",
                _("%(account)s is not connected") % {"account": account.display_name},
                _("Nothing can be sent there."),
                _("Connect it under “Official accounts”, or take it off here."),
                "accounts",
                account.pk,
            )


def openness(look: Look) -> Iterator[Check]:
    if not look.message.openness:
        yield Check(
            "openness",
            "block",
            _("The openness class is missing"),
            _("UU 14/2008 art. 9, 10 and 11 say what must be open, and when."),
            _("Choose a class, or “Not applicable”."),
            "openness",
        )


def source(look: Look) -> Iterator[Check]:
    if not look.message.source.strip():
        yield Check(
            "source",
            "warn",
            _("No source is named"),
            _("Somebody will ask where this comes from."),
            _("Name the document, the unit or the person who vouches for it."),
            "source",
        )


def validity(look: Look) -> Iterator[Check]:
    until = look.message.valid_until
    if until is None:
        return
    zone = ZoneInfo(look.message.agency.zone)
    leaves = max(look.message.publish_at or look.now, look.now)
    if until < leaves.astimezone(zone).date():
        yield Check(
            "validity",
            "block",
            _("It is no longer valid when it goes out"),
            _("Its last valid day is before the day of publishing."),
            _("Correct the day, or publish earlier."),
            "valid_until",
        )


def length(look: Look) -> Iterator[Check]:
    for variant, part, said in look.contents:
        used, limit = count(variant.account, said["text"], look.now)
        if used > limit:
            name = {"account": variant.account.display_name, "part": part + 1}
            yield Check(
                "length",
                "block",
                _("Too long for %(account)s, part %(part)d") % name,
                _("It has %(used)d of %(limit)d characters, as the network counts.")
                % {"used": used, "limit": limit},
                _("Shorten it, or split it into a thread in that account's tab."),
                "parts",
                variant.account_id,
            )


def alt_text(look: Look) -> Iterator[Check]:
    missing = {
        row["id"]
        for _variant, _part, said in look.contents
        for row in said["media"]
        if not row["alt"].strip()
    }
    if missing:
        yield Check(
            "alt_text",
            "block",
            ngettext(
                "A picture has no description", "%(n)d pictures have no description", len(missing)
            )
            % {"n": len(missing)},
            _("People who are blind cannot read it."),
            _("Write one sentence about what it shows."),
            "media",
        )


def media(look: Look) -> Iterator[Check]:
    for variant, part, said in look.contents:
        limits, name = connect.limits(variant.account), variant.account.display_name
        rows = said["media"]
        if part == 0 and limits.media_required and not rows:
            yield Check(
                "media",
                "block",
                _("%(account)s needs a picture") % {"account": name},
                "",
                _("Add a picture, or take this account off."),
                "media",
                variant.account_id,
            )
        if limits.max_media and len(rows) > limits.max_media:
            yield Check(
                "media",
                "block",
                _("Too many pictures for %(account)s") % {"account": name},
                _("It takes %(limit)d; there are %(used)d.")
                % {"limit": limits.max_media, "used": len(rows)},
                _("Take some away."),
                "media",
                variant.account_id,
            )
        for row in rows:
            if limits.mime_types and row["mime"] not in limits.mime_types:
                yield Check(
                    "media",
                    "block",
                    _("%(account)s does not take this file") % {"account": name},
                    _("It is %(kind)s.") % {"kind": row["mime"]},
                    _("Save it as JPEG or PNG."),
                    "media",
                    variant.account_id,
                )


def personal_data(look: Look) -> Iterator[Check]:
    allowed = [look.message.agency.contact]
    alts = [row["alt"] for _v, _p, said in look.contents for row in said["media"]]
    kinds = sorted({found.kind for text in [*look.texts, *alts] for found in redact(text, allowed)})
    if kinds:
        yield Check(
            "personal_data",
            "block",
            _("There is personal data in it: %(kinds)s")
            % {"kinds": ", ".join(_kind(kind) for kind in kinds)},
            _("UU 27/2022 protects it, and what is out cannot be called back."),
            _("Take it out or use the agency's own number. If it must stay, ask the PPID officer."),
            "core",
            clears="ppid",
        )


def exempt_register(look: Look) -> Iterator[Check]:
    today = look.now.astimezone(ZoneInfo(look.message.agency.zone)).date()
    entries = Exemption.objects.filter(
        agency=look.message.agency, expires_on__gte=today, lifted_at=None
    )
    for entry in entries:
        if any(_has(look.words, word) for word in entry.words):
            yield Check(
                "exempt_register",
                "block",
                _("It touches exempt information"),
                _("Register entry %(test)s, art. %(article)s of UU 14/2008.")
                % {"test": entry.consequence_test, "article": entry.article},
                _("Take it out, or speak with the PPID officer."),
                "core",
            )


def exempt_pattern(look: Look) -> Iterator[Check]:
    for row in _guards()["exempt"]["patterns"]:
        hit = [word for word in row["words"] if _has(look.words, word)]
        if hit:
            yield Check(
                "exempt_pattern",
                "block",
                _("The PPID officer should look: “%(words)s”") % {"words": "”, “".join(hit)},
                _("It may fall under art. 17 letter %(letter)s of UU 14/2008: %(what)s.")
                % {"letter": row["letter"], "what": row[_language()]},
                _("Ask for approval as usual; the PPID officer decides whether it stays open."),
                "core",
                clears="ppid",
            )


def humour(look: Look) -> Iterator[Check]:
    if look.message.tone != Message.Tone.HUMOUR:
        return
    grave = [word for word in _guards()["grief"]["words"] if _has(look.words, word)]
    if grave or look.message.emergency or look.message.openness == Message.Openness.IMMEDIATE:
        yield Check(
            "humour",
            "block",
            _("Humour does not fit here"),
            _("Somebody who is hurt will read it too: “%(words)s”.")
            % {"words": "”, “".join(grave) or _("urgent information")},
            _("Choose another tone."),
            "tone",
        )


def plain_language(look: Look) -> Iterator[Check]:
    if look.message.language != JUDGED:
        yield Check(
            "plain_language", "pass", _("Ease of reading is judged for Indonesian words only")
        )
        return
    reading = readability.read(look.message.core)
    if reading.long_sentences:
        yield Check(
            "plain_language",
            "warn",
            _("A sentence is long"),
            _("It has %(n)d words; readers lose the thread.")
            % {"n": max(row[2] for row in reading.long_sentences)},
            _("Make two of it."),
            "core",
        )
    hard = [hint for hint in reading.hints if hint.plainer]
    if hard:
        yield Check(
            "plain_language",
            "warn",
            _("Plainer words exist"),
            "; ".join(f"{hint.span.word} → {hint.plainer}" for hint in hard[:4]),
            _("Use them where the meaning stays the same."),
            "core",
        )


def repeated(look: Look) -> Iterator[Check]:
    twin = (
        Message.objects.filter(agency=look.message.agency, core=look.message.core)
        .exclude(pk=look.message.pk)
        .exclude(state="withdrawn")
        .order_by("-pk")
        .first()
    )
    if twin is not None:
        yield Check(
            "repeated",
            "warn",
            _("The same words are there already"),
            _("In “%(title)s”.") % {"title": twin.title},
            _("Check that you do not say it twice by accident."),
            "core",
        )


RULES: tuple[Rule, ...] = (
    accounts,
    openness,
    personal_data,
    exempt_register,
    exempt_pattern,
    alt_text,
    length,
    media,
    humour,
    validity,
    source,
    plain_language,
    repeated,
)

# What a rule that found nothing has looked at.
FINE: dict[str, Callable[[], str]] = {
    "accounts": lambda: _("All chosen accounts can send"),
    "openness": lambda: _("The openness class is chosen"),
    "personal_data": lambda: _("No personal data was found"),
    "exempt_register": lambda: _("Nothing of the exemption register is in it"),
    "exempt_pattern": lambda: _("Nothing points to art. 17"),
    "alt_text": lambda: _("Every picture has a description"),
    "length": lambda: _("It fits every account"),
    "media": lambda: _("The pictures fit every account"),
    "humour": lambda: _("The tone fits"),
    "validity": lambda: _("It is valid when it goes out"),
    "source": lambda: _("A source is named"),
    "plain_language": lambda: _("It is easy to read"),
    "repeated": lambda: _("It was not said before"),
}


def _fine(rule: Rule) -> Check:
    name = rule.__name__
    return Check(name, "pass", FINE[name]())


def _cleared_by_ppid(message: Message) -> set[str]:
    """Rules that a PPID officer let pass, for exactly these words."""
    rows = Review.objects.filter(
        message=message,
        kind=Review.Kind.PPID,
        verdict=Review.Verdict.APPROVED,
        content_hash=digest(message),
    )
    return {rule for row in rows for rule in row.cleared}


def _has(words: str, phrase: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(phrase.casefold())}(?!\w)", words) is not None


def _kind(kind: str) -> str:
    return NAMES.get(kind) or (_("phone number") if kind == "phone" else _("e-mail address"))


def _language() -> str:
    return "en" if (get_language() or "id").startswith("en") else "id"


@cache
def _guards() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(GUARDS.read_text())
    return found
