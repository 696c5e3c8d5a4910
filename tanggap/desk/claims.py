"""The clarification desk (Meja klarifikasi): doubtful news, evidence, verdict, correction."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tanggap.accounts.queries import usable
from tanggap.core import pages
from tanggap.core.errors import Refused
from tanggap.core.models import Agency
from tanggap.core.scope import Scope, scoped
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.forms import refuse
from tanggap.desk.inbox import shown
from tanggap.execution.inbox import claims, queries, reply
from tanggap.execution.inbox.models import Claim, Item
from tanggap.execution.inbox.tables import verdicts, words
from tanggap.messaging.models import Message

PAGE, PLACES = 50, 20
NEWEST = ("-edited_at", "-pk")


class NoticeForm(forms.Form):
    text = forms.CharField(
        label=_("The claim, in one sentence, as it circulates"),
        max_length=500,
        widget=forms.Textarea({"rows": 2}),
    )
    unit = forms.ModelChoiceField(
        label=_("Unit responsible for the matter"), queryset=Agency.objects.none(), required=False
    )

    def __init__(self, scope: Scope, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["unit"].queryset = Agency.objects.filter(  # type: ignore[attr-defined]
            pk__in=scope.readable
        ).order_by("short_name")


class EvidenceForm(forms.Form):
    use_required_attribute = False
    title = forms.CharField(label=_("What is it?"), max_length=200)
    url = forms.URLField(label=_("Address of the page"), required=False, assume_scheme="https")
    document = forms.CharField(
        label=_("Number of the unit's document"), required=False, max_length=200
    )
    quote = forms.CharField(
        label=_("What it says"), required=False, widget=forms.Textarea({"rows": 2})
    )


class VerdictForm(forms.Form):
    use_required_attribute = False
    verdict = forms.ChoiceField(label=_("Verdict"), widget=forms.RadioSelect)
    explanation = forms.CharField(
        label=_("What is true, with its source"), widget=forms.Textarea({"rows": 4})
    )
    factual = forms.BooleanField(
        label=_("This is a claim of fact, not opinion or criticism"), required=False
    )
    publish = forms.BooleanField(label=_("Show on the public clarifications page"), required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["verdict"].choices = [  # type: ignore[attr-defined]
            (row["code"], words(row)) for row in verdicts()["verdicts"]
        ]


@desk("claim.write")
def listing(request: DeskRequest) -> HttpResponse:
    found = queries.claims(request.scope)
    page = pages.page(found, queries.CLAIMS, after=request.GET.get("after", ""), size=PAGE)
    count = scoped(Claim, request.scope).filter(state__in=queries.CLAIM_OPEN).count()
    return render(
        request,
        "desk/claims/list.html",
        {
            "rows": page.rows,
            "page": page,
            "finding": ngettext(
                "%(n)d claim waits for evidence or a verdict",
                "%(n)d claims wait for evidence or a verdict",
                count,
            )
            % {"n": count}
            if count
            else gettext("No doubtful news is open"),
        },
    )


@desk("claim.write")
def new(request: DeskRequest) -> HttpResponse:
    pk = request.GET.get("item", "")
    item = (
        scoped(Item, request.scope)
        .select_related("conversation", "author")
        .filter(pk=int(pk), conversation__sealed=False)
        .first()
        if pk.isascii() and pk.isdigit() and len(pk) < 12
        else None
    )
    form = NoticeForm(request.scope, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = claims.notice(
                request.agency,
                by=request.user,
                now=request.now,
                items=[item] if item else [],
                **form.cleaned_data,
            )
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, gettext("Noted. Now gather evidence."))
            return redirect("desk:claims-one", row.pk)
    return render(
        request,
        "desk/claims/new.html",
        {"form": form, "item": item, "name": shown.name_of(item.author) if item else ""},
        status=422 if form.errors else 200,
    )


@desk("claim.write")
def one(request: DeskRequest, pk: int) -> HttpResponse:
    return show(request, find(request, pk))


@require_POST
@desk("claim.write")
def evidence(request: DeskRequest, pk: int) -> HttpResponse:
    row, form = find(request, pk), EvidenceForm(request.POST)
    if form.is_valid():
        try:
            claims.add_evidence(row, by=request.user, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, gettext("The source is added."))
            return redirect("desk:claims-one", pk)
    return show(request, row, evidence_form=form, status=422)


@require_POST
@desk("claim.decide")
def decide(request: DeskRequest, pk: int) -> HttpResponse:
    row, form = find(request, pk), VerdictForm(request.POST)
    if form.is_valid():
        try:
            claims.decide(row, by=request.user, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, gettext("Decided. Correct it where it stands."))
            return redirect("desk:claims-one", pk)
    return show(request, row, verdict_form=form, status=422)


@require_POST
@desk("claim.write")
def drop(request: DeskRequest, pk: int) -> HttpResponse:
    claims.drop(find(request, pk), by=request.user, now=request.now)
    messages.success(request, gettext("Dropped, without a verdict."))
    return redirect("desk:claims-list")


@require_POST
@desk("inbox.write")
def correct(request: DeskRequest, pk: int) -> HttpResponse:
    """Answer one place where it stands."""
    row = find(request, pk)
    item = (
        row.items.select_related("conversation", "author", "account")
        .filter(pk=request.POST.get("item") or 0, conversation__sealed=False)
        .first()
    )
    if item is None:
        raise Http404
    try:
        made = claims.correct(
            row, item, request.POST.get("text", ""), by=request.user, now=request.now
        )
    except Refused as refusal:
        return show(request, row, refusal=refusal, typed=request.POST.get("text", ""), status=422)
    messages.success(
        request,
        gettext("The answer is on its way.")
        if made.state == "released"
        else gettext("The answer waits for a second person."),
    )
    return redirect("desk:claims-one", pk)


@require_POST
@desk("message.write")
def post(request: DeskRequest, pk: int) -> HttpResponse:
    """A post that corrects it: a new draft, or one that is being written or is out already."""
    row, chosen = find(request, pk), request.POST.get("message", "")
    try:
        if chosen.isascii() and chosen.isdigit() and len(chosen) < 12:
            found = posts(request.scope, row).filter(pk=int(chosen)).first()
            if found is None:
                raise Refused(
                    gettext("No post was linked."),
                    gettext("It is not among yours."),
                    gettext("Choose one of the list."),
                )
            claims.choose_post(row, found, by=request.user, now=request.now)
            messages.success(request, gettext("Linked. The claim is corrected when it is out."))
            return redirect("desk:claims-one", pk)
        made = claims.draft_post(
            row, by=request.user, now=request.now, accounts=list(usable(request.scope))
        )
    except Refused as refusal:
        return show(request, row, refusal=refusal, status=422)
    messages.success(request, gettext("A draft is ready. Read it, then ask for approval."))
    return redirect("desk:messaging-one", made.pk)


def posts(scope: Scope, row: Claim) -> QuerySet[Message]:
    """Posts of the claim's agency that may correct it, newest first."""
    return scoped(Message, scope).filter(agency=row.agency_id).order_by(*NEWEST)


