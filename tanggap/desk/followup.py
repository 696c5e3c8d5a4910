"""Reports (aduan): what breaks first, one page a report, and opening one from messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import translation
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from tanggap.archive.queries import timeline
from tanggap.core import membership, pages, rules
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Person
from tanggap.core.pages import Page
from tanggap.core.scope import Scope, scoped
from tanggap.desk import shell, today
from tanggap.desk.asked import number
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.forms import refuse
from tanggap.desk.inbox import panels
from tanggap.desk.words import word
from tanggap.execution.followup import cases, clocks, evidence, handover, queries, sp4n, tickets
from tanggap.execution.followup.models import Case, Clock, Contributor, Evidence, Handover
from tanggap.execution.inbox import triage
from tanggap.execution.inbox.models import Conversation, Item
from tanggap.execution.inbox.people import snippet
from tanggap.execution.inbox.queries import Thread

PAGE = 30
PILLS = ("open", "late", "soon", "waiting", "resolved", "closed", "all")
PEOPLE_FIRST, PEOPLE = 6, 30
FEW = 5


def _areas(text: int = 3) -> forms.Textarea:
    return forms.Textarea({"rows": text})


class UnitForm(forms.Form):
    """Forms that name a unit of the tenant."""

    def __init__(self, owner: Agency, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ids = membership.tenant_ids(rules.tenant(owner))
        for name in ("unit", "to_unit"):
            if name in self.fields:
                self.fields[name].queryset = Agency.objects.filter(pk__in=ids).order_by("name")


class AssignForm(UnitForm):
    unit = forms.ModelChoiceField(label=_("Unit"), queryset=Agency.objects.none())


class HandoverForm(UnitForm):
    to_unit = forms.ModelChoiceField(label=_("To which unit"), queryset=Agency.objects.none())
    to_person = forms.CharField(label=_("Name of the person there"), max_length=150, required=False)
    ask = forms.CharField(label=_("What we need to know or want done"), widget=_areas())


class ResolveForm(forms.Form):
    resolution = forms.CharField(
        label=_("What was done"),
        widget=_areas(4),
        help_text=_("Citizens read exactly this, with the photos."),
    )
    evidence_note = forms.CharField(
        label=_("Why there is no photo"),
        max_length=300,
        required=False,
        help_text=_("Only where no photo of afterwards is there."),
    )


class PhotoForm(forms.Form):
    photo = forms.FileField(label=_("Photo"), widget=forms.FileInput({"accept": "image/*"}))
    when = forms.ChoiceField(label=_("It shows"), choices=Evidence.When.choices)
    caption = forms.CharField(label=_("What can be seen"), max_length=280)
    public = forms.BooleanField(label=_("Show it on the public page"), required=False)


class Sp4nForm(forms.Form):
    sp4n_id = forms.CharField(label=_("Number in LAPOR!"), max_length=40)


class ReopenForm(forms.Form):
    words = forms.CharField(
        label=_("What the citizen says is not fixed"), widget=_areas(2), required=False
    )


class ExtendForm(forms.Form):
    reason = forms.CharField(label=_("Why more time is needed"), widget=_areas(2))


class OpenForm(UnitForm):
    title = forms.CharField(label=_("What it is about"), max_length=200)
    kind = forms.ChoiceField(label=_("Kind"), choices=Case.Kind.choices)
    place = forms.CharField(label=_("Place"), max_length=200, required=False)
    unit = forms.ModelChoiceField(
        label=_("Unit"),
        queryset=Agency.objects.none(),
        required=False,
        help_text=_("Whose work it is, when you know it."),
    )


# --- the list ---


@desk("case.read")
def listing(request: DeskRequest) -> HttpResponse:
    scope, now = request.scope, request.now
    group = request.GET.get("state", "open")
    group = group if group in PILLS else "open"
    text = request.GET.get("q", "").strip()[:100]
    counts = queries.counts(scope, text=text, now=now)
    page = pages.page(
        queries.cases(scope, group=group, text=text, now=now),
        queries.FIRST_TO_BREAK,
        after=request.GET.get("after", ""),
        size=PAGE,
    )
    tabs = [
        {
            "label": word(pill, "case_pill"),
            "count": counts[pill],
            "current": pill == group,
            "href": _with(request, state=pill, after=""),
        }
        for pill in PILLS
    ]
    return render(
        request,
        "desk/followup/list.html",
        {
            "finding": _headline(counts),
            "joins": _joins(request),
            "tabs": tabs,
            "rows": page.rows,
            "q": text,
            "group": group,
            "page": page,
            "unopened": pages.page(
                queries.unopened(scope, now),
                ("given_at", "pk"),
                after=request.GET.get("unopened", ""),
                size=FEW,
            ),
        },
    )


def _joins(request: DeskRequest) -> Conversation | None:
    """The conversation for which one looks for its report (`?gabung=`), while it has none."""
    asked = number(request.GET.get("gabung", ""))
    if not asked or not request.scope.may("case.write"):
        return None
    rows = scoped(Conversation, request.scope).filter(pk=asked, has_case=False, sealed=False)
    return rows.select_related("author").first()


def _headline(counts: dict[str, int]) -> str:
    if counts["late"]:
        return ngettext("%(n)d report is late.", "%(n)d reports are late.", counts["late"]) % {
            "n": counts["late"]
        }
    if counts["soon"]:
        return ngettext(
            "%(n)d report is due within a day.",
            "%(n)d reports are due within a day.",
            counts["soon"],
        ) % {"n": counts["soon"]}
    if counts["open"]:
        return gettext("All %(n)d open reports are on time.") % {"n": counts["open"]}
    return gettext("No report is open.")


# --- one report ---


@desk("case.read")
def case(request: DeskRequest, pk: int) -> HttpResponse:
    return _page(request, _found(request, pk))


@desk("case.write")
def act(request: DeskRequest, pk: int, what: str) -> HttpResponse:
    """One change to a report; a refusal comes back beside its form with everything typed."""
    row = _found(request, pk)
    if request.method != "POST" or what not in ACTS:
        return redirect("desk:followup-case", row.pk)
    form_of, do, said = ACTS[what]
    form = form_of(row, request) if form_of else None
    if form is not None and not form.is_valid():
        return _page(request, row, {what: form}, 422)
    try:
        link = do(row, form.cleaned_data if form else {}, request)
    except Refused as refusal:
        row.refresh_from_db()
        if form is None:
            raise
        refuse(form, refusal)
        return _page(request, row, {what: form}, 422)
    if link:
        # The link of a handover is shown once, now: only its hash is kept.
        return _page(request, row, link=link)
    messages.success(request, str(said))
    talk = number(request.POST.get("thread", ""))
    if talk:
        # Pressed beside the conversation: back to it, to answer.
        return redirect(f"desk:inbox-{'sealed-' if row.sealed else ''}thread", talk)
    return redirect("desk:followup-case", row.pk)


def _handover(row: Case, said: dict[str, Any], request: DeskRequest) -> dict[str, str]:
    made, token = handover.offer(
        row,
        to_unit=said["to_unit"],
        to_person=said["to_person"],
        ask=said["ask"],
        by=request.user,
        now=request.now,
    )
    return _link(made, token)


def _renew(row: Case, said: dict[str, Any], request: DeskRequest) -> dict[str, str]:
    made, token = handover.renew(_open_handover(row), by=request.user, now=request.now)
    return _link(made, token)


def _withdraw(row: Case, said: dict[str, Any], request: DeskRequest) -> None:
    handover.withdraw(_open_handover(row), by=request.user, now=request.now)


def _link(made: Handover, token: str) -> dict[str, str]:
    with translation.override("id"):
        return {"address": handover.address(token), "text": handover.whatsapp(made, token)}


def _open_handover(row: Case) -> Handover:
    found = queries.open_handover(row)
    if found is None:
        raise Refused(
            gettext("Nothing was changed."),
            gettext("This handover has ended."),
            gettext("Hand the report over anew."),
        )
    return found


def _extend(row: Case, said: dict[str, Any], request: DeskRequest) -> None:
    clock = get_object_or_404(Clock, case=row, pk=number(request.POST.get("clock", "")))
    clocks.extend(clock, reason=said["reason"], by=request.user, now=request.now)


def _reopen(row: Case, said: dict[str, Any], request: DeskRequest) -> None:
    who = Contributor.objects.filter(
        case=row, pk=number(request.POST.get("contributor", ""))
    ).first()
    cases.reopen(row, by=request.user, now=request.now, contributor=who, words=said["words"])


def _not_done(row: Case, said: dict[str, Any], request: DeskRequest) -> None:
    item = get_object_or_404(scoped(Item, request.scope), pk=number(request.POST.get("item", "")))
    cases.reopen_by_words(row, item, by=request.user, now=request.now)


def _show(row: Case, said: dict[str, Any], request: DeskRequest) -> None:
    one = get_object_or_404(Evidence, case=row, pk=number(request.POST.get("photo", "")))
    evidence.show(one, request.POST.get("public") == "1", by=request.user, now=request.now)


def _bound(form: type[forms.Form]) -> Callable[[Case, DeskRequest], forms.Form]:
    return lambda row, request: form(request.POST, request.FILES)


def _for_unit(form: type[UnitForm]) -> Callable[[Case, DeskRequest], forms.Form]:
    return lambda row, request: form(row.agency, request.POST)


# what → (its form, what it does, what is said when it is done)
ACTS: dict[str, tuple[Any, Any, object]] = {
    "assign": (
        _for_unit(AssignForm),
        lambda row, said, request: (
            cases.assign(row, unit=said["unit"], to=None, by=request.user, now=request.now) and None
        ),
        _("The report is assigned."),
    ),
    "begin": (
        None,
        lambda row, said, request: cases.begin(row, by=request.user, now=request.now) and None,
        _("Work on the report has begun."),
    ),
    "handover": (_for_unit(HandoverForm), _handover, ""),
    "renew": (None, _renew, ""),
    "withdraw": (None, _withdraw, _("The handover was taken back.")),
    "photo": (
        _bound(PhotoForm),
        lambda row, said, request: (
            evidence.add(
                row,
                said["photo"],
                when=said["when"],
                caption=said["caption"],
                public=said["public"],
                by=request.user,
                given_by=request.user.name,
                now=request.now,
            )
            and None
        ),
        _("The photo is kept, without the data of the telephone."),
    ),
    "show": (None, _show, _("The photo was changed.")),
    "resolve": (
        _bound(ResolveForm),
        lambda row, said, request: (
            cases.resolve(
                row,
                resolution=said["resolution"],
                evidence_note=said["evidence_note"],
                by=request.user,
                now=request.now,
            )
            and None
        ),
        _("The report is resolved. Now tell everybody who asked."),
    ),
    "close": (
        None,
        lambda row, said, request: cases.close(row, by=request.user, now=request.now) and None,
        _("The report is closed."),
    ),
    "reopen": (_bound(ReopenForm), _reopen, _("The report is open again; its deadlines run anew.")),
    "not-done": (None, _not_done, _("The report is open again; its deadlines run anew.")),
    "extend": (_bound(ExtendForm), _extend, _("The deadline was extended once.")),
    "sp4n": (
        _bound(Sp4nForm),
        lambda row, said, request: (
            sp4n.set_id(row, said["sp4n_id"], by=request.user, now=request.now) and None
        ),
        _("The LAPOR! number is kept."),
    ),
}


def _page(
    request: DeskRequest,
    row: Case,
    bound: dict[str, forms.Form] | None = None,
    status: int = 200,
    link: dict[str, str] | None = None,
) -> HttpResponse:
    owner = row.agency
    fresh: dict[str, forms.Form] = {
        "assign": AssignForm(owner, initial={"unit": row.unit_id}),
        "handover": HandoverForm(owner, initial={"to_unit": row.unit_id}),
        "resolve": ResolveForm(initial={"resolution": row.resolution}),
        "photo": PhotoForm(initial={"when": "after"}),
        "sp4n": Sp4nForm(),
        "reopen": ReopenForm(),
        "extend": ExtendForm(),
    }
    asked, everybody = request.GET, queries.contributors(row)
    people = pages.page(
        everybody,
        queries.CONTRIBUTORS,
        after=asked.get("people", ""),
        size=PEOPLE if asked.get("people") else PEOPLE_FIRST,
    )
    doubts = queries.doubts(request.scope, row) if row.state in queries.FINISHED else []
    handovers = list(
        row.handovers.select_related("to_unit", "rightful_unit", "given_by").order_by("-pk")
    )
    photos = list(row.photos.select_related("media").order_by("-pk"))
    with translation.override("id"):
        lapor = sp4n.text(row)
    return render(
        request,
        "desk/followup/case.html",
        {
            "case": row,
            "finding": _finding(row, request.now),
            "clocks": [_clock(one) for one in row.clocks.order_by("kept_at", "due_at", "pk")],
            "people": people,
            "handovers": handovers,
            "handover": queries.open_handover(row),
            "photos": photos,
            "before": _newest(photos, "before"),
            "after": _newest(photos, "after"),
            "events": _events(request.scope, row, handovers),
            "forms": {**fresh, **(bound or {})},
            "failed": next(iter(bound or {}), ""),
            "link": link,
            "lapor": lapor,
            "address": tickets.address(row),
            "is_open": row.state in cases.OPEN,
            "may": "case.write" in request.scope.verbs,
            "not_fixed": pages.page(
                _unanswered(row, everybody),
                queries.CONTRIBUTORS,
                after=asked.get("not_fixed", ""),
                size=FEW,
            ),
            "doubts": pages.within(
                doubts, lambda one: one.item_id, after=asked.get("doubts", ""), size=FEW
            ),
        },
        status=status,
    )


def _finding(row: Case, now: datetime) -> str:
    if row.state not in cases.OPEN:
        return word(row.state, "case_finding")
    if row.due_at < now:
        return gettext("This report is late.")
    return word(row.state, "case_finding")


def _clock(one: Clock) -> dict[str, Any]:
    rule, language = clocks.rule_of(one), translation.get_language() or "id"
    return {
        "row": one,
        "says": rule.says(language),
        "legal": rule.legal,
        "law": rule.law,
        "article": rule.article,
        "source": rule.source,
        "confidence": rule.confidence,
        "remark": rule.remark(language),
        "unit": rule.unit,
        "ours": clocks.ours(one),
        "in_time": one.kept_at is not None and one.kept_at <= one.due_at,
        "extends": bool(rule.extension) and not one.extended_days and one.kept_at is None,
    }


def _events(scope: Scope, row: Case, handovers: Sequence[Handover]) -> list[dict[str, Any]]:
    """The case's own timeline, from the archive; who joined is told once, not forty times."""
    records = [
        one
        for one in timeline(scope, row, *handovers)
        if one.verb not in ("case.joined", "case.clocks_started")
    ]
    ids = {one.actor.removeprefix("person:") for one in records if one.actor.startswith("person:")}
    names = {f"person:{person.pk}": person.name for person in Person.objects.filter(pk__in=ids)}
    return [
        {
            "title": word(one.verb, "case_event"),
            "at": one.at,
            "text": "",
            "by": names.get(one.actor) or word(one.actor.split(":")[0], "case_actor"),
            "tone": "late" if one.verb == "case.late" else "",
        }
        for one in reversed(records)
    ]


