"""How pages say things: times with their zone, lateness in words, codes as words, masked text.

All times are `<time datetime>` with the exact instant for screen readers and on hover. The zone
is the agency's (desk/moment.py); `now` is the page's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext, pgettext

from tanggap.desk import charts
from tanggap.desk import words as tables
from tanggap.desk.moment import page_now

register = template.Library()

MINUTE, HOUR, DAY = 60, 3600, 86400
NEVER_YEAR = 9999  # Conversation.due_at and the like: no promise runs


def zone_name() -> str:
    """WIB, WITA or WIT; the offset ("UTC+9") for a zone that is not Indonesian."""
    zone = timezone.get_current_timezone_name()
    known = tables.tables()["zone"].get(zone)
    if known:
        return str(known)
    return timezone.localtime(page_now()).strftime("UTC%z")


@register.filter
def word(code: object, group: str) -> str:
    """`{{ message.state|word:"message_state" }}`: the word for a code."""
    return "" if code is None else tables.word(code, group)


# --- times -----------------------------------------------------------------------------------


def clock_words(instant: datetime) -> str:
    """08.12"""
    return timezone.localtime(instant).strftime("%H.%M")


def day_words(instant: datetime | date, *, weekday: bool = True) -> str:
    """Senin 23 November 2026; without the year in the page's own year."""
    day = timezone.localtime(instant).date() if isinstance(instant, datetime) else instant
    this_year = timezone.localtime(page_now()).year
    pattern = ("l j F" if weekday else "j F") + ("" if day.year == this_year else " Y")
    return date_format(day, pattern)


def exact_words(instant: datetime) -> str:
    """Senin 23 November 2026, 08.12 WIB"""
    day = date_format(timezone.localtime(instant).date(), "l j F Y")
    return f"{day}, {clock_words(instant)} {zone_name()}"