def find(request: DeskRequest, pk: int) -> Claim:
    row = (
        scoped(Claim, request.scope)
        .select_related("unit", "decided_by", "agency", "message", "correction")
        .filter(pk=pk)
        .first()
    )
    if row is None:
        raise Http404
    return row


def show(
    request: DeskRequest,
    row: Claim,
    *,
    evidence_form: EvidenceForm | None = None,
    verdict_form: VerdictForm | None = None,
    refusal: Refused | None = None,
    typed: str = "",
    status: int = 200,
) -> HttpResponse:
    asked = request.GET
    stands = pages.page(
        row.items.select_related("author", "account").filter(conversation__sealed=False),
        ("pk",),
        after=asked.get("places", ""),
        size=PLACES,
    )
    fitting = pages.page(
        posts(request.scope, row), NEWEST, after=asked.get("posts", ""), size=PLACES
    )
    corrections = list(row.corrections.filter(item__in=stands.rows))
    places = [
        {
            "item": item,
            "name": shown.name_of(item.author),
            "replies": [
                (one, reply.state_of(one)) for one in corrections if one.item_id == item.pk
            ],
        }
        for item in stands.rows
    ]
    return render(
        request,
        "desk/claims/one.html",
        {
            "row": row,
            "places": places,
            "stands": stands,
            "sources": row.sources.select_related("added_by"),
            "enough": claims.enough(row),
            "evidence_form": evidence_form or EvidenceForm(),
            "verdict_form": verdict_form or VerdictForm(),
            "refusal": refusal,
            "typed": typed or claims.told(row),
            "may_decide": request.scope.may("claim.decide"),
            "may_post": request.scope.may("message.write")
            and row.state in ("decided", "corrected"),
            "posts": fitting,
            "public_href": reverse("public:clarification", args=[row.agency.slug, row.pk])
            if row.published
            else "",
            "may_answer": request.scope.may("inbox.write"),
            "open": row.state in queries.CLAIM_OPEN,
        },
        status=status,
    )


urlpatterns = [
    path("", listing, name="claims-list"),
    path("baru/", new, name="claims-new"),
    path("<int:pk>/", one, name="claims-one"),
    path("<int:pk>/bukti/", evidence, name="claims-evidence"),
    path("<int:pk>/putusan/", decide, name="claims-decide"),
    path("<int:pk>/hentikan/", drop, name="claims-drop"),
    path("<int:pk>/konten/", post, name="claims-post"),
    path("<int:pk>/luruskan/", correct, name="claims-correct"),
]
