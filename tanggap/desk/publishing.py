"""Publishing: what goes out today and this week, what is late and why, and what needs a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tanggap.accounts import connect
from tanggap.accounts.models import Account
from tanggap.accounts.queries import usable
from tanggap.channels.errors import ChannelError
from tanggap.core import pages
from tanggap.core.errors import Refused
from tanggap.core.pages import Page
from tanggap.core.scope import Scope, scoped
from tanggap.desk import shell, today
from tanggap.desk.asked import a_day, number, searched
from tanggap.desk.door import desk
from tanggap.desk.forms import refuse
from tanggap.desk.templatetags.words import clock_words, due_words
from tanggap.desk.words import word
from tanggap.execution.publishing import (
    ask,
    precheck,
    queries,
    remove,
    schedule,
    settle,
    start,
)
from tanggap.execution.publishing.models import NEEDS_PERSON, WAITING, Delivery
from tanggap.messaging.models import Message

PAGE = 25
LANE, LANES = 8, 6
SPANS = ("today", "week", "all")
LATE = timedelta(minutes=1)
TONES = {
    "asked": "due",
    "late": "late",
    "held": "due",
    "failed": "late",
    "published": "done",
    "sending": "brand",
    "unknown": "due",
    "confirming": "due",
    "removing": "brand",
}


@dataclass(frozen=True, slots=True)
class Situation:
    """What a card says of one delivery: a word, and while it is not out, why and what next."""

    word: str
    tone: str = ""
    late: str = ""
    why: str = ""
    next: str = ""
    said: str = ""


def situation(row: Delivery, now: datetime, *, hold: bool = False) -> Situation:
    """In words, from the row alone. `hold`: a hold covers it now."""
    trouble = row.trouble
    open_ = row.state not in ("published", "removed", "cancelled", "failed", "removing")
    if open_ and row.account.state == "paused" and trouble not in ("credentials", "by_hand"):
        trouble = "credentials" if row.account.paused_code == "credentials" else "paused"
    elif row.state in ("queued", "ready") and hold and not trouble:
        trouble = "hold"
    why, next_ = word(trouble, "trouble"), word(trouble, "trouble_next")
    if row.state == "late":
        # The question comes first; what kept it stands before it.
        why = f"{why if trouble else word('late', 'trouble')}"
        next_ = word("late", "trouble_next")
    if row.state == "asked" and row.trouble in ("unknown", "worker_lost"):
        next_ = gettext("Look at the account on the network, then answer.")
    if (
        row.state in ("queued", "ready")
        and row.retry_at
        and row.retry_at > now
        and trouble in ("unreachable", "limited", "media")
    ):
        next_ += " " + gettext("Next try at %(time)s.") % {"time": clock_words(row.retry_at)}
    if (
        not trouble
        and row.state in ("queued", "ready")
        and row.follows_id
        and (row.follows.state != "published")
    ):
        why = gettext("It follows the part before it.")
    late = ""
    if open_ and now - row.due_at > LATE:
        late = due_words(row.due_at, now)
        if not why and row.state in ("queued", "preparing", "ready"):
            why = gettext("It is about to leave.")
    said = (
        row.trouble_said
        if row.trouble
        in ("rejected", "unknown", "not_removed", "cancelled", "removing", "second_copy")
        else ""
    )
    return Situation(
        word(row.state, "delivery_state"),
        TONES.get(row.state, ""),
        late,
        why if trouble or why else "",
        next_ if trouble or row.state == "late" else "",
        said,
    )


@dataclass
class Card:
    row: Delivery
    situation: Situation
    question: str = ""


def cards(rows: list[Delivery], scope: Scope, now: datetime) -> list[Card]:
    held = shell.hold_in_force(scope, now) is not None
    return [Card(closed(row), situation(row, now, hold=held)) for row in rows]


def closed(row: Delivery) -> Delivery:
    """A private message without its words, which may hold a citizen's key or answer a sealed
    report: its conversation shows them to whoever may read it. Never save the row."""
    if row.kind == Delivery.Kind.PRIVATE:
        said = gettext("Private message to a citizen. Its words stand in the conversation.")
        row.content = {**row.content, "text": said}
    return row


@dataclass
class Lane:
    account: Account
    page: Page[Delivery]
    cards: list[Card]


@desk("delivery.read")
def listing(request: HttpRequest) -> HttpResponse:
    scope, now = request.scope, request.now
    asked = request.GET
    span = asked.get("span", "") if asked.get("span") in SPANS else "today"
    chosen = a_day(asked.get("day", ""))
    if chosen:
        span = "day"
    group = asked.get("group", "") if asked.get("group") in queries.GROUPS else ""
    account = number(asked.get("account", ""))
    since, until = window(span, now, request.agency.zone, chosen)
    every = queries.deliveries(
        scope,
        account=account,
        text=searched(asked),
        kind=asked["kind"] if asked.get("kind") in Delivery.Kind.values else "",
    )
    inside = every.filter(due_at__gte=since, due_at__lt=until) if since else every
    # What needs a person never hides behind a day.
    rows = inside.filter(queries.GROUPS[group]) if group and group != "needs" else inside
    if group == "needs":
        rows = every.filter(NEEDS_PERSON)
    counts = queries.counts(inside) | {"needs": queries.needs_person(scope).count()}
    newest_first = span == "all" and group != "needs"
    by_account = asked.get("view") == "lanes"
    listed: Page[Any] = (
        pages.page(
            usable(scope).filter(pk=account) if account else usable(scope),
            ("pk",),
            after=asked.get("after", ""),
            size=LANES,
        )
        if by_account
        else pages.page(
            rows,
            ("-due_at", "-pk") if newest_first else ("due_at", "pk"),
            after=asked.get("after", ""),
            size=PAGE,
        )
    )
    return render(
        request,
        "desk/publishing/list.html",
        {
            "title": title(scope, now),
            "cards": [] if by_account else cards(listed.rows, scope, now),
            "lanes": lanes_of(listed.rows, rows, asked, scope, now) if by_account else [],
            "page": listed,
            "view": asked.get("view", ""),
            "span": span,
            "day": chosen,
            "group": group or "all",
            "groups": [(name, counts[name]) for name in ("all", *queries.GROUPS)],
            "accounts": usable(scope),
            "account": account,
            "q": asked.get("q", ""),
            "stopped": start.stopped(),
        },
    )


def window(
    span: str, now: datetime, zone: str, chosen: date | None = None
) -> tuple[datetime | None, datetime | None]:
    """From midnight to midnight in the agency's zone: today, a chosen day, or this week from
    Monday."""
    if span == "all":
        return None, None
    day = chosen or now.astimezone(ZoneInfo(zone)).date()
    first = day - timedelta(days=day.weekday()) if span == "week" else day
    last = first + timedelta(days=7 if span == "week" else 1)
    begin, end = (datetime.combine(one, time(), ZoneInfo(zone)) for one in (first, last))
    return begin.astimezone(UTC), end.astimezone(UTC)


def lanes_of(
    accounts: list[Account], rows: QuerySet[Delivery], asked: QueryDict, scope: Scope, now: datetime
) -> list[Lane]:
    """The queue of each account, in the order in which it leaves; each has its own pages."""
    waiting = rows.exclude(state__in=["published", "cancelled", "removed"])
    found = []
    for account in accounts:
        page = pages.page(
            waiting.filter(account=account),
            ("lane", "due_at", "pk"),
            after=asked.get(f"lane{account.pk}", ""),
            size=LANE,
        )
        found.append(Lane(account, page, cards(page.rows, scope, now)))
    return found


def title(scope: Scope, now: datetime) -> str:
    """The finding: what needs a person, then what is late, else what comes next."""
    needs = queries.needs_person(scope).count()
    late = queries.overdue(scope, now).exclude(NEEDS_PERSON).count()
    parts = []
    if needs:
        parts.append(
            ngettext("%(n)d post needs your answer", "%(n)d posts need your answer", needs)
            % {"n": needs}
        )
    if late:
        parts.append(ngettext("%(n)d is late", "%(n)d are late", late) % {"n": late})
    if parts:
        return ", ".join(parts) + "."
    following = (
        queries.visible(scope)
        .filter(state__in=["queued", "preparing", "ready"])
        .order_by("due_at")
        .first()
    )
    if following is None:
        return gettext("Nothing waits to be published.")
    if following.due_at <= now:
        return gettext("All on time. The next one leaves now.")
    return gettext("All on time. Next: %(when)s.") % {"when": due_words(following.due_at, now)}


# --- one ------------------------------------------------------------------------------------------


class LinkForm(forms.Form):
    link = forms.URLField(
        label=_("Link to the post"),
        required=False,
        assume_scheme="https",
        max_length=800,
        help_text=_("Open the post on the network and copy its address."),
    )

    def __init__(self, *args: Any, proof: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The mark "optional" only; what is missing is said by the verb, with its way out.
        self.fields["link"].required = proof and not self.is_bound


class TimeForm(forms.Form):
    at = forms.DateTimeField(
        label=_("Day and time"),
        input_formats=["%Y-%m-%dT%H:%M", "%d/%m/%Y %H.%M"],
        widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"),
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=forms.Textarea({"rows": 2}))


def find(request: HttpRequest, pk: int) -> Delivery:
    row = queries.deliveries(request.scope).filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


@desk("delivery.read")
def one(request: HttpRequest, pk: int) -> HttpResponse:
    return show(request, find(request, pk))


def show(
    request: HttpRequest,
    row: Delivery,
    *,
    link: forms.Form | None = None,
    at: forms.Form | None = None,
    reason: forms.Form | None = None,
    refusal: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    scope, now = request.scope, request.now
    local = row.due_at.astimezone(ZoneInfo(row.agency.zone)).strftime(schedule.TYPED)
    by_hand = connect.by_hand(row.account)
    open_url, proof = opened(row, now) if by_hand and row.state == "asked" else ("", True)
    return render(
        request,
        "desk/publishing/one.html",
        {
            "row": row,
            "situation": cards([row], scope, now)[0].situation,
            "attempts": queries.attempts(row),
            "question": question(row),
            "by_hand": by_hand,
            "open_url": open_url,
            "link_form": link or LinkForm(proof=proof),
            "time_form": at or TimeForm(initial={"at": local}),
            "reason_form": reason or ReasonForm(),
            "refusal": refusal,
            "parts": thread(row),
            "may": scope.may("publish"),
            "may_cancel": row.state in (*WAITING, "asked", "failed"),
            "may_move": row.state in ("queued", "ready", "late", "held"),
            "who": row.created_by,
            "account_href": row.account.url,
        },
        status=status,
    )


def question(row: Delivery) -> str:
    """What a person is asked: published, late, rest, again, or "" for nothing."""
    if row.state == "asked":
        return "published"
    if row.state == "late":
        return "late"
    if row.state == "held":
        return "rest"
    return "again" if row.state == "failed" and row.trouble == "rejected" else ""


def opened(row: Delivery, now: datetime) -> tuple[str, bool]:
    """Where a person goes to post, and whether a link must prove it."""
    try:
        needs = ask.hand_over(row, now)
    except ChannelError:
        # A file that is gone must not hide the question.
        return row.account.url, True
    return needs.open_url or row.account.url, needs.proof_required


def thread(row: Delivery) -> list[Delivery]:
    """All parts of its thread, in order; empty when it is none."""
    first = row
    while first.follows is not None:
        first = first.follows
    parts = [first, *settle.rest(first)]
    return parts if len(parts) > 1 else []


@desk("publish")
@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """The person's word: `answer` is published, again or still."""
    row, now, by = find(request, pk), request.now, request.scope.person
    said = request.POST.get("answer", "")
    form = LinkForm(request.POST if said == "published" else None)
    try:
        if said == "published":
            if not form.is_valid():
                return show(request, row, link=form, status=422)
            ask.published(row, link=form.cleaned_data["link"], by=by, now=now)
            messages.success(request, gettext("Noted: it is published."))
        elif said == "again":
            ask.send_again(row, by=by, now=now)
            messages.success(request, gettext("It is in the queue again."))
        elif said == "still":
            ask.still_send(row, by=by, now=now)
            messages.success(request, gettext("It goes out now."))
        else:
            raise Refused(
                gettext("Nothing was changed."),
                gettext("No answer was chosen."),
                gettext("Press one of the buttons."),
            )
    except Refused as refusal:
        row.refresh_from_db()
        if said == "published":
            refuse(form, refusal)
            return show(request, row, link=form, status=422)
        return show(request, row, refusal=refusal, status=422)
    return redirect("desk:publishing-one", pk)