def ago_words(instant: datetime, now: datetime) -> str:
    """baru saja · 12 menit lalu · 08.12 · kemarin 16.30 · 3 November"""
    seconds = (now - instant).total_seconds()
    if seconds < 0:
        return due_words(instant, now)
    if seconds < MINUTE:
        return gettext("just now")
    if seconds < HOUR:
        count = int(seconds // MINUTE)
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", count) % {"n": count}
    then, today = timezone.localtime(instant).date(), timezone.localtime(now).date()
    if then == today:
        count = int(seconds // HOUR)
        return ngettext("%(n)d hour ago", "%(n)d hours ago", count) % {"n": count}
    if then == today - timedelta(days=1):
        return gettext("yesterday %(time)s") % {"time": clock_words(instant)}
    return day_words(instant, weekday=False)


def due_words(instant: datetime, now: datetime, working: timedelta | None = None) -> str:
    """2 jam kerja lagi · 20 menit lagi · besok 10.00 · Jumat 10.00 · 11 Desember · lewat 1 jam.

    `working` is the working time left, where the promise runs in working hours.
    """
    if instant.year == NEVER_YEAR:
        return gettext("no deadline")
    seconds = (instant - now).total_seconds()
    if seconds < 0:
        return gettext("late by %(time)s") % {"time": _span(-seconds)}
    if working is not None and working.total_seconds() < 8 * HOUR:
        left = int(working.total_seconds())
        if left < HOUR:
            count = max(1, left // MINUTE)
            return ngettext("%(n)d working minute left", "%(n)d working minutes left", count) % {
                "n": count
            }
        count = left // HOUR
        return ngettext("%(n)d working hour left", "%(n)d working hours left", count) % {"n": count}
    if seconds < HOUR:
        count = max(1, int(seconds // MINUTE))
        return ngettext("%(n)d minute left", "%(n)d minutes left", count) % {"n": count}
    then, today = timezone.localtime(instant).date(), timezone.localtime(now).date()
    if then == today:
        count = int(seconds // HOUR)
        return ngettext("%(n)d hour left", "%(n)d hours left", count) % {"n": count}
    if then == today + timedelta(days=1):
        return gettext("tomorrow %(time)s") % {"time": clock_words(instant)}
    if then < today + timedelta(days=7):
        return f"{date_format(then, 'l')} {clock_words(instant)}"
    return day_words(instant, weekday=False)


def _span(seconds: float) -> str:
    if seconds < HOUR:
        count = max(1, int(seconds // MINUTE))
        return ngettext("%(n)d minute", "%(n)d minutes", count) % {"n": count}
    if seconds < DAY:
        count = int(seconds // HOUR)
        return ngettext("%(n)d hour", "%(n)d hours", count) % {"n": count}
    count = int(seconds // DAY)
    return ngettext("%(n)d day", "%(n)d days", count) % {"n": count}


def _time(instant: datetime, shown: str, css: str = "") -> SafeString:
    exact = exact_words(instant)
    hidden = (
        mark_safe("") if exact == shown else format_html('<span class="unseen"> ({})</span>', exact)
    )
    return format_html(
        '<time{} datetime="{}" title="{}">{}{}</time>',
        format_html(' class="{}"', css) if css else "",
        instant.isoformat(timespec="seconds"),
        exact,
        shown,
        hidden,
    )


@register.filter(name="at")
def at_filter(instant: datetime | None) -> SafeString:
    """`{{ post.at|at }}`: Senin 23 November, 08.12 WIB."""
    if instant is None:
        return mark_safe("")
    return _time(instant, f"{day_words(instant)}, {clock_words(instant)} {zone_name()}")


@register.simple_tag(name="at")
def at_tag(instant: datetime | None) -> SafeString:
    """`{% at post.at %}`: the same."""
    return at_filter(instant)


@register.filter
def clock(instant: datetime | None) -> SafeString:
    """`{{ post.at|clock }}`: 08.12 WIB, where the day is plain from the place."""
    return (
        mark_safe("")
        if instant is None
        else _time(instant, f"{clock_words(instant)} {zone_name()}")
    )


@register.filter
def day(instant: datetime | date | None) -> SafeString:
    """`{{ plan.starts|day }}`: 23 November (with the year where it is not this one)."""
    if instant is None:
        return mark_safe("")
    return format_html(
        '<time datetime="{}">{}</time>', instant.isoformat(), day_words(instant, weekday=False)
    )


@register.filter(name="ago")
def ago_filter(instant: datetime | None) -> SafeString:
    """`{{ item.at|ago }}`: 12 menit lalu."""
    return mark_safe("") if instant is None else _time(instant, ago_words(instant, page_now()))


@register.simple_tag(name="ago")
def ago_tag(instant: datetime | None) -> SafeString:
    """`{% ago item.at %}`: the same."""
    return ago_filter(instant)


@register.filter(name="due")
def due_filter(instant: datetime | None) -> SafeString:
    """`{{ case.due_at|due }}`: 2 jam lagi, lewat 1 jam. Words only; `{% due %}` is the pill."""
    return mark_safe("") if instant is None else _time(instant, due_words(instant, page_now()))


@register.simple_tag
def due(instant: datetime | None, working: timedelta | None = None, soon: int = 24) -> SafeString:
    """`{% due case.due_at %}`: a pill, red when late, amber within `soon` hours, else plain."""
    if instant is None:
        return mark_safe("")
    now = page_now()
    tone = due_tone(instant, now, soon)
    shown = due_words(instant, now, working)
    return _time(instant, shown, f"pill num {tone}".strip())


def due_tone(instant: datetime, now: datetime, soon: int = 24) -> str:
    """late, due or nothing."""
    if instant < now:
        return "late"
    return "due" if instant.year != NEVER_YEAR and instant - now < timedelta(hours=soon) else ""


# --- numbers ---------------------------------------------------------------------------------


@register.filter
def number(value: Any, decimals: int | None = None) -> str:
    """1.234.567 in Indonesian; "tidak tersedia" for None, never zero."""
    if value is None or value == "":
        return gettext("not available")
    return str(number_format(value, decimal_pos=decimals, force_grouping=True, use_l10n=True))


@register.filter
def percent(value: Any, decimals: int = 0) -> str:
    """A share (0.8) as 80%; "tidak tersedia" for None."""
    if value is None or value == "":
        return gettext("not available")
    return f"{number_format(round(float(value) * 100, decimals), decimal_pos=decimals)}%"


@register.filter
def signed(value: Any) -> str:
    """+12 or −9, with a true minus sign."""
    if value is None or value == "":
        return gettext("not available")
    mark = "+" if value > 0 else "−" if value < 0 else ""
    return f"{mark}{number(abs(value))}"


@register.filter
def span(length: timedelta | None) -> str:
    """A length of time in words: 3 jam; "tidak tersedia" for None."""
    return gettext("not available") if length is None else _span(length.total_seconds())


@register.filter
def initials(name: object) -> str:
    """Two letters for the round mark before a row; "?" for nobody."""
    letters = [part[0] for part in str(name or "").replace("@", " ").split() if part[0].isalnum()]
    return "".join(letters[:2]).upper() or "?"


@register.filter
def lines(text: object) -> list[str]:
    """The lines of an error: what happened, why, what to do next."""
    return [line for line in str(text).splitlines() if line.strip()]


# --- personal data ---------------------------------------------------------------------------


@register.filter
def mask(text: str | None, spans: Iterable[Any] | None) -> SafeString:
    """Black boxes over `spans` (start, end, kind); the covered letters never reach the page.

    A span is a tuple, a mapping, or an object with those names. Overlapping spans are joined.
    """
    text = text or ""
    parts: list[SafeString] = []
    end = 0
    for start, stop, kind in sorted((_span_of(span) for span in spans or ()), key=lambda s: s[:2]):
        if stop <= end:
            continue
        parts.append(format_html("{}", text[end : max(start, end)]))
        # Translators: stands for a blacked-out piece of text, such as "NIK disamarkan".
        label = pgettext("blacked out", "%(kind)s hidden") % {"kind": word(kind, "personal")}
        parts.append(
            format_html('<span class="mask" role="img" aria-label="{}">██████</span>', label)
        )
        end = stop
    parts.append(format_html("{}", text[end:]))
    return format_html_join("", "{}", ((part,) for part in parts))


@register.simple_tag
def said(text: str | None, spans: Iterable[Any] | None, why: Iterable[Any] | None) -> SafeString:
    """`{% said text personal reasons %}`: masked, with the words that decided a suggestion marked.

    Where both fall on the same letters the mask wins: a marked piece never shows what is covered.
    """
    text = text or ""
    covered = sorted(
        (start, min(stop, len(text)), kind)
        for start, stop, kind in (_span_of(span) for span in spans or ())
        if start < len(text)
    )
    edges = {0, len(text)}
    marks = [_span_of(span)[:2] for span in why or ()]
    for start, stop in marks:
        if any(start < end and begin < stop for begin, end, _kind in covered):
            continue
        edges |= {max(0, min(start, len(text))), max(0, min(stop, len(text)))}
    for begin, end, _kind in covered:
        edges = {edge for edge in edges if not begin < edge < end}
    parts = []
    for begin, end in pairwise(sorted(edges)):
        inside = [
            (one[0] - begin, one[1] - begin, one[2])
            for one in covered
            if one[0] >= begin and one[1] <= end
        ]
        shown = mask(text[begin:end], inside)
        marked = not inside and any(start <= begin and end <= stop for start, stop in marks)
        parts.append(format_html("<mark>{}</mark>", shown) if marked else shown)
    return format_html_join("", "{}", ((part,) for part in parts))


def _span_of(span: Any) -> tuple[int, int, str]:
    if isinstance(span, dict):
        return span["start"], span["end"], span.get("kind", "")
    if isinstance(span, (tuple, list)):
        return span[0], span[1], span[2] if len(span) > 2 else ""
    return span.start, span.end, getattr(span, "kind", "")


# --- addresses -------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def query(
    context: template.Context, name: str = "", given: object = None, **changes: object
) -> str:
    """`href="{% query state='late' after=None %}"`: this address with some parameters changed.
    `{% query name page.after %}` changes one whose name is a variable."""
    asked = context["request"].GET.copy()
    if name:
        changes = {**changes, name: given}
    for name, value in changes.items():
        asked.pop(name, None)
        if value not in (None, ""):
            asked[name] = str(value)
    return f"?{asked.urlencode()}" if asked else context["request"].path


# --- charts ----------------------------------------------------------------------------------

register.simple_tag(charts.bars, name="bars")
register.simple_tag(charts.trace, name="trace")
