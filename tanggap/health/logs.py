"""What a log may say. By construction our messages hold ids, counts and codes; this is the last
line of defence, for what a library or an exception quotes.

Every line of every process passes `scrub`. Left out: NIK, KK, telephone numbers, e-mail addresses,
passwords and tokens (named, in an address, or long and random), what PostgreSQL quotes of a row,
and the words of errors that quote what they were given (ValueError, KeyError). Citizens' free text
can be recognised by no pattern; that it is never logged is what tests/stories and tests/rules look
for.

Two forms, by TANGGAP_LOG_FORMAT: "line" for people, "json" (one object a line) for machines.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
import traceback
from types import TracebackType
from typing import Any

from tanggap.language import redact

NAMED = re.compile(
    r"(?i)\b([\w-]*(?:token|secret|passw(?:or)?d|api[_-]?key|authorization|cookie|sessionid|csrf\w*|"
    r"credential|private[_-]?key|signature))([\"']?\s*[=:]\s*[\"']?)(?:bearer\s+|basic\s+)?[^\s\"',;&)}\]]+"
)
BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}")
USER_INFO = re.compile(r"(?<=://)[^\s/@]+@")
# Letters and digits mixed, twenty or more: no word of any language.
RANDOM = re.compile(r"(?<![\w-])(?=[\w-]*[0-9])(?=[\w-]*[A-Za-z])[\w-]{20,}(?![\w-])")
# Longer than anything that we count: numbers of people, cards, accounts, telephones.
DIGITS = re.compile(r"(?<![0-9])[0-9]{12,}(?![0-9])")
PHONE = re.compile(r"(?<![0-9])(?:\+?62|0)[ -]?8[0-9]{2}(?:[ -]?[0-9]{3,5}){2}(?![0-9])")
# What PostgreSQL adds: the row itself, the statement with its values.
QUOTED = re.compile(r"(?m)^\s*(?:DETAIL|CONTEXT|STATEMENT|QUERY|Failing row contains)\b.*$\n?")
LEFT_OUT = "[left out]"
SPEAKS = (ValueError, LookupError)
"""Errors whose words quote what they were given."""


def scrub(text: str) -> str:
    """The text without what no log may hold. Never raises."""
    try:
        text = QUOTED.sub("", text)
        text = NAMED.sub(rf"\1\2{LEFT_OUT}", text)
        text = BEARER.sub(rf"\1 {LEFT_OUT}", text)
        text = USER_INFO.sub(f"{LEFT_OUT}@", text)
        text = RANDOM.sub(LEFT_OUT, text)
        for found in reversed(redact.redact(text)):
            text = f"{text[: found.start]}[{found.kind}]{text[found.end :]}"
        # The finder above is made for citizens' sentences, and careful; here nothing is too much.
        return PHONE.sub("[phone]", DIGITS.sub("[number]", text))
    except Exception as error:
        return f"{LEFT_OUT} ({type(error).__name__} while scrubbing)"


def told(error: BaseException) -> str:
    """The error in one line: its class, and its words unless they quote what it was given."""
    words = "" if isinstance(error, SPEAKS) else " ".join(str(error).split("\n")[0].split())
    return f"{type(error).__name__}: {scrub(words)}" if words else type(error).__name__


def trace(error: BaseException) -> str:
    """Where it happened, without the words of the errors on the way but as `told` tells them."""
    lines: list[str] = []
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        part = [line.rstrip("\n") for line in traceback.format_tb(one.__traceback__)]
        lines[:0] = [*part, told(one)] + (["which led to:"] if lines else [])
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "\n".join(lines)


class Formatter(logging.Formatter):
    """Base of both forms. UTC, to the millisecond."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def parts(self, record: logging.LogRecord) -> tuple[str, str, str]:
        """The message, the error in one line, its traceback; the last two may be empty."""
        error = record.exc_info[1] if record.exc_info else None
        try:
            said = record.getMessage()
        except Exception as wrong:
            # A message whose arguments do not fit must not be lost, nor quoted.
            said = f"{record.msg!s:.60} ({type(wrong).__name__})"
        return scrub(said), told(error) if error else "", trace(error) if error else ""


class Line(Formatter):
    """2026-11-22T01:30:00.123Z ERROR tanggap.worker The tick ... failed. KeyError"""

    def format(self, record: logging.LogRecord) -> str:
        said, error, where = self.parts(record)
        head = f"{self.formatTime(record)} {record.levelname} {record.name} {said}"
        return "\n".join(filter(None, (f"{head} {error}".rstrip(), where)))


class Json(Formatter):
    """One object a line: at, level, logger, process, thread, text, and of an error its class and
    trace."""

    def format(self, record: logging.LogRecord) -> str:
        said, error, where = self.parts(record)
        body: dict[str, Any] = {
            "at": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "thread": record.threadName,
            "text": said,
        }
        status = getattr(record, "status_code", None)
        if isinstance(status, int):
            body["status"] = status
        if error:
            body |= {"error": error, "trace": where}
        return json.dumps(body, ensure_ascii=False)


FORMS = {"line": Line, "json": Json}


def config(form: str, level: str) -> dict[str, Any]:
    """For settings.LOGGING. Raises KeyError for a form that there is not."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"form": {"()": FORMS[form]}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "form"}},
        "root": {"handlers": ["console"], "level": level},
    }


def of_server(form: str) -> dict[str, Any]:
    """For the server of the pages, which sets up loggers of its own."""
    mine = {"handlers": ["console"], "level": "WARNING", "propagate": False}
    return {
        "formatters": {"form": {"()": FORMS[form]}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "form"}},
        "loggers": {"_granian": dict(mine), "granian.access": dict(mine)},
    }


def catch_the_rest() -> None:
    """What nobody caught is logged like everything else, not printed with all that it quotes."""
    log = logging.getLogger("tanggap")

    def uncaught(
        kind: type[BaseException], error: BaseException, where: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, where)
            return
        if issubclass(kind, BrokenPipeError):
            # Whoever read our output has had enough.
            return
        log.critical("Nobody caught this.", exc_info=(kind, error, where))

    def in_thread(about: threading.ExceptHookArgs) -> None:
        if about.exc_value is not None and about.exc_type is not SystemExit:
            uncaught(about.exc_type, about.exc_value, about.exc_traceback)

    sys.excepthook, threading.excepthook = uncaught, in_thread