def _newest(photos: Sequence[Evidence], when: str) -> Evidence | None:
    return next((one for one in photos if one.when == when), None)


def _found(request: DeskRequest, pk: int) -> Case:
    return get_object_or_404(
        queries.visible(request.scope).select_related("agency", "unit", "assigned_to"), pk=pk
    )


@desk("case.read")
def photo(request: DeskRequest, pk: int) -> FileResponse:
    found = get_object_or_404(
        scoped(Evidence, request.scope)
        .filter(case__in=queries.visible(request.scope))
        .select_related("media"),
        pk=pk,
    )
    return FileResponse(found.media.file.open("rb"), content_type=found.media.mime)


# --- opening one ---


@desk("case.write")
def opening(request: DeskRequest) -> HttpResponse:
    """A report from one or many messages: `?c=` for each conversation; a person ticks them. One
    form holds at most 500; further ones join the report afterwards."""
    scope = request.scope
    given = request.POST if request.method == "POST" else request.GET
    ids = [pk for one in given.getlist("c") if (pk := number(one))][:500]
    if request.method != "POST" and "alike" in given:
        ids = [*ids, *_alike(ids, scope)][:500]
    talks = list(
        scoped(Conversation, scope)
        .filter(pk__in=ids)
        .select_related("author", "account")
        .order_by("first_item_at", "pk")
    )
    if not scope.may("integrity"):
        talks = [one for one in talks if not one.sealed]
    offered = [pk for one in given.getlist("offered") if (pk := number(one))][:500] or ids
    shown = list(
        scoped(Conversation, scope)
        .filter(pk__in={*offered, *ids}, sealed=False)
        .select_related("author", "account")
        .order_by("first_item_at", "pk")
    )
    shown = shown or talks
    form = OpenForm(
        request.agency,
        request.POST if request.method == "POST" else None,
        initial={
            "title": given.get("title", ""),
            "kind": _kind(talks),
            "place": next((one.place for one in talks if one.place), given.get("place", "")),
            "unit": next((one.unit_id for one in talks if one.unit_id), None),
        },
    )
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            into = number(given.get("into", ""))
            if into:
                row = _found(request, into)
                cases.merge(row, talks, by=request.user, now=request.now)
            else:
                row = cases.open_case(
                    talks,
                    kind=said["kind"],
                    title=said["title"],
                    place=said["place"],
                    unit=said["unit"],
                    by=request.user,
                    now=request.now,
                )
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(
                request,
                ngettext(
                    "%(n)d citizen gets the number %(number)s.",
                    "%(n)d citizens get the number %(number)s.",
                    row.contributors_count,
                )
                % {"n": row.contributors_count, "number": row.number},
            )
            return redirect("desk:followup-case", row.pk)
    first = _first_items(shown)
    return render(
        request,
        "desk/followup/open.html",
        {
            "form": form,
            "ticked": {one.pk for one in talks},
            "lines": [{"talk": one, "item": first.get(one.pk)} for one in shown],
        },
        status=422 if form.errors else 200,
    )


