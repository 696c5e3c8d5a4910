"""The cards of Today that look at all stages at once: urgent, decisions, voices, posts, trouble."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext

from tanggap.core.scope import Scope
from tanggap.desk import today
from tanggap.desk.monitoring import places
from tanggap.desk.templatetags.words import ago_words, clock_words, initials, number
from tanggap.desk.words import word
from tanggap.execution.followup.models import Case
from tanggap.execution.inbox.models import Conversation
from tanggap.execution.inbox.people import shown_name
from tanggap.execution.publishing.models import Delivery
from tanggap.monitoring import queries

DECIDES = (
    "message.review",
    "reply.approve",
    "decide",
    "announce.approve",
    "plan.approve",
    "claim.decide",
)
DEAF = 3  # accounts that are not heard, by name

# The cards below say the same of all areas at once.
today.cover(
    "tanggap.desk.inbox.today.late",
    "tanggap.desk.inbox.today.first",
    "tanggap.desk.inbox.today.approvals",
    "tanggap.desk.followup.late",
    "tanggap.desk.followup.first",
    "tanggap.desk.messaging.told",
    "tanggap.desk.messaging.section",
    "tanggap.desk.publishing.section",
)


@lru_cache(maxsize=4)
def _owed(scope: Scope, now: datetime) -> queries.Owed:
    """Asked by the title and by the card of one page: the same scope at the same instant."""
    return queries.owed(scope, now)


@lru_cache(maxsize=4)
def _decisions(scope: Scope, now: datetime) -> list[queries.Decision]:
    """What this person, and not everybody, may decide."""
    return queries.decisions(scope) if any(scope.may(verb) for verb in DECIDES) else []


@lru_cache(maxsize=4)
def _voices(scope: Scope, now: datetime) -> queries.Voices:
    return queries.voices(scope, now)


@today.finding(order=10)
def late(scope: Scope, now: datetime) -> str:
    n = _owed(scope, now).late
    if not n:
        return ""
    said = ngettext("%(n)s is past its time", "%(n)s are past their time", n) % {"n": number(n)}
    return today.opens(said, f"{reverse('desk:monitoring-owed')}?group=late")


@today.finding(order=11)
def due_today(scope: Scope, now: datetime) -> str:
    n = _owed(scope, now).today
    if not n:
        return ""
    said = ngettext("%(n)s is due today", "%(n)s are due today", n) % {"n": number(n)}
    return today.opens(said, f"{reverse('desk:monitoring-owed')}?group=today")


@today.finding(order=13)
def to_decide(scope: Scope, now: datetime) -> str:
    """The title counts what the card below shows, for whoever decides anything."""
    n = len(_decisions(scope, now))
    if not n:
        return ""
    said = ngettext("%(n)s decision waits for you", "%(n)s decisions wait for you", n)
    more = "+" if n == queries.MOST_DECISIONS else ""
    return today.opens(said % {"n": f"{number(n)}{more}"}, reverse("desk:monitoring-waits"))


@today.note(order=10)
def overnight(scope: Scope, now: datetime) -> str:
    """Until noon: what came since the office closed yesterday."""
    if not scope.may("inbox.read") or timezone.localtime(now).hour >= 12:
        return ""
    found = _voices(scope, now)
    if not found.overnight:
        return gettext("no message came overnight")
    said = ngettext(
        "%(n)s message came overnight", "%(n)s messages came overnight", found.overnight
    ) % {"n": number(found.overnight)}
    more = (
        ngettext(", %(n)s of them urgent", ", %(n)s of them urgent", found.overnight_urgent)
        % {"n": number(found.overnight_urgent)}
        if found.overnight_urgent
        else ""
    )
    if not scope.may("monitor.read"):
        return said + more
    door = _heard(now, since=queries.night_of(scope, now))
    urgent = today.opens(more, f"{door}&urgent=1") if more else ""
    return format_html("{}{}", today.opens(said, door), urgent)


def _heard(now: datetime, since: datetime | None = None, **more: str) -> str:
    """The page of the messages that were counted up to `now`."""
    asked = {**more, "until": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"}
    if since is not None:
        asked["since"] = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    return f"{reverse('desk:monitoring-heard')}?{urlencode(asked)}"


@today.section(order=10)
def urgent(scope: Scope, now: datetime) -> today.Section | None:
    """Conversations and cases in one list, what breaks first on top."""
    if not (scope.may("inbox.read") or scope.may("case.read")):
        return None
    found = _owed(scope, now)
    rows = [
        _case(row) if isinstance(row, Case) else _talk(row)
        for row in queries.most_urgent(scope, now)
    ]
    door = reverse("desk:monitoring-owed")
    return today.Section(
        gettext("Most urgent"),
        rows,
        wide=True,
        # Each opens what it counts, to the last row.
        links=[
            (said, f"{door}?group={group}", n)
            for said, group, n in (
                (gettext("Past their time"), "late", found.late),
                (gettext("Due today"), "today", found.today),
                (gettext("Messages"), "talks", found.talks),
                (gettext("Reports"), "cases", found.cases),
            )
            if n
        ],
        empty=gettext(
            "Nobody waits for an answer. New messages and reports stand here in the order in "
            "which their time runs out."
        ),
        icon="ok",
    )


def _case(row: Case) -> today.Row:
    others = row.contributors_count - 1
    said = (
        ngettext(
            "%(n)s other citizen has the same trouble.",
            "%(n)s other citizens have the same trouble.",
            others,
        )
        % {"n": number(others)}
        if others > 0
        else ""
    )
    pills = [("brand", word(row.kind, "case_kind_short"))]
    if row.unit:
        pills.append(("", row.unit.short_name))
    if row.reopened_count:
        pills.append(("due", gettext("Citizen says “not yet”")))
    return today.Row(
        row.title,
        places.of("case", row.pk),
        mark=initials(row.title),
        text=" ".join(filter(None, (said, row.place))),
        pills=pills,
        due=row.due_at,
    )


def _talk(row: Conversation) -> today.Row:
    pills = [("brand", word(row.kind, "heard_kind"))]
    if row.urgency < Conversation.Urgency.NORMAL:
        pills.insert(0, ("late", row.get_urgency_display()))
    if row.unit:
        pills.append(("", row.unit.short_name))
    pills.append(("", row.account.display_name))
    more = row.items_count - 1
    text = shown_name(row.author.name, row.author.handle)
    if more > 0:
        text += " · " + ngettext("%(n)s more message", "%(n)s more messages", more) % {
            "n": number(more)
        }
    title = f"“{Truncator(row.snippet).chars(110)}”" if row.snippet else text
    return today.Row(
        title,
        places.of("talk", row.pk),
        mark=initials(text),
        text=text,
        pills=pills,
        due=row.due_at,
    )


@today.section(order=15)
def decisions(scope: Scope, now: datetime) -> today.Section | None:
    """What this person, and not everybody, may decide."""
    if not any(scope.may(verb) for verb in DECIDES):
        return None
    found = _decisions(scope, now)
    rows = [
        today.Row(
            Truncator(one.title).chars(90),
            places.of(one.kind, one.pk),
            text=" · ".join(
                filter(
                    None,
                    (
                        word(one.kind, "decision"),
                        _note(one),
                        gettext("waits since %(when)s") % {"when": ago_words(one.since, now)},
                    ),
                )
            ),
            act=word(one.kind, "decision_act"),
        )
        for one in found[:5]
    ]
    return today.Section(
        gettext("Waits for your decision"),
        rows,
        href=reverse("desk:monitoring-waits") if rows else "",
        link=gettext("All"),
        count=len(found) if rows else None,
        count_most=queries.MOST_DECISIONS,
        empty=gettext(
            "Nothing waits for your decision. What colleagues hand in appears here; "
            "what you made yourself goes to somebody else."
        ),
    )


def _note(one: queries.Decision) -> str:
    if one.kind == "message" and one.note:
        return word(one.note, "openness_short")
    if one.kind == "recommendation" and one.note.isdigit():
        n = int(one.note)
        return ngettext("from %(n)s message", "from %(n)s messages", n) % {"n": number(n)}
    return ""


@today.section(order=24)
def voices(scope: Scope, now: datetime) -> today.Section | None:
    """What citizens wrote about in the last 24 hours: counts only, every one a door."""
    if not (scope.may("inbox.read") or scope.may("monitor.read")):
        return None
    found = _voices(scope, now)
    door = _heard(now) if scope.may("monitor.read") else ""
    bars = [
        {
            "label": word(kind, "heard_kind"),
            "value": n,
            "href": _heard(now, kind=kind or "none") if door else "",
            "tone": "late" if kind == "complaint" else "",
        }
        for kind, n in list(found.kinds.items())[:6]
    ]
    hours = [{"label": clock_words(at), "value": n} for at, n in found.hours]
    peak = max(found.hours, key=lambda pair: pair[1], default=None)
    return today.Section(
        gettext("Citizens' voices, 24 hours"),
        template="desk/today/voices.html",
        aside=f"n = {number(found.n)}",
        context={
            "n": found.n,
            "bars": bars,
            "hours": hours,
            "urgent": found.urgent,
            "peak": peak[0] if peak and peak[1] else None,
            "peak_n": peak[1] if peak else 0,
            "href": door,
        },
    )


@today.section(order=45)
def going_out(scope: Scope, now: datetime) -> today.Section | None:
    """Today's posts in the agency's hour, with lateness in words."""
    if not scope.may("delivery.read"):
        return None
    rows = []
    for row in queries.going_out(scope, now)[:8]:
        tone, said = _out(row, now)
        title = row.variant.message.title if row.variant else row.content.get("text", "")
        rows.append(
            today.Row(
                Truncator(title).chars(80),
                places.of("delivery", row.pk),
                mark=f"{timezone.localtime(row.due_at):%H.%M}",
                text=row.account.display_name,
                pills=[(tone, said)],
                plain_mark=True,
            )
        )
    return today.Section(
        gettext("Published today"),
        rows,
        href=places.listing("delivery") if rows else "",
        link=gettext("All"),
        aside=str(scope.agency.zone_name) if scope.agency else "",
        empty=gettext(
            "Nothing is to be published today. What is scheduled for today appears here "
            "with its time."
        ),
    )


def _out(row: Delivery, now: datetime) -> tuple[str, str]:
    if row.state in ("published", "removing") and row.published_at:
        return "done", gettext("Published %(time)s") % {
            "time": f"{timezone.localtime(row.published_at):%H.%M}"
        }
    if row.state in ("asked", "late", "held", "failed"):
        return "late", word(row.state, "delivery_state")
    minutes = int((now - row.due_at).total_seconds() // 60)
    if minutes >= 1:
        return "due", ngettext("%(n)s minute late", "%(n)s minutes late", minutes) % {
            "n": number(minutes)
        } if minutes < 120 else gettext("%(n)s hours late") % {"n": number(minutes // 60)}
    return "", word(row.state, "delivery_state")


def _asked(found: queries.Questions) -> str:
    """What is to be decided, in words."""
    parts = (
        (found.late, gettext("too late to go by itself: %(n)s")),
        (found.asked, gettext("perhaps out already, please look: %(n)s")),
        (found.held, gettext("held back behind an earlier part: %(n)s")),
        (found.failed, gettext("refused by the network: %(n)s")),
        (found.copies, gettext("a copy that stands on the network and should not: %(n)s")),
    )
    said = "; ".join(words % {"n": number(n)} for n, words in parts if n)
    return said[:1].upper() + said[1:] + "."


@today.section(order=4)
def trouble(scope: Scope, now: datetime) -> today.Section | None:
    """What keeps us from hearing or from being sure: only there when there is something."""
    rows, standing = [], today.standing(scope, now)
    if "needs" in standing and (asked := queries.questions(scope)).n:
        rows.append(
            today.Row(
                ngettext(
                    "%(n)s post needs a word from you", "%(n)s posts need a word from you", asked.n
                )
                % {"n": number(asked.n)},
                places.listing("delivery") + "?group=needs&span=all",
                text=_asked(asked),
                pills=[("late", gettext("Waits"))],
            )
        )
    deaf = list(queries.not_listening(scope)[: DEAF + 1]) if "deaf" in standing else []
    for cursor in deaf[:DEAF]:
        rows.append(
            today.Row(
                gettext("No messages come in from %(account)s")
                % {"account": cursor.account.display_name},
                places.of("account", cursor.account_id),
                text=gettext(
                    "Not readable since %(when)s. Nothing is lost: what citizens wrote is "
                    "fetched as soon as the network answers."
                )
                % {"when": ago_words(cursor.polled_at, now)},
                pills=[("late", gettext("Network does not answer"))],
            )
        )
    if scope.may("inbox.read") and "apart" in standing:
        found = queries.balance(scope)
        if found["quarantined"]:
            rows.append(
                today.Row(
                    ngettext(
                        "%(n)s message could not be placed",
                        "%(n)s messages could not be placed",
                        found["quarantined"],
                    )
                    % {"n": number(found["quarantined"])},
                    reverse("desk:inbox-quarantine"),
                    text=gettext(
                        "Received %(received)s = shown %(shown)s + set aside %(aside)s. "
                        "None is lost; look at why they were set aside."
                    )
                    % {
                        "received": number(found["received"]),
                        "shown": number(found["shown"]),
                        "aside": number(found["quarantined"]),
                    },
                    pills=[("due", gettext("Set aside"))],
                )
            )
    if not rows:
        return None
    # The page on how listening goes has every account.
    more = reverse("desk:inbox-quarantine") if len(deaf) > DEAF else ""
    return today.Section(
        gettext("Needs attention"), rows, tone="late", href=more, link=gettext("All")
    )
