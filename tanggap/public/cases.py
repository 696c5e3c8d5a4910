"""Follow one's own report: the number shows the status, number and key together open the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django import forms
from django.core import signing
from django.db import connection
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from tanggap.core import clock
from tanggap.core.errors import Refused
from tanggap.core.models import Agency
from tanggap.core.scope import Scope, enter
from tanggap.execution.followup import cases, clocks, guesses, keys, sp4n
from tanggap.execution.followup.models import Case, Contributor, Evidence

SIGNED_FOR = timedelta(hours=1)
SALT = "tanggap evidence"
# State → (what a citizen is told, colour): few words, the same for everybody.
STATES = {
    "open": (_("Received, about to be assigned"), ""),
    "assigned": (_("Assigned to the unit"), ""),
    "in_progress": (_("Being worked on"), ""),
    "handed_over": (_("With the technical unit, waiting for its answer"), ""),
    "resolved": (_("Finished, please check"), "done"),
    "closed": (_("Finished"), "done"),
    "reopened": (_("Reopened, because a citizen said it is not fixed"), "due"),
}


class NumberForm(forms.Form):
    number = forms.CharField(
        label=_("Number of the report"),
        max_length=24,
        help_text=_("As in SKM-7Q4K. It is in our answer to your message."),
        widget=forms.TextInput(
            {"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )


class KeyForm(forms.Form):
    key = forms.CharField(
        label=_("Private key"),
        max_length=40,
        help_text=_("Twelve letters and digits from our private message."),
        widget=forms.TextInput(
            {"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )


class BelumForm(forms.Form):
    words = forms.CharField(
        label=_("What is not fixed yet?"),
        required=False,
        max_length=2000,
        widget=forms.Textarea({"rows": 3}),
    )


class StarsForm(forms.Form):
    stars = forms.ChoiceField(
        label=_("How satisfied are you?"),
        widget=forms.RadioSelect,
        choices=[
            (5, _("5, very satisfied")),
            (4, _("4, satisfied")),
            (3, _("3, fair")),
            (2, _("2, dissatisfied")),
            (1, _("1, very dissatisfied")),
        ],
    )


@contextmanager
def within(agency: Agency, *, write: bool = False) -> Iterator[None]:
    """One agency's rows and nothing else, in its own zone and in the reader's language."""
    ids = frozenset({agency.pk})
    with (
        enter(Scope(agency=agency, readable=ids, writable=ids if write else frozenset())),
        timezone.override(agency.zone),
    ):
        yield


def sender(request: HttpRequest) -> str:
    return request.META.get("REMOTE_ADDR", "") or "?"


@never_cache
def start(request: HttpRequest, agency: str) -> HttpResponse:
    """Type a number."""
    owner, now = get_object_or_404(Agency, slug=agency), clock.now()
    form = NumberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        number = keys.read_number(form.cleaned_data["number"])
        if "-" not in number:
            number = f"{owner.code}-{number}"
        try:
            return redirect("public:case", owner_of(number, sender(request), now).slug, number)
        except Refused as refusal:
            form.add_error("number", _lines(refusal))
    return render(
        request,
        "public/case_start.html",
        {"agency": owner, "form": form},
        status=422 if form.errors else 200,
    )


@never_cache
def case(request: HttpRequest, agency: str, number: str) -> HttpResponse:
    """The status for everybody; with the key, the rest."""
    get_object_or_404(Agency, slug=agency)
    now = clock.now()
    try:
        owner = owner_of(keys.read_number(number), sender(request), now)
    except Refused as refusal:
        return _refused(request, Agency.objects.get(slug=agency), refusal)
    with within(owner, write=request.method == "POST"):
        row = Case.objects.select_related("agency", "unit").get(number=keys.read_number(number))
        form, who, done = KeyForm(request.POST or None), None, ""
        page: dict[str, Any] = {}
        if request.method == "POST" and form.is_valid():
            try:
                who = _holder(row, form.cleaned_data["key"], sender(request), now)
                done, page = _act(request, who, now)
                row.refresh_from_db()
            except Refused as refusal:
                form.add_error("key", _lines(refusal))
        if not row.public and who is None:
            # A sealed report answers like one that needs its key; nothing else is told.
            page = {"sealed": True}
        words, tone = STATES[row.state]
        late = row.state in cases.OPEN and row.due_at < now
        response = render(
            request,
            "public/case.html",
            {
                "agency": owner,
                "case": row,
                "form": form,
                "who": who,
                "done": done,
                "words": words,
                "tone": "late" if late else tone,
                "late": late,
                "terms": _terms(row, now),
                "open": row.state in cases.OPEN,
                "key": form.data.get("key", "") if who else "",
                "belum": BelumForm(),
                "rating": StarsForm(),
                "photos": _photos(row, everything=who is not None),
                "own": sp4n.masked(who.item) if who else "",
                **page,
            },
            status=422 if form.errors else 200,
        )
    return response


def _act(request: HttpRequest, who: Contributor, now: Any) -> tuple[str, dict[str, Any]]:
    if "belum" in request.POST:
        form = BelumForm(request.POST)
        if form.is_valid():
            cases.not_fixed(who, words=form.cleaned_data["words"], now=now)
            return gettext(
                "Thank you for telling us. The report is open again, and its deadlines run anew."
            ), {}
    if "rate" in request.POST:
        rating = StarsForm(request.POST)
        if not rating.is_valid():
            return "", {"rating": rating}
        cases.rate(who, int(rating.cleaned_data["stars"]), now=now)
        who.refresh_from_db()
        return gettext("Thank you, your rating is recorded."), {}
    return "", {}


def owner_of(number: str, who: str, now: Any) -> Agency:
    """The agency of a number. Raises Refused: unknown, or guessed too often."""
    guesses.allow("number", who, now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT followup_case_agency(%s)", [number])
        found = cursor.fetchone()[0]
    if found is None:
        guesses.wrong("number", who, now)
        raise Refused(
            gettext("We do not find this number."),
            gettext("It may be mistyped."),
            gettext("Look it up once more in our answer to your message."),
        )
    return Agency.objects.get(pk=found)


def _holder(row: Case, typed: str, who: str, now: Any) -> Contributor:
    guesses.allow("key", who, now)
    found = (
        Contributor.objects.filter(case=row, key_hash=keys.hash_key(typed))
        .select_related("item", "conversation", "author", "case__agency")
        .first()
    )
    if found is None:
        guesses.wrong("key", who, now)
        raise Refused(
            gettext("This key does not fit this number."),
            gettext("Each key opens one report only."),
            gettext("Copy it once more from our private message."),
        )
    return found


def _terms(row: Case, now: Any) -> list[dict[str, Any]]:
    language = translation.get_language() or "id"
    found = []
    for one in row.clocks.order_by("due_at", "pk"):
        rule = clocks.rule_of(one)
        if rule.ends != "resolved" or (
            one.kept_at
            and one.kept_at > one.due_at
            and row.reopened_count
            and one.started_at < row.opened_at
        ):
            continue
        if one.kept_at is not None and row.state in cases.OPEN:
            continue
        found.append(
            {
                "says": rule.says(language),
                "law": rule.law,
                "due_at": one.due_at,
                "late": (one.kept_at or now) > one.due_at,
                "kept": one.kept_at,
                "days": one.amount + one.extended_days,
                "extended": one.extension_reason,
            }
        )
    return found


def _photos(row: Case, *, everything: bool) -> dict[str, Any]:
    """The newest pair, with addresses that a stranger cannot make up."""
    rows = row.photos.select_related("media").order_by("-pk")
    if not everything:
        rows = rows.filter(public=True)
    found: dict[str, Any] = {}
    for one in rows:
        found.setdefault(
            one.when,
            {"url": photo_url(one), "alt": one.caption, "at": one.taken_on or one.given_at},
        )
    return found


def photo_url(one: Evidence) -> str:
    signed = signing.dumps([one.agency_id, one.pk], salt=SALT)
    return f"/bukti/{signed}.jpg"


def photo(request: HttpRequest, signed: str) -> FileResponse:
    """A photo of a report, for whoever was given its address within the last hour, or public."""
    try:
        agency_id, pk = signing.loads(signed, salt=SALT)
        fresh = True
        try:
            signing.loads(signed, salt=SALT, max_age=SIGNED_FOR)
        except signing.SignatureExpired:
            fresh = False
    except signing.BadSignature:
        raise Http404 from None
    ids = frozenset({agency_id})
    with enter(Scope(readable=ids)):
        found = Evidence.objects.filter(pk=pk).select_related("media").first()
        if found is None or not (fresh or found.public):
            raise Http404
        file = found.media.file.open("rb")
    response = FileResponse(file, content_type="image/jpeg")
    response["Cache-Control"] = "private, max-age=3600"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _refused(request: HttpRequest, agency: Agency, refusal: Refused) -> HttpResponse:
    return render(
        request,
        "public/case_start.html",
        {"agency": agency, "form": NumberForm(), "refusal": refusal},
        status=404,
    )


def _lines(refusal: Refused) -> str:
    return "\n".join(str(one) for one in (refusal.what, refusal.why, refusal.next) if one)


urlpatterns = [
    path("<slug:agency>/lapor/", start, name="case-start"),
    path("<slug:agency>/lapor/<str:number>/", case, name="case"),
    path("bukti/<str:signed>.jpg", photo, name="photo"),
]