@desk("case.write")
def joining(request: DeskRequest, pk: int) -> HttpResponse:
    """ "Saya juga mengalami": messages join a report that is open."""
    row = _found(request, pk)
    ids = [pk for one in request.POST.getlist("c") if (pk := number(one))][:500]
    talks = list(scoped(Conversation, request.scope).filter(pk__in=ids, sealed=row.sealed))
    if request.method == "POST" and talks:
        made = cases.merge(row, talks, by=request.user, now=request.now)
        messages.success(
            request,
            ngettext("%(n)d citizen was added.", "%(n)d citizens were added.", len(made))
            % {"n": len(made)},
        )
    return redirect("desk:followup-case", row.pk)


def _kind(talks: Sequence[Conversation]) -> str:
    known = set(Case.Kind.values)
    return next((one.kind for one in talks if one.kind in known), "complaint")


def _first_items(talks: Sequence[Conversation]) -> dict[int, Item]:
    found: dict[int, Item] = {}
    for item in Item.objects.filter(conversation__in=talks).order_by("written_at", "pk"):
        found.setdefault(item.conversation_id or 0, item)
    return found


def _alike(ids: Sequence[int], scope: Scope) -> list[int]:
    """Other conversations that were suggested to speak of the same, and are in no report yet."""
    first = _first_items(list(scoped(Conversation, scope).filter(pk__in=ids, sealed=False)))
    items = {other for item in first.values() for other in triage.alike(item)}
    rows = scoped(Conversation, scope).filter(items__in=items, sealed=False, has_case=False)
    return list(rows.exclude(pk__in=ids).order_by("pk").distinct().values_list("pk", flat=True))


