"""Findings, recommendations for the head, and "Anda sampaikan, kami lakukan"."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from tanggap.accounts.models import Account
from tanggap.core import membership, pages, rules
from tanggap.core.errors import Refused
from tanggap.core.models import Agency
from tanggap.core.scope import Scope, scoped
from tanggap.desk import shell
from tanggap.desk.asked import number
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.forms import refuse
from tanggap.execution.followup import announce, queries, recommend, synthesize
from tanggap.execution.followup.models import (
    Announcement,
    Case,
    Finding,
    FindingGroup,
    Recommendation,
    Telling,
)
from tanggap.execution.followup.recommend import LETTERS, Choice
from tanggap.execution.inbox import vocabulary
from tanggap.execution.inbox.models import Item

SHOWN, TELLINGS = 25, 50
LINES, FEW = 10, 6  # originals of a group on a page; fewer stand open


class FindingForm(forms.Form):
    title = forms.CharField(label=_("What was found"), max_length=200)


class GroupForm(forms.Form):
    name = forms.CharField(label=_("New group"), max_length=120)


class RecommendForm(forms.Form):
    title = forms.CharField(label=_("What is asked of the head"), max_length=200)
    background = forms.CharField(
        label=_("Background"),
        widget=forms.Textarea({"rows": 4}),
        help_text=_("Two or three sentences; the originals stand below it."),
    )
    owner_unit = forms.ModelChoiceField(
        label=_("Who carries it out"), queryset=Agency.objects.none(), required=False
    )
    due_on = forms.DateField(
        label=_("Until when"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )

    def __init__(self, owner: Agency, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ids = membership.tenant_ids(rules.tenant(owner))
        self.fields["owner_unit"].queryset = Agency.objects.filter(pk__in=ids).order_by("name")
        for letter in LETTERS:
            name = letter.lower()
            must = letter == "A"
            self.fields[f"option_{name}"] = forms.CharField(
                label=_("Option %(letter)s") % {"letter": letter},
                required=must,
                widget=forms.Textarea({"rows": 2}),
            )
            for part, label in (("cost", _("Cost")), ("time", _("Time")), ("risk", _("Risk"))):
                self.fields[f"{part}_{name}"] = forms.CharField(
                    label=f"{letter}: {label}", required=False, max_length=200
                )


class DecideForm(forms.Form):
    verdict = forms.ChoiceField(
        label=_("Your decision"),
        widget=forms.RadioSelect,
        choices=[("accepted", _("Accept")), ("changed", _("Change")), ("declined", _("Decline"))],
    )
    option = forms.ChoiceField(
        label=_("Which option"), widget=forms.RadioSelect, required=False, choices=()
    )
    changed_to = forms.CharField(
        label=_("What to do instead"), required=False, widget=forms.Textarea({"rows": 2})
    )
    reason = forms.CharField(
        label=_("Reason"),
        widget=forms.Textarea({"rows": 2}),
        help_text=_("One sentence. It is read by citizens and auditors."),
    )

    def __init__(self, row: Recommendation, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["option"].choices = [
            (one.letter, f"{one.letter}. {one.text}") for one in row.options.all()
        ]


class AnnounceForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=200)
    you_said = forms.CharField(label=_("You said"), widget=forms.Textarea({"rows": 3}))
    we_did = forms.CharField(label=_("We did"), widget=forms.Textarea({"rows": 3}))
    reply_text = forms.CharField(
        label=_("Reply to each person"),
        widget=forms.Textarea({"rows": 3}),
        help_text=_("In their own thread, once. Number and address are added by themselves."),
    )
    accounts = forms.ModelMultipleChoiceField(
        label=_("Also publish on"),
        queryset=Account.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, scope: Scope, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["accounts"].queryset = (
            scoped(Account, scope).filter(state="connected").order_by("pk")
        )


@desk("case.read")
def listing(request: DeskRequest) -> HttpResponse:
    scope, asked = request.scope, request.GET
    waits, decided = (
        queries.to_decide(scope),
        queries.recommendations(scope).exclude(state="proposed"),
    )
    told = pages.page(queries.announcements(scope), after=asked.get("told", ""), size=SHOWN)
    return render(
        request,
        "desk/findings/list.html",
        {
            "finding": _headline(waits.count(), scope),
            "waits": pages.page(
                waits, ("proposed_at", "pk"), after=asked.get("waits", ""), size=SHOWN
            ),
            "decided": pages.page(decided, after=asked.get("decided", ""), size=SHOWN),
            "findings": pages.page(
                queries.findings(scope), after=asked.get("found", ""), size=SHOWN
            ),
            "told": told,
            "announcements": [(one, queries.progress(one)) for one in told.rows],
        },
    )


def _headline(waits: int, scope: Scope) -> str:
    if waits and scope.may("decide"):
        return ngettext("%(n)d decision waits for you.", "%(n)d decisions wait for you.", waits) % {
            "n": waits
        }
    if waits:
        return ngettext(
            "%(n)d decision waits for the head.", "%(n)d decisions wait for the head.", waits
        ) % {"n": waits}
    return gettext("No decision is waiting.")


# --- findings ---


@desk("finding.write")
def new(request: DeskRequest) -> HttpResponse:
    """A finding over the originals of a report; groups are proposed, a person decides."""
    given = request.POST if request.method == "POST" else request.GET
    case = get_object_or_404(queries.visible(request.scope), pk=given.get("case") or 0)
    if case.sealed:
        raise Http404
    items = list(Item.objects.filter(contributions__case=case).order_by("written_at", "pk"))
    form = FindingForm(
        request.POST if request.method == "POST" else None, initial={"title": case.title}
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = synthesize.write(
                form.cleaned_data["title"],
                items,
                synthesize.proposal(items, vocabulary.places(case.agency)),
                by=request.user,
                now=request.now,
                case=case,
            )
            return redirect("desk:findings-finding", made.pk)
        except Refused as refusal:
            refuse(form, refusal)
    return render(
        request,
        "desk/findings/new.html",
        {"form": form, "case": case, "count": len(items)},
        status=422 if form.errors else 200,
    )


@desk("case.read")
def finding(request: DeskRequest, pk: int) -> HttpResponse:
    return _finding_page(request, _finding(request, pk))


@desk("finding.write")
def change(request: DeskRequest, pk: int, what: str) -> HttpResponse:
    """Move items, add a group, say a sentence, confirm: the counts always add up."""
    row, by, now = _finding(request, pk), request.user, request.now
    if request.method != "POST":
        return redirect("desk:findings-finding", row.pk)
    form = None
    try:
        if what == "kelompok":
            form = GroupForm(request.POST)
            if form.is_valid():
                synthesize.add_group(row, form.cleaned_data["name"], by=by, now=now)
        elif what == "pindah":
            ids = [pk for one in request.POST.getlist("item") if (pk := number(one))]
            synthesize.place(row, ids, _group(row, request), by=by, now=now)
        elif what == "kalimat":
            quoted = [pk for one in request.POST.getlist("quoted") if (pk := number(one))]
            synthesize.say(
                _group(row, request),
                request.POST.get("sentence", ""),
                quoted=quoted,
                by=by,
                now=now,
            )
        elif what == "cocok":
            synthesize.check(row, by=by, now=now)
        elif what == "kembali":
            synthesize.back(row, by=by, now=now)
    except Refused as refusal:
        row.refresh_from_db()
        return _finding_page(request, row, refusal=refusal, form=form)
    return redirect("desk:findings-finding", row.pk)


def _group(row: Finding, request: DeskRequest) -> FindingGroup:
    return get_object_or_404(row.groups, pk=number(request.POST.get("group", "")))


def _finding(request: DeskRequest, pk: int) -> Finding:
    return get_object_or_404(queries.findings(request.scope), pk=pk)


def _finding_page(
    request: DeskRequest,
    row: Finding,
    refusal: Refused | None = None,
    form: forms.Form | None = None,
) -> HttpResponse:
    opened, groups = request.GET.get("kelompok", ""), []
    for group in row.groups.annotate(count=Count("lines")).order_by("order", "pk"):
        lines = group.lines.select_related("item__author", "item__account")
        page = pages.page(
            lines,
            ("-quoted", "item__written_at", "pk"),
            after=request.GET.get(f"g{group.pk}", ""),
            size=LINES,
        )
        # What is quoted stays ticked on every page: keeping the sentence names all of them.
        quoted = lines.filter(quoted=True).order_by("item__written_at", "pk") if page.rows else []
        groups.append(
            {
                "row": group,
                "open": page.later or str(group.pk) == opened or group.count < FEW,
                "page": page,
                "quotable": [*quoted, *(one for one in page.rows if not one.quoted)],
            }
        )
    writes = "finding.write" in request.scope.verbs
    return render(
        request,
        "desk/findings/finding.html",
        {
            "row": row,
            "groups": groups,
            "refusal": refusal,
            "total": sum(one["row"].count for one in groups),
            "draft": row.state == "draft" and writes,
            "group_form": form or GroupForm(),
            "checks": row.state == "draft" and writes and row.written_by_id != request.user.pk,
            "recommendations": list(row.recommendations.order_by("-pk")),
        },
        status=422 if refusal else 200,
    )


# --- recommendations ---


@desk("recommend")
def recommending(request: DeskRequest, pk: int) -> HttpResponse:
    row = _finding(request, pk)
    form = RecommendForm(row.agency, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        options = [
            Choice(
                said[f"option_{one}"], said[f"cost_{one}"], said[f"time_{one}"], said[f"risk_{one}"]
            )
            for one in LETTERS.lower()
        ]
        try:
            made = recommend.write(
                row,
                said["title"],
                background=said["background"],
                options=options,
                by=request.user,
                now=request.now,
                owner_unit=said["owner_unit"],
                due_on=said["due_on"],
            )
            recommend.propose(made, by=request.user, now=request.now)
            messages.success(request, gettext("The recommendation is before the head."))
            return redirect("desk:findings-decision", made.pk)
        except Refused as refusal:
            refuse(form, refusal)
    return render(
        request,
        "desk/findings/recommend.html",
        {
            "row": row,
            "form": form,
            "options": [
                {
                    "letter": letter,
                    "fields": [
                        form[f"{part}_{letter.lower()}"]
                        for part in ("option", "cost", "time", "risk")
                    ],
                }
                for letter in LETTERS
            ],
        },
        status=422 if form.errors else 200,
    )


@desk("case.read")
def decision(request: DeskRequest, pk: int) -> HttpResponse:
    return _decision_page(request, _decision(request, pk))


@desk("decide")
def decide(request: DeskRequest, pk: int) -> HttpResponse:
    """The head decides: option and reason, on a phone, in three minutes."""
    row = _decision(request, pk)
    if request.method != "POST":
        return redirect("desk:findings-decision", row.pk)
    form = DecideForm(row, request.POST)
    if form.is_valid():
        said = form.cleaned_data
        try:
            recommend.decide(
                row,
                said["verdict"],
                reason=said["reason"],
                option=said["option"],
                changed_to=said["changed_to"],
                by=request.user,
                now=request.now,
            )
            messages.success(request, gettext("Your decision is recorded."))
            return redirect("desk:findings-decision", row.pk)
        except Refused as refusal:
            row.refresh_from_db()
            refuse(form, refusal)
    return _decision_page(request, row, form)


@desk("recommend")
def done(request: DeskRequest, pk: int) -> HttpResponse:
    row = _decision(request, pk)
    if request.method == "POST":
        recommend.done(row, request.POST.get("note", ""), by=request.user, now=request.now)
    return redirect("desk:findings-decision", row.pk)


@desk("case.read")
def brief(request: DeskRequest, pk: int) -> HttpResponse:
    """One printed page for the head, to be signed."""
    return render(request, "desk/findings/brief.html", _about(_decision(request, pk)))


def _decision(request: DeskRequest, pk: int) -> Recommendation:
    return get_object_or_404(
        queries.recommendations(request.scope).select_related("finding__case", "decided_by"), pk=pk
    )


def _decision_page(
    request: DeskRequest, row: Recommendation, form: DecideForm | None = None
) -> HttpResponse:
    return render(
        request,
        "desk/findings/decision.html",
        {
            **_about(row),
            "form": form or DecideForm(row, initial={"verdict": "accepted"}),
            "decides": row.state == "proposed" and "decide" in request.scope.verbs,
            "announcements": list(row.announcements.order_by("-pk")),
        },
        status=422 if form is not None and form.errors else 200,
    )


def _about(row: Recommendation) -> dict[str, Any]:
    lines = row.finding.lines.select_related("item__author", "item__account", "group")
    return {
        "row": row,
        "options": list(row.options.all()),
        "finding": row.finding,
        "groups": list(row.finding.groups.annotate(count=Count("lines")).filter(count__gt=0)),
        # Some words on one page; its finding, which it links, has every original.
        "quotes": list(lines.filter(quoted=True)[:4]) or list(lines[:3]),
    }


# --- announcements ---


@desk("announce")
def announcing(request: DeskRequest, pk: int = 0) -> HttpResponse:
    """Write it, from a decision or a resolved report; or change a draft."""
    scope = request.scope
    old = get_object_or_404(queries.announcements(scope), pk=pk) if pk else None
    given = request.POST if request.method == "POST" else request.GET
    case: Case | None = None
    decided: Recommendation | None = None
    if old is None:
        if pk := number(given.get("case", "")):
            case = get_object_or_404(queries.visible(scope), pk=pk)
        if pk := number(given.get("decision", "")):
            decided = _decision(request, pk)
        if case is None and decided is None:
            raise Http404
    form = AnnounceForm(
        scope,
        request.POST if request.method == "POST" else None,
        initial=_first_words(old, case, decided),
    )
    if request.method == "POST" and form.is_valid():
        said = {**form.cleaned_data, "accounts": list(form.cleaned_data["accounts"])}
        title = said.pop("title")
        try:
            if old is not None:
                made = announce.change(old, title=title, **said, by=request.user, now=request.now)
            else:
                made = announce.write(
                    title,
                    **said,
                    by=request.user,
                    now=request.now,
                    recommendation=decided,
                    case=case,
                )
            return redirect("desk:findings-announcement", made.pk)
        except Refused as refusal:
            refuse(form, refusal)
    return render(
        request,
        "desk/findings/announce.html",
        {
            "form": form,
            "case": case,
            "decision": decided,
            "old": old,
        },
        status=422 if form.errors else 200,
    )


def _first_words(
    old: Announcement | None, case: Case | None, decided: Recommendation | None
) -> dict[str, Any]:
    if old is not None:
        return {
            "title": old.title,
            "you_said": old.you_said,
            "we_did": old.we_did,
            "reply_text": old.reply_text,
            "accounts": old.accounts.all(),
        }
    if decided is not None:
        did = (
            decided.done_note
            or decided.changed_to
            or (decided.chosen.text if decided.chosen else decided.decision_reason)
        )
        return {
            "title": decided.title,
            "you_said": decided.finding.title,
            "we_did": did,
            "reply_text": did,
        }
    assert case is not None
    return {
        "title": case.title,
        "you_said": case.title,
        "we_did": case.resolution,
        "reply_text": case.resolution,
    }


@desk("case.read")
def announcement(request: DeskRequest, pk: int) -> HttpResponse:
    return _announcement_page(request, _announcement(request, pk))


@desk("announce.approve")
def approve(request: DeskRequest, pk: int) -> HttpResponse:
    """Let the batch out, by the hash of what is on this screen."""
    row = _announcement(request, pk)
    if request.method != "POST":
        return redirect("desk:findings-announcement", row.pk)
    try:
        seen = bytes.fromhex(request.POST.get("seen", ""))
    except ValueError:
        seen = b""
    try:
        announce.approve(row, seen_hash=seen, by=request.user, now=request.now)
    except Refused as refusal:
        row.refresh_from_db()
        return _announcement_page(request, row, refusal)
    messages.success(request, gettext("It is going out, one reply after another."))
    return redirect("desk:findings-announcement", row.pk)


@desk("announce")
def telling(request: DeskRequest, pk: int) -> HttpResponse:
    """An officer told somebody by hand, or those who can be reached now are told."""
    row = _announcement(request, pk)
    if request.method == "POST":
        one = number(request.POST.get("telling", ""))
        if one:
            announce.told_by_hand(
                get_object_or_404(Telling, announcement=row, pk=one),
                by=request.user,
                now=request.now,
            )
        else:
            count = announce.tell_rest(row, by=request.user, now=request.now)
            messages.success(
                request,
                ngettext("%(n)d more person is told.", "%(n)d more people are told.", count)
                % {"n": count},
            )
    return redirect("desk:findings-announcement", row.pk)


def _announcement(request: DeskRequest, pk: int) -> Announcement:
    return get_object_or_404(queries.announcements(request.scope), pk=pk)


def _announcement_page(
    request: DeskRequest, row: Announcement, refusal: Refused | None = None
) -> HttpResponse:
    draft = row.state == "draft"
    told = announce.receivers(row) if draft else []
    asked = request.GET
    return render(
        request,
        "desk/findings/announcement.html",
        {
            "row": row,
            "draft": draft,
            "refusal": refusal,
            "public": announce.public_words(row),
            "page": announce.page(row),
            "sample": told[0].text if told else "",
            "receivers": len(told),
            "unreached": pages.within(
                [one for one in told if one.why_not],
                lambda one: one.contributor.pk,
                after=asked.get("unreached", ""),
                size=SHOWN,
            ),
            "reached": sum(not one.why_not for one in told),
            "seen": announce.batch_hash(row, told).hex() if draft else "",
            "approves": draft
            and "announce.approve" in request.scope.verbs
            and row.written_by_id != request.user.pk,
            "progress": queries.progress(row),
            "tellings": pages.page(
                queries.tellings(row), queries.TELLINGS, after=asked.get("after", ""), size=TELLINGS
            ),
        },
        status=422 if refusal else 200,
    )


# --- the frame and Today ---


@shell.count("findings")
def waiting(scope: Scope, now: datetime) -> QuerySet[Recommendation]:
    return queries.to_decide(scope)


urlpatterns = [
    path("", listing, name="findings-list"),
    path("baru/", new, name="findings-new"),
    path("<int:pk>/", finding, name="findings-finding"),
    path("<int:pk>/rekomendasi/", recommending, name="findings-recommend"),
    path("<int:pk>/<slug:what>/", change, name="findings-change"),
    path("keputusan/<int:pk>/", decision, name="findings-decision"),
    path("keputusan/<int:pk>/putuskan/", decide, name="findings-decide"),
    path("keputusan/<int:pk>/selesai/", done, name="findings-done"),
    path("keputusan/<int:pk>/cetak/", brief, name="findings-brief"),
    path("kabar/", announcing, name="findings-announce"),
    path("kabar/<int:pk>/", announcement, name="findings-announcement"),
    path("kabar/<int:pk>/ubah/", announcing, name="findings-announce-change"),
    path("kabar/<int:pk>/setujui/", approve, name="findings-approve"),
    path("kabar/<int:pk>/kabari/", telling, name="findings-tell"),
]
