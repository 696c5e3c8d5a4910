"""The list, the thread beside it, and the answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from tanggap.accounts import connect
from tanggap.core import pages
from tanggap.core.errors import Refused, Stale
from tanggap.core.pages import Page
from tanggap.core.scope import Scope, scoped
from tanggap.desk.asked import number
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.forms import refuse
from tanggap.desk.inbox import forms, shown
from tanggap.desk.inbox.panels import panels
from tanggap.desk.words import word
from tanggap.execution.inbox import answers, private, queries, reply
from tanggap.execution.inbox.models import KINDS, Conversation, Item, Revision, SavedAnswer
from tanggap.execution.inbox.promise import NEVER

ANSWERS = 8
GROUPS = ("open", "mine", "unassigned", "snoozed", "answered", "quiet")
FILTERS = ("group", "kind", "unit", "account", "assignee", "case", "sama", "q", "pilih")


@desk("inbox.read")
def listing(request: DeskRequest) -> HttpResponse:
    part = wanted_part(request, ("list",))
    return render(request, template(part), {"part": part, **pane(request)})


@desk("inbox.read")
def one(request: DeskRequest, pk: int) -> HttpResponse:
    initial: dict[str, Any] = {}
    if saved := number(request.GET.get("sisip", "")):
        initial = inserted(request, saved)
    return show(request, pk, initial=initial)


@require_POST
@desk("inbox.write")
def answer(request: DeskRequest, pk: int) -> HttpResponse:
    found, form = find(request, pk), forms.ReplyForm(request.POST)
    if not form.is_valid():
        return show(request, pk, form=form, status=422)
    given = form.cleaned_data
    item = Item.objects.filter(conversation=found, pk=given["item"] or 0).first() or last(found)
    if item is None:
        raise Http404
    saved = scoped(SavedAnswer, request.scope).filter(pk=given["saved"] or 0).first()
    try:
        row = reply.write(
            found,
            item,
            given["text"],
            by=request.user,
            now=request.now,
            private=given["private"],
            saved_answer=saved,
            source=given["source"],
            seen_item_id=given["seen"],
        )
    except Refused as refusal:
        refuse(form, refusal)
        stale = isinstance(refusal, Stale)
        came = queries.since(found, given["seen"] or 0) if stale else []
        return show(request, pk, form=form, came=came, status=409 if stale else 422)
    messages.success(
        request,
        gettext("The answer is on its way.")
        if row.state == "released"
        else gettext("The answer waits for a second person."),
    )
    return back(request, pk)


@require_POST
@desk("reveal")
def reveal(request: DeskRequest, pk: int) -> HttpResponse:
    """The words behind the mask, once, on record; the page says so."""
    item = scoped(Item, request.scope).filter(pk=pk).exclude(conversation=None).first()
    if item is None:
        raise Http404
    is_sealed = item.conversation.sealed  # type: ignore[union-attr]
    found = queries.conversation(request.scope, item.conversation_id or 0, sealed_ones=is_sealed)
    if found is None:
        raise Http404
    versions: list[Item | Revision] = [item, *item.revisions.all()]
    for words in versions:
        private.reveal(words, request.POST.get("reason", ""), by=request.user, now=request.now)
    return show(request, found.pk, revealed=frozenset({item.pk}), sealed=is_sealed)


# --- the panes -----------------------------------------------------------------------------------


def pane(
    request: DeskRequest,
    current: int = 0,
    *,
    sealed: bool = False,
    choices: queries.Choices | None = None,
) -> dict[str, Any]:
    """The left pane: filters, pills with counts, one page of rows."""
    choices = choices or queries.choices(request.scope)
    scope, now, asked = request.scope, request.now, request.GET
    group = asked.get("group", "open")
    group = group if group in GROUPS else "" if group == "all" else "open"
    text = asked.get("q", "").strip()[:200]
    like = 0 if sealed else whole(asked.get("sama"))
    may_choose = not sealed and scope.may("case.write")
    choose = may_choose and (bool(like) or asked.get("pilih") in ("1", "semua"))
    wanted = queries.wanted(
        scope,
        now=now,
        group=group if not sealed or asked.get("group") == "open" else "",
        kind=asked.get("kind", "") if asked.get("kind") in dict(KINDS) else "",
        unit=whole(asked.get("unit")),
        assignee=whole(asked.get("assignee")),
        account=whole(asked.get("account")),
        text=text,
        case=asked.get("case", ""),
        like=like,
        sealed_ones=sealed,
    )
    page = queries.page(
        scope,
        wanted,
        after=after(asked.get("after", "")),
        size=queries.TOGETHER if like or choose else queries.PAGE,
    )
    kept = "&".join(f"{key}={value}" for key, value in _kept(asked).items())
    counts = queries.counts(scope, now, until=midnight(scope, now))
    home = reverse("desk:inbox-list")
    lines = shown.lines(page.rows, _query(asked), current, sealed=sealed)
    at = next((number for number, line in enumerate(lines) if line.current), -1)
    return {
        "lines": lines,
        "group": group,
        "like": like,
        "together": choose,
        "ticked": bool(like) or asked.get("pilih") == "semua",
        "may_choose": may_choose and not choose,
        "q": text,
        "kept": kept,
        "query": _query(asked),
        "next": f"{page.after[0].isoformat()},{page.after[1]}" if page.after else "",
        "tabs": [
            {
                "label": word(name, "conversation_group"),
                "count": shown.capped(counts[name]),
                "href": f"{home}?group={name}",
                "current": name == group,
                "code": name,
                # Alt+N goes round the tabs.
                "follows": GROUPS[number - 1] == group,
            }
            for number, name in enumerate(GROUPS)
        ],
        "finding": finding(counts["late"], counts["due"]),
        "kinds": [
            (code, word(code, "conversation_kind")) for code, _name in KINDS if code != "integrity"
        ],
        "units": [(pk, name) for pk, _slug, name in choices.units],
        "accounts": choices.accounts,
        "filtered": any(asked.get(name) for name in FILTERS if name not in ("group", "pilih")),
        "awaiting": counts["awaiting"] if scope.may("reply.approve") else 0,
        "troubles": [] if current else [one for one in queries.listening(scope) if one.failed_at],
        "before": lines[at - 1].href if at > 0 else "",
        "next_pk": lines[at + 1].row.pk if 0 <= at < len(lines) - 1 else "",
        "following": lines[at + 1].href if 0 <= at < len(lines) - 1 else "",
        "sealed": sealed,
    }


def show(
    request: DeskRequest,
    pk: int,
    *,
    form: forms.ReplyForm | None = None,
    note: forms.NoteForm | None = None,
    initial: dict[str, Any] | None = None,
    came: list[Item] | None = None,
    revealed: frozenset[int] = frozenset(),
    refusal: Refused | None = None,
    sealed: bool = False,
    named: bool = False,
    status: int = 200,
) -> HttpResponse:
    """All three panes with a conversation open."""
    scope, now, part = request.scope, request.now, wanted_part(request, ("list", "said"))
    opened = queries.opened(scope, pk, sealed_ones=sealed, after=request.GET.get("lama", ""))
    if opened is None:
        raise Http404
    found, thread = opened
    # Who wrote a sealed report is shown on request only, with a reason on record.
    unnamed = sealed and not named
    choices = queries.choices(scope)
    # What is answered is the newest, whatever is read.
    item = last(found) if thread.until else thread.items[-1] if thread.items else None
    if form is None:
        form = forms.ReplyForm(
            initial={
                "seen": found.last_item_id,
                "item": item.pk if item else None,
                "private": found.visibility == "private",
                **(initial or {}),
            }
        )
    else:
        # What came in between is on this page now: sending again means having read it.
        form.data = {**form.data.dict(), "seen": str(found.last_item_id)}  # type: ignore[attr-defined]
    asked = request.GET.get("jawaban")
    asked = "" if asked == "*" else asked
    more = request.GET.get("lanjut", "")
    fitting = answer_rows(scope, asked, more) if asked is not None else None
    units = [(slug, name) for _pk, slug, name in choices.units]
    urgency = {0: "danger", 1: "urgent", 2: "normal"}[found.urgency]
    return render(
        request,
        template(part),
        {
            "part": part,
            **pane(request, found.pk, sealed=sealed, choices=choices),
            "open": found,
            "name": gettext("Reporter") if unnamed else shown.name_of(found.author),
            "handle": "" if unnamed else shown.handle_of(found.author),
            "named": named,
            "identity": private.IDENTITY.items() if sealed else (),
            "entries": shown.entries(thread, revealed, unnamed=unnamed),
            "said": thread,
            "form": form,
            "note_form": note or forms.NoteForm(),
            "counter": counter(found, item, now),
            "memo": note is not None or request.GET.get("tulis") == "catatan",
            "came": {one.pk for one in came or []},
            "refusal": refusal,
            "answers": fitting and [(row, answers.valid(row, now)) for row in fitting.rows],
            "fitting": fitting,
            "asked": asked or "",
            "saved": saved_of(form),
            "label_form": forms.LabelForm(
                units,
                initial={
                    "kind": found.kind,
                    "urgency": urgency,
                    "place": found.place,
                    "unit": found.unit.slug if found.unit else "",
                },
            ),
            "assign_form": forms.AssignForm(
                choices.people, initial={"person": found.assigned_to_id or ""}
            ),
            "snooze_form": forms.SnoozeForm(
                initial={
                    "until": timezone.localtime(now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
                }
            ),
            "units_by_slug": units,
            "owed": found.due_at != NEVER,
            "others": _others(request, found, thread),
            "alike": len(thread.alike),
            "alike_href": f"{reverse('desk:inbox-list')}?group=all&sama={found.pk}",
            "panels": [] if sealed else panels(found, thread, scope, now),
            "reasons": private.REASONS.items(),
            "may_write": scope.may("inbox.write") and not sealed,
        },
        status=status,
    )


def _others(
    request: DeskRequest, found: Conversation, thread: queries.Thread
) -> Page[Conversation]:
    """Other conversations with the same citizen, newest first."""
    after = request.GET.get("lain", "")
    if not after or found.sealed:
        return pages.first(thread.others, queries.NEWEST, size=queries.OTHERS)
    rows = queries.others(scoped(Conversation, request.scope), found.author_id, found.agency_id)
    return pages.page(rows.exclude(pk=found.pk), queries.NEWEST, after=after, size=queries.OTHERS)


PART = "bagian"


def wanted_part(request: DeskRequest, parts: tuple[str, ...]) -> str:
    """The part that a live page asks for again, or "" for the whole. Links in it are those of the
    page, which does not ask so."""
    part = request.GET.get(PART, "")
    asked = request.GET.copy()
    asked.pop(PART, None)
    request.GET = asked  # type: ignore[assignment]
    return part if part in parts else ""


def template(part: str) -> str:
    return "desk/inbox/part.html" if part else "desk/inbox/panes.html"


def counter(found: Conversation, item: Item | None, now: datetime) -> dict[str, Any]:
    """What the field counts with, so that it equals the server: rule, limit, length of a link."""
    if item is None:
        return {}
    try:
        limits = connect.limits(found.account)
        used, most = reply.count(found, item, "x", now)
    except Refused:
        return {}
    return {"rule": limits.counter, "limit": most - used + 1, "link": limits.url_length}


def answer_rows(scope: Scope, text: str, after: str) -> Page[SavedAnswer]:
    return pages.page(answers.search(scope, text), answers.ORDER, after=after, size=ANSWERS)


def inserted(request: DeskRequest, pk: int) -> dict[str, Any]:
    """A saved answer for the form; one whose day has passed is refused."""
    row = answers.search(request.scope).filter(pk=pk).first()
    if row is None:
        raise Http404
    answers.insertable(row, request.now)
    return {"text": row.text, "source": row.source, "saved": row.pk}


def saved_of(form: forms.ReplyForm) -> SavedAnswer | None:
    value = form["saved"].value()
    if not value:
        return None
    return SavedAnswer.objects.filter(pk=whole(str(value))).select_related("unit").first()


def find(request: DeskRequest, pk: int) -> Conversation:
    found = queries.conversation(request.scope, pk)
    if found is None:
        raise Http404
    return found


def last(found: Conversation) -> Item | None:
    return Item.objects.filter(conversation=found).order_by("-written_at", "-pk").first()


def back(request: DeskRequest, pk: int) -> HttpResponse:
    """To the conversation, with the list as it was filtered."""
    kept = _query(request.GET)
    return redirect(reverse("desk:inbox-thread", args=[pk]) + (f"?{kept}" if kept else ""))


def finding(late: int, due: int) -> str:
    """The list's first sentence."""
    parts = []
    if late:
        parts.append(
            ngettext(
                "%(n)s message is past its promise", "%(n)s messages are past their promise", late
            )
            % {"n": shown.capped(late)}
        )
    if due:
        parts.append(
            ngettext("%(n)s is due today", "%(n)s are due today", due) % {"n": shown.capped(due)}
        )
    if not parts:
        return gettext("Every promise is kept")
    return gettext(", ").join(parts)


def midnight(scope: Scope, now: datetime) -> datetime:
    local = timezone.localtime(now) + timedelta(days=1)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else 0


def after(text: str) -> tuple[datetime, int] | None:
    """The key of a page as the address holds it."""
    if not text:
        return None
    at, comma, pk = text.rpartition(",")
    try:
        found = datetime.fromisoformat(at)
    except ValueError as error:
        raise BadRequest from error
    if not comma or not whole(pk) or found.tzinfo is None:
        raise BadRequest
    return found, whole(pk)


def _kept(asked: QueryDict) -> dict[str, str]:
    return {name: str(asked[name]) for name in FILTERS if asked.get(name)}


def _query(asked: QueryDict) -> str:
    found = QueryDict(mutable=True)
    found.update({**_kept(asked), **({"after": str(asked["after"])} if asked.get("after") else {})})
    return found.urlencode()