@panels.panel(order=10)
def beside(
    conversation: Conversation, thread: Thread, scope: Scope, now: datetime
) -> tuple[str, dict[str, Any]] | None:
    """The report of a conversation in the inbox's side pane, or the way to open one."""
    if not scope.may("case.read"):
        return None
    return "desk/followup/panel.html", panel(conversation, thread, scope)


def panel(conversation: Conversation, thread: Thread, scope: Scope) -> dict[str, Any]:
    """What desk/followup/panel.html shows."""
    row, others = queries.case_beside(conversation, scope)
    said = queries.doubted(row, thread.items) if row and scope.may("case.write") else None
    open_href = f"{reverse('desk:followup-open')}?c={conversation.pk}"
    return {
        "case": row,
        "may_open": scope.may("case.write") and row is None,
        "open_href": open_href,
        "alike_href": f"{open_href}&alike=1",
        "alike": len(thread.loose) if row is None else 0,
        "may_join": others if row is None else [],
        "join_href": f"{reverse('desk:followup-list')}?gabung={conversation.pk}",
        "conversation": conversation,
        "doubt": said,
        "doubt_words": snippet(said.text, said.personal, 140) if said else "",
    }


# --- the frame and Today ---


@shell.count("followup")
def waiting(scope: Scope, now: datetime) -> QuerySet[Case]:
    return queries.cases(scope, group="open", now=now)