@desk("publish")
def move_time(request: HttpRequest, pk: int) -> HttpResponse:
    row = find(request, pk)
    form = TimeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wall = form.cleaned_data["at"].replace(tzinfo=None).strftime(schedule.TYPED)
        try:
            schedule.reschedule(
                row, at=(wall, row.agency.zone), by=request.scope.person, now=request.now
            )
            messages.success(request, gettext("The time was changed."))
            return redirect("desk:publishing-one", pk)
        except Refused as refusal:
            refuse(form, refusal)
            row.refresh_from_db()
    if request.method == "GET":
        return redirect("desk:publishing-one", pk)
    return show(request, row, at=form, status=422)


@desk("publish")
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    row = find(request, pk)
    try:
        schedule.cancel(
            row,
            by=request.scope.person,
            now=request.now,
            reason=request.POST.get("reason", "")[:300],
        )
    except Refused as refusal:
        row.refresh_from_db()
        return show(request, row, refusal=refusal, status=422)
    messages.success(request, gettext("It was taken off and does not go out."))
    return redirect("desk:publishing-one", pk)


@desk("publish")
@require_POST
def take_down(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = find(request, pk), ReasonForm(request.POST)
    if not form.is_valid():
        return show(request, row, reason=form, status=422)
    try:
        if connect.by_hand(row.account):
            remove.removed_by_hand(row, by=request.scope.person, now=request.now)
        else:
            remove.remove(
                row, reason=form.cleaned_data["reason"], by=request.scope.person, now=request.now
            )
    except Refused as refusal:
        row.refresh_from_db()
        return show(request, row, refusal=refusal, status=422)
    messages.success(request, gettext("It is being removed. What it said stays in the archive."))
    return redirect("desk:publishing-one", pk)


# --- schedule -------------------------------------------------------------------------------------


@desk("publish")
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Schedule an approved content, after a look at what a colleague would say."""
    message = get_object_or_404(scoped(Message, request.scope), pk=pk)
    now, zone = request.now, request.agency.zone
    wish = message.publish_at if message.publish_at and message.publish_at > now else None
    local = (wish or now + timedelta(hours=1)).astimezone(ZoneInfo(zone))
    form = TimeForm(request.POST or None, initial={"at": local.strftime(schedule.TYPED)})
    at, due_at = None, wish or now
    if request.method == "POST":
        if "now" in request.POST:
            due_at, ready = now, True
            form = TimeForm(initial=form.initial)
        else:
            ready = form.is_valid()
        try:
            if ready and "now" not in request.POST:
                wall = form.cleaned_data["at"].replace(tzinfo=None).strftime(schedule.TYPED)
                at = (wall, zone)
                due_at = schedule.instant(*at)
            if ready:
                notes = precheck.look(message, due_at=due_at, now=now)
                if not notes or "seen" in request.POST:
                    rows = schedule.queue(message, by=request.scope.person, now=now, at=at)
                    messages.success(
                        request,
                        ngettext(
                            "%(n)d post is scheduled.", "%(n)d posts are scheduled.", len(rows)
                        )
                        % {"n": len(rows)},
                    )
                    return redirect("desk:publishing-list")
        except Refused as refusal:
            if not form.is_bound:
                form = TimeForm({"at": local.strftime(schedule.TYPED)})
                form.is_valid()
            refuse(form, refusal)
    notes = precheck.look(message, due_at=due_at, now=now)
    return render(
        request,
        "desk/publishing/schedule.html",
        {
            "message": message,
            "form": form,
            "notes": notes,
            "was_now": "now" in request.POST,
        },
        status=422 if request.method == "POST" else 200,
    )


@desk("publish", act="sending")
@require_POST
def allow(request: HttpRequest) -> HttpResponse:
    """A person says: this is the only installation that sends, and its clock is right."""
    place = start.stopped()
    if place is not None:
        start.allow(place, by=request.scope.person, agency=request.agency, now=request.now)
        messages.success(
            request, gettext("Sending is on again. What was due is looked up on the network first.")
        )
    return redirect("desk:publishing-list")


# --- in the frame and on Today --------------------------------------------------------------------


@shell.count("publishing")
def waiting(scope: Scope, now: datetime) -> QuerySet[Delivery]:
    return queries.needs_person(scope)


@today.finding(order=40)
def told(scope: Scope, now: datetime) -> str:
    if not scope.may("delivery.read"):
        return ""
    standing = today.standing(scope, now)
    stopped = start.stopped() if "stopped" in standing else None
    if stopped is not None:
        said = word(stopped.stopped, "sending_stopped").rstrip(".")
        return today.opens(said, reverse("desk:publishing-list"))
    needs = queries.needs_person(scope).count() if "needs" in standing else 0
    if not needs:
        return ""
    said = ngettext("%(n)d post needs your answer", "%(n)d posts need your answer", needs)
    return today.opens(said % {"n": needs}, reverse("desk:publishing-list") + "?group=needs")


@today.section(order=40)
def section(scope: Scope, now: datetime) -> today.Section | None:
    """What needs a word, then what leaves next."""
    if not scope.may("delivery.read"):
        return None
    rows = list(queries.deliveries(scope, group="needs").order_by("due_at", "pk")[:4])
    rows += list(
        queries.deliveries(scope, group="waiting")
        .filter(due_at__lt=now + timedelta(days=1))
        .order_by("due_at", "pk")[: 5 - len(rows)]
    )
    lines = []
    for card in cards(rows, scope, now):
        said = card.situation
        lines.append(
            today.Row(
                title=shorten(card.row),
                href=reverse("desk:publishing-one", args=[card.row.pk]),
                text=" ".join(
                    filter(None, (card.row.account.display_name + ".", said.why, said.next))
                ),
                pills=[(said.tone, said.word)],
                due=card.row.due_at,
            )
        )
    return today.Section(
        title=gettext("Publishing"),
        rows=lines,
        href=reverse("desk:publishing-list"),
        link=gettext("Open publishing"),
        empty=gettext("Nothing leaves in the next 24 hours."),
    )


def shorten(row: Delivery, most: int = 90) -> str:
    text = " ".join(row.content["text"].split())
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0] + " …"


urlpatterns: list[Any] = [
    path("", listing, name="publishing-list"),
    path("mulai/", allow, name="publishing-start"),
    path("jadwalkan/<int:pk>/", plan, name="publishing-schedule"),
    path("<int:pk>/", one, name="publishing-one"),
    path("<int:pk>/jawab/", answer, name="publishing-answer"),
    path("<int:pk>/waktu/", move_time, name="publishing-time"),
    path("<int:pk>/batal/", cancel, name="publishing-cancel"),
    path("<int:pk>/hapus/", take_down, name="publishing-remove"),
]
