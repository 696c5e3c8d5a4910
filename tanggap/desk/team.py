"""Team: who works here, by which decree, until when; invite, change, name a deputy, end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tanggap.activities.models import Activity
from tanggap.core import pages
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Invitation, Membership
from tanggap.core.roles import DEPUTY, ROLES, SECOND_FACTOR, VERBS
from tanggap.core.scope import Scope, enter, scoped
from tanggap.desk import today
from tanggap.desk.door import desk
from tanggap.desk.forms import refuse
from tanggap.desk.words import word
from tanggap.execution.followup.models import Case
from tanggap.execution.inbox.models import Conversation
from tanggap.office import appoint, letter
from tanggap.office.end import end as end_membership
from tanggap.office.invite import invite as send_invitation
from tanggap.office.invite import withdraw

PAGE = 50
BY_NAME = ("person__name", "pk")
ENDS_SOON = timedelta(days=30)
STATES = ("active", "left")


class DecreeForm(forms.Form):
    """What a decree says of a person."""

    role = forms.ChoiceField(label=_("Role"))
    unit = forms.ModelChoiceField(
        label=_("Unit"),
        queryset=Agency.objects.none(),
        required=False,
        help_text=_("For a technical unit's officer: they see their own unit's work only."),
    )
    decree_number = forms.CharField(
        label=_("Decree number (SK)"),
        max_length=120,
        help_text=_("The decree that appoints them, as in 800/123/Diskominfo/2026."),
    )
    valid_from = forms.DateField(
        label=_("First day"),
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
    )
    valid_until = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
        help_text=_("Leave empty if the decree names none."),
    )

    def __init__(self, scope: Scope, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(role, word(role, "role")) for role in ROLES]
        self.fields["unit"].queryset = Agency.objects.filter(
            pk__in=scope.readable, autonomous=False
        ).order_by("name")
        self.fields["unit"].empty_label = gettext("No unit")


class InviteForm(DecreeForm):
    name = forms.CharField(label=_("Name"), max_length=150)
    email = forms.EmailField(
        label=_("E-mail address"),
        help_text=_("They sign in with it. Prefer an official one."),
    )
    field_order = ("name", "email", "role", "unit", "decree_number", "valid_from", "valid_until")


class DeputyForm(forms.Form):
    until = forms.DateTimeField(
        label=_("Deputy until"),
        widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%d/%m/%Y %H.%M"],
    )


@desk("people.read")
def listing(request: HttpRequest) -> HttpResponse:
    scope, now = request.scope, request.now
    state = request.GET.get("state", "")
    state = state if state in STATES else "active"
    rows = members(scope, state, request.GET.get("q", "").strip())
    page = pages.page(rows, BY_NAME, after=request.GET.get("after", ""), size=PAGE)
    having = with_second_factor(page.rows)
    everyone = list(members(scope, "active"))
    return render(
        request,
        "desk/team/list.html",
        {
            "people": [about(row, row.person_id in having, now) for row in page.rows],
            "page": page,
            "state": state,
            "q": request.GET.get("q", ""),
            "now": now,
            "active": len(everyone),
            "left": members(scope, "left").count(),
            "findings": findings(everyone, now),
            "invitations": pages.page(
                scoped(Invitation, scope)
                .filter(
                    accepted_at=None, withdrawn_at=None, expires_at__gt=now - timedelta(days=14)
                )
                .select_related("unit", "invited_by"),
                after=request.GET.get("invited", ""),
                size=PAGE,
            ),
        },
    )


@desk("people.write", network=True)
def invite(request: HttpRequest) -> HttpResponse:
    scope, now = request.scope, request.now
    with enter(scope):
        form = InviteForm(
            scope, request.POST or None, initial={"valid_from": timezone.localtime(now).date()}
        )
        if request.method != "POST" or not form.is_valid():
            return page_of(request, "desk/team/invite.html", form)
    try:
        with enter(scope):
            invitation, token = send_invitation(
                scope.agency, by=scope.person, now=now, **form.cleaned_data
            )
    except Refused as refusal:
        refuse(form, refusal)
        with enter(scope):
            return page_of(request, "desk/team/invite.html", form)
    # The mail server is a network: it is asked after the invitation is safely kept.
    link = settings.PUBLIC_URL + reverse("desk:join", args=[token])
    role = word(invitation.role, "role")
    sent = letter.post(invitation, link, role)
    with enter(scope):
        return render(
            request,
            "desk/team/invited.html",
            {
                "invitation": invitation,
                "link": link,
                "sent": sent,
                "whatsapp": letter.for_whatsapp(invitation, link, role),
            },
        )


@desk("people.write")
@require_POST
def withdraw_invitation(request: HttpRequest, pk: int) -> HttpResponse:
    invitation = scoped(Invitation, request.scope).filter(pk=pk).first()
    if invitation is None:
        raise Http404
    withdraw(invitation, by=request.scope.person, now=request.now)
    messages.success(
        request,
        gettext("The invitation of %(name)s no longer works.") % {"name": invitation.name},
    )
    return redirect("desk:team-list")


@desk("people.write")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    row = one(request, pk)
    form = DecreeForm(
        request.scope,
        request.POST or None,
        initial={
            "role": row.role,
            "unit": row.unit_id,
            "decree_number": row.decree_number,
            "valid_from": row.valid_from,
            "valid_until": row.valid_until,
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            appoint.change(row, by=request.scope.person, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(
                request, gettext("The appointment of %(name)s is saved.") % {"name": row.person}
            )
            return redirect("desk:team-list")
    return page_of(request, "desk/team/edit.html", form, row)


@desk("people.write")
def deputy(request: HttpRequest, pk: int) -> HttpResponse:
    row = one(request, pk)
    form = DeputyForm(request.POST or None, initial={"until": row.deputy_until})
    if request.method == "POST" and "relieve" in request.POST:
        appoint.relieve(row, by=request.scope.person, now=request.now)
        messages.success(request, gettext("%(name)s is no longer a deputy.") % {"name": row.person})
        return redirect("desk:team-list")
    if request.method == "POST" and form.is_valid():
        try:
            appoint.deputize(
                row, form.cleaned_data["until"], by=request.scope.person, now=request.now
            )
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, gettext("%(name)s is a deputy now.") % {"name": row.person})
            return redirect("desk:team-list")
    verbs = [word(verb, "verb") for verb in VERBS if verb in DEPUTY]
    return page_of(request, "desk/team/deputy.html", form, row, verbs=verbs)


@desk("people.write")
def end(request: HttpRequest, pk: int) -> HttpResponse:
    row = one(request, pk)
    work = open_work(request.scope, row)
    refusal = None
    if request.method == "POST":
        try:
            ended = end_membership(row, by=request.scope.person, now=request.now)
        except Refused as refused:
            refusal = refused
        else:
            messages.success(
                request,
                gettext("%(name)s can no longer open this desk; %(sessions)s sign-ins were closed.")
                % {"name": row.person, "sessions": ended.sessions},
            )
            for words, _href in work:
                messages.warning(
                    request, gettext("Still in their name: %(work)s.") % {"work": words}
                )
            return redirect("desk:team-list")
    return render(
        request,
        "desk/team/end.html",
        {"row": row, "work": work, "refusal": refusal},
        status=422 if refusal else 200,
    )


# --- what the pages ask ------------------------------------------------------------------------


def members(scope: Scope, state: str, q: str = "") -> QuerySet[Membership]:
    """Memberships of the agency, by name. `left` are those that were ended."""
    rows = scoped(Membership, scope).filter(ended_at__isnull=state == "active")
    if q:
        rows = rows.filter(
            Q(person__name__icontains=q)
            | Q(person__email__icontains=q)
            | Q(decree_number__icontains=q)
        )
    return rows.select_related("person", "unit", "agency").order_by(*BY_NAME)


def with_second_factor(rows: list[Membership]) -> set[int]:
    """Ids of the people who have a TOTP app or a passkey."""
    strong = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    people = [row.person_id for row in rows]
    return set(
        Authenticator.objects.filter(user__in=people, type__in=strong).values_list(
            "user_id", flat=True
        )
    )


def needs_second_factor(row: Membership, now: datetime) -> bool:
    """True when the role, or a deputyship in force, holds a verb that demands one."""
    verbs = {verb for verb in SECOND_FACTOR if row.role in VERBS[verb]}
    if row.deputy_until is not None and now < row.deputy_until:
        verbs |= SECOND_FACTOR & DEPUTY
    return bool(verbs)


def about(row: Membership, strong: bool, now: datetime) -> dict[str, Any]:
    """One line of the list: the membership and what somebody should notice about it."""
    today = appoint.today(row.agency, now)
    return {
        "row": row,
        "strong": strong,
        "needs": not strong and row.ended_at is None and needs_second_factor(row, now),
        "deputy": row.deputy_until is not None and now < row.deputy_until,
        "over": row.ended_at is None and appoint.is_over(row, now),
        "soon": row.ended_at is None and ends_soon(row, now),
        "later": row.ended_at is None and row.valid_from > today,
    }


def ends_soon(row: Membership, now: datetime) -> bool:
    today = appoint.today(row.agency, now)
    return row.valid_until is not None and today <= row.valid_until <= today + ENDS_SOON


def findings(everyone: list[Membership], now: datetime) -> list[str]:
    """The title: what is wrong first, and how many people work here."""
    having = with_second_factor(everyone)
    over = sum(appoint.is_over(row, now) for row in everyone)
    soon = sum(ends_soon(row, now) for row in everyone)
    bare = sum(row.person_id not in having and needs_second_factor(row, now) for row in everyone)
    told = []
    if over:
        told.append(
            ngettext("%(n)d decree has run out", "%(n)d decrees have run out", over) % {"n": over}
        )
    if soon:
        told.append(
            ngettext("%(n)d decree ends within 30 days", "%(n)d decrees end within 30 days", soon)
            % {"n": soon}
        )
    if bare:
        told.append(
            ngettext(
                "%(n)d person lacks a second factor", "%(n)d people lack a second factor", bare
            )
            % {"n": bare}
        )
    return told or [
        ngettext(
            "%(n)d person works here, all in order",
            "%(n)d people work here, all in order",
            len(everyone),
        )
        % {"n": len(everyone)}
    ]


def open_work(scope: Scope, row: Membership) -> list[tuple[str, str]]:
    """What is still in a person's name: (words with a count, where to see it)."""
    person = row.person
    counted = (
        (
            scoped(Conversation, scope).filter(assigned_to=person).exclude(state="quiet").count(),
            lambda n: ngettext("%(n)d conversation", "%(n)d conversations", n),
        ),
        (
            scoped(Case, scope).filter(assigned_to=person).exclude(state="closed").count(),
            lambda n: ngettext("%(n)d open report", "%(n)d open reports", n),
        ),
        (
            scoped(Activity, scope).filter(person_in_charge=person).count(),
            lambda n: ngettext("%(n)d activity on the agenda", "%(n)d activities on the agenda", n),
        ),
    )
    return [(words(n) % {"n": n}, "") for n, words in counted if n]