@desk("case.read")
def doubts(request: DeskRequest) -> HttpResponse:
    """All that Today counts of them, newest first."""
    after = number(request.GET.get("after", ""))
    found = queries.doubts_behind(request.scope, after, PAGE)
    shown = found[:PAGE]
    following = str(shown[-1].item_id) if len(found) > PAGE else ""
    return render(
        request,
        "desk/followup/doubts.html",
        {
            "total": len(_doubts(request.scope, request.now)),
            "page": Page(shown, following, bool(after and shown)),
        },
    )


def _unanswered(row: Case, everybody: QuerySet[Contributor]) -> QuerySet[Contributor]:
    """Who says that it is not fixed, and nothing was done since."""
    said = everybody.filter(said_not_fixed_at__isnull=False)
    if row.state in queries.FINISHED and row.resolved_at:
        return said.filter(said_not_fixed_at__gt=row.resolved_at)
    return said


@today.finding(order=31)
def doubted(scope: Scope, now: datetime) -> str:
    count = len(_doubts(scope, now))
    if not count:
        return ""
    said = ngettext(
        "%(n)d citizen says that it is not fixed",
        "%(n)d citizens say that it is not fixed",
        count,
    ) % {"n": count}
    return today.opens(said, reverse("desk:followup-doubts"))


@today.section(order=12)
def not_fixed(scope: Scope, now: datetime) -> today.Section | None:
    """Finished reports whose citizens write "not yet": each opens where one press opens it anew."""
    found = _doubts(scope, now)
    if not found:
        return None
    return today.Section(
        gettext("Finished, but citizens say “not yet”"),
        rows=[
            today.Row(
                f"{one.contributor.case.number} · {one.contributor.case.title}",
                reverse("desk:followup-case", args=[one.contributor.case_id]),
                text=f"“{snippet(one.text, one.personal, 140)}”",
                pills=[("due", gettext("Citizen says “not yet”"))],
            )
            for one in found[:5]
        ],
        wide=True,
        href=reverse("desk:followup-doubts"),
        link=gettext("All"),
        count=len(found),
    )


@lru_cache(maxsize=4)
def _doubts(scope: Scope, now: datetime) -> list[queries.Doubt]:
    """Asked by the title and by the card of one page: the same scope at the same instant. Words of
    a sealed report are read where each reading is on record."""
    found = queries.doubts(scope) if scope.may("case.read") else []
    return [one for one in found if not one.contributor.case.sealed]


@today.finding(order=33)
def late(scope: Scope, now: datetime) -> str:
    if not scope.may("case.read"):
        return ""
    count = queries.cases(scope, group="late", now=now).count()
    return (
        ngettext("%(n)d report is late", "%(n)d reports are late", count) % {"n": count}
        if count
        else ""
    )


@today.section(order=33)
def first(scope: Scope, now: datetime) -> today.Section | None:
    if not scope.may("case.read"):
        return None
    found = queries.cases(scope, group="open", now=now)
    rows = list(found.order_by(*queries.FIRST_TO_BREAK)[:4])
    if not rows:
        return None
    return today.Section(
        gettext("Reports that break first"),
        rows=[
            today.Row(
                f"{row.number} · {row.title}",
                reverse("desk:followup-case", args=[row.pk]),
                due=row.due_at,
            )
            for row in rows
        ],
        href=reverse("desk:followup-list"),
        link=gettext("All"),
    )


def _with(request: HttpRequest, **changes: str) -> str:
    asked = request.GET.copy()
    for name, value in changes.items():
        asked.pop(name, None)
        if value:
            asked[name] = value
    return f"?{asked.urlencode()}"


urlpatterns = [
    path("", listing, name="followup-list"),
    path("belum/", doubts, name="followup-doubts"),
    path("buka/", opening, name="followup-open"),
    path("foto/<int:pk>/", photo, name="followup-photo"),
    path("<int:pk>/", case, name="followup-case"),
    path("<int:pk>/tambah/", joining, name="followup-join"),
    path("<int:pk>/<slug:what>/", act, name="followup-act"),
]