def one(request: HttpRequest, pk: int) -> Membership:
    row = members(request.scope, "active").filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


def page_of(
    request: HttpRequest,
    template: str,
    form: forms.Form,
    row: Membership | None = None,
    **more: Any,
) -> HttpResponse:
    status = 422 if form.is_bound and form.errors else 200
    context = {"form": form, "row": row, "now": request.now, **more}
    return render(request, template, context, status=status)


@today.section(order=90)
def decrees(scope: Scope, now: datetime) -> today.Section | None:
    """Decrees that end within 30 days or have run out, for whoever may renew them."""
    if scope.agency is None or not scope.may("people.write"):
        return None
    if "ending" not in today.standing(scope, now):
        return None
    last = appoint.today(scope.agency, now) + ENDS_SOON
    rows = list(members(scope, "active").filter(valid_until__lte=last)[:5])
    if not rows:
        return None
    return today.Section(
        gettext("Decrees that end"),
        href=reverse("desk:team-list"),
        link=gettext("Team"),
        rows=[
            today.Row(
                row.person.name,
                reverse("desk:team-edit", args=[row.pk]),
                text=word(row.role, "role"),
                pills=[
                    ("late", gettext("has run out"))
                    if appoint.is_over(row, now)
                    else ("due", gettext("ends within 30 days"))
                ],
            )
            for row in rows
        ],
    )


urlpatterns = [
    path("", listing, name="team-list"),
    path("undang/", invite, name="team-invite"),
    path("undangan/<int:pk>/tarik/", withdraw_invitation, name="team-withdraw"),
    path("<int:pk>/", edit, name="team-edit"),
    path("<int:pk>/wakil/", deputy, name="team-deputy"),
    path("<int:pk>/akhiri/", end, name="team-end"),
]
