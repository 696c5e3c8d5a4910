"""Official accounts: the registry and its health; register, connect, verify, pause, retire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tanggap.accounts import connect, pause, queries, registry, verify
from tanggap.accounts.models import Account
from tanggap.core import pages
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Membership, Person
from tanggap.core.scope import Scope, enter, scoped
from tanggap.desk import shell, today
from tanggap.desk.asked import searched
from tanggap.desk.door import desk
from tanggap.desk.forms import refuse
from tanggap.desk.words import word
from tanggap.execution.publishing.queries import waiting_for

PAGE = 25


class AccountForm(forms.Form):
    """What the registry says of an account."""

    display_name = forms.CharField(label=_("Name of the account"), max_length=200)
    handle = forms.CharField(
        label=_("User name"),
        max_length=200,
        help_text=_("As people see it there, as in @diskominfo."),
    )
    url = forms.URLField(
        label=_("Address of its page"), required=False, assume_scheme="https", max_length=500
    )
    kind = forms.ChoiceField(label=_("Kind"))
    owner_unit = forms.ModelChoiceField(label=_("Owner"), queryset=Agency.objects.none())
    decree_number = forms.CharField(
        label=_("Decree number (SK)"),
        max_length=120,
        help_text=_("The decree that names this account as official."),
    )
    person_in_charge = forms.ModelChoiceField(
        label=_("Person in charge"), queryset=Person.objects.none(), required=False
    )
    opened_on = forms.DateField(
        label=_("Opened on"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    recovery_contact = forms.CharField(
        label=_("Recovery contact"),
        max_length=200,
        help_text=_(
            "An office e-mail address or telephone number at which the network can reach you."
        ),
    )
    custodian_1 = forms.ModelChoiceField(
        label=_("First custodian"),
        queryset=Person.objects.none(),
        help_text=_("Two people who can get the account back if it is lost."),
    )
    custodian_2 = forms.ModelChoiceField(
        label=_("Second custodian"), queryset=Person.objects.none()
    )
    listed = forms.BooleanField(
        label=_("Show it on the public list of official accounts"), required=False
    )

    def __init__(self, scope: Scope, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members = scoped(Membership, scope).filter(ended_at=None)
        people = Person.objects.filter(pk__in=members.values("person")).order_by("name")
        for name in ("person_in_charge", "custodian_1", "custodian_2"):
            self.fields[name].queryset = people
            self.fields[name].empty_label = gettext("Choose a person")
        self.fields["owner_unit"].queryset = Agency.objects.filter(pk__in=scope.readable).order_by(
            "name"
        )
        self.fields["owner_unit"].empty_label = None
        self.fields["kind"].choices = [
            (code, word(code, "account_kind")) for code in Account.Kind.values
        ]

    def values(self) -> dict[str, Any]:
        """For registry.register and .edit."""
        found = dict(self.cleaned_data)
        custodians = [found.pop("custodian_1"), found.pop("custodian_2")]
        return {**found, "custodians": custodians}


class RegisterForm(AccountForm):
    place = forms.ChoiceField(
        label=_("Where it is"),
        help_text=_("Connected networks publish by themselves; elsewhere a person posts by hand."),
    )
    server = forms.URLField(
        label=_("Server address"),
        required=False,
        assume_scheme="https",
        max_length=300,
        help_text=_(
            "Only for a network of many servers, as in https://sosial.example. "
            "Leave it empty where the network has a usual one and the account lives there."
        ),
    )
    field_order = ("place", "server")

    def __init__(self, scope: Scope, *args: Any, **kwargs: Any) -> None:
        super().__init__(scope, *args, **kwargs)
        self.fields["place"].choices = [
            (
                code,
                gettext("%(place)s, by hand") % {"place": gettext(name)}
                if by_hand
                else gettext(name),
            )
            for code, name, by_hand in connect.places()
        ]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        asked = connect.server_of(found["place"].partition(":")[0]) if found.get("place") else None
        if asked is not None and not found.get("server"):
            found["server"] = asked.default
        if asked is not None and not found["server"]:
            self.add_error(
                "server",
                "\n".join(
                    [
                        gettext("The server's address is missing."),
                        gettext(
                            "This network has many servers, and an account lives on one of them."
                        ),
                        gettext("Write it as in https://sosial.example."),
                    ]
                ),
            )
        return found

    def values(self) -> dict[str, Any]:
        found = super().values()
        channel, _sign, preset = found.pop("place").partition(":")
        server = "" if preset else found.pop("server", "").rstrip("/")
        found.pop("server", None)
        return {**found, "channel": channel, "preset": preset, "server": server}


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea({"rows": 2}))


@desk("account.read")
def listing(request: HttpRequest) -> HttpResponse:
    scope, now, asked = request.scope, request.now, request.GET
    state = asked.get("state", "") if asked.get("state") in queries.STATES else ""
    page = pages.page(
        queries.accounts(scope, state=state, text=searched(asked)),
        ("pk",),
        after=asked.get("after", ""),
        size=PAGE,
    )
    every = queries.accounts(scope)
    counts = {name: every.filter(state=name).count() for name in queries.STATES}
    return render(
        request,
        "desk/accounts/list.html",
        {
            "title": title(counts),
            "state": state,
            "q": asked.get("q", ""),
            "tabs": [(name, counts[name]) for name in queries.STATES],
            "total": sum(counts.values()),
            "cards": [(row, queries.health(row, now), connect.place_of(row)) for row in page.rows],
            "page": page,
        },
    )


def title(counts: dict[str, int]) -> str:
    if counts["paused"]:
        return ngettext(
            "%(n)d official account is paused.",
            "%(n)d official accounts are paused.",
            counts["paused"],
        ) % {"n": counts["paused"]}
    if counts["registered"]:
        return ngettext(
            "%(n)d official account is not connected yet.",
            "%(n)d official accounts are not connected yet.",
            counts["registered"],
        ) % {"n": counts["registered"]}
    if counts["connected"]:
        return ngettext(
            "%(n)d official account, all is well.",
            "%(n)d official accounts, all is well.",
            counts["connected"],
        ) % {"n": counts["connected"]}
    return gettext("No official account is registered yet.")


def find(request: HttpRequest, pk: int) -> Account:
    row = queries.accounts(request.scope).filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


@desk("account.read")
def one(request: HttpRequest, pk: int) -> HttpResponse:
    return show(request, find(request, pk))


def show(
    request: HttpRequest,
    row: Account,
    *,
    refusal: Refused | None = None,
    pausing: forms.Form | None = None,
    retiring: forms.Form | None = None,
    status: int = 200,
) -> HttpResponse:
    credential = queries.current(row)
    expires_at = credential.expires_at if credential else None
    return render(
        request,
        "desk/accounts/one.html",
        {
            "row": row,
            "health": queries.health(row, request.now, expires_at),
            "credential": credential,
            "refusal": refusal,
            "limits": connect.limits(row),
            "by_hand": connect.by_hand(row),
            "queue": waiting_for(row.pk).count(),
            "may": request.scope.may("account.connect"),
            "pausing": pausing or ReasonForm(prefix="pause"),
            "retiring": retiring or ReasonForm(prefix="retire"),
            "place": connect.place_of(row),
        },
        status=status,
    )


@desk("account.connect")
def register(request: HttpRequest) -> HttpResponse:
    form = RegisterForm(
        request.scope,
        request.POST or None,
        initial={"listed": True, "owner_unit": request.agency.pk},
    )
    if request.method == "POST" and form.is_valid():
        try:
            row = registry.register(
                request.agency, by=request.scope.person, now=request.now, **form.values()
            )
            messages.success(request, gettext("The account is on the list. Now connect it."))
            return redirect("desk:accounts-connect", row.pk)
        except Refused as refusal:
            refuse(form, refusal)
    return render(
        request,
        "desk/accounts/form.html",
        {"form": form, "row": None},
        status=422 if form.errors else 200,
    )


@desk("account.connect")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    row = find(request, pk)
    held = [*(one.person_id for one in row.custodians.all()), None, None]
    form = AccountForm(
        request.scope,
        request.POST or None,
        initial={
            **{
                name: getattr(row, name)
                for name in registry.EDITABLE
                if name not in ("owner_unit", "person_in_charge")
            },
            "owner_unit": row.owner_unit_id,
            "person_in_charge": row.person_in_charge_id,
            "custodian_1": held[0],
            "custodian_2": held[1],
            "server": row.server,
        },
    )
    if row.server and row.state == "registered":
        form.fields["server"] = forms.URLField(
            label=_("Server address"), assume_scheme="https", max_length=300
        )
    if request.method == "POST" and form.is_valid():
        try:
            registry.edit(row, by=request.scope.person, now=request.now, **form.values())
            messages.success(request, gettext("The list was changed."))
            return redirect("desk:accounts-one", pk)
        except Refused as refusal:
            refuse(form, refusal)
    return render(
        request,
        "desk/accounts/form.html",
        {"form": form, "row": row},
        status=422 if form.errors else 200,
    )


# --- connect --------------------------------------------------------------------------------------


def token_form(row: Account, data: Any = None) -> forms.Form:
    """The fields that the channel asks for, as a form."""
    form = forms.Form(data)
    for setting in connect.fields(row):
        if setting.name in ("preset", "handle", "url"):
            continue
        form.fields[setting.name] = forms.CharField(
            label=gettext(setting.label),
            help_text=gettext(setting.help) if setting.help else "",
            required=setting.required,
            max_length=2000,
            widget=forms.PasswordInput({"autocomplete": "off"})
            if setting.kind == "secret"
            else forms.TextInput(),
        )
    return form


def back_to() -> str:
    return settings.PUBLIC_URL + reverse("desk:accounts-callback")


@desk("account.connect", network=True)
def connecting(request: HttpRequest, pk: int) -> HttpResponse:
    """Two ways in: the network's own page in the browser, or a token that an operator brings."""

    def within() -> Any:
        return enter(request.scope)

    with within():
        row = find(request, pk)
        form = token_form(row, request.POST if request.POST.get("way") == "token" else None)
    address, refusal = "", None
    if request.method == "POST":
        try:
            if request.POST.get("way") == "browser":
                address = connect.begin(
                    row,
                    redirect_uri=back_to(),
                    by=request.scope.person,
                    now=request.now,
                    within=within,
                )
            elif not form.is_bound or form.is_valid():
                secret = {
                    k: v for k, v in (form.cleaned_data if form.is_bound else {}).items() if v
                }
                if form.fields and not secret:
                    raise Refused(
                        gettext("The account was not connected."),
                        gettext("The token is missing."),
                        gettext("Paste it, or authorise in the browser."),
                    )
                connect.connect(
                    row, secret, by=request.scope.person, now=request.now, within=within
                )
                messages.success(request, gettext("The account is connected."))
                return redirect("desk:accounts-one", pk)
        except Refused as error:
            refusal = error
    with within():
        return render(
            request,
            "desk/accounts/connect.html",
            {
                "row": row,
                "form": form,
                "address": address,
                "refusal": refusal,
                "host": connect.host_of(row),
                "by_hand": connect.by_hand(row),
                "by_browser": connect.by_browser(row),
                "secret": any(one.kind == "secret" for one in connect.fields(row)),
            },
            status=422 if refusal or form.errors else 200,
        )


@desk("account.connect", network=True)
def callback(request: HttpRequest) -> HttpResponse:
    """The officer comes back from the network's page."""
    try:
        row = connect.finish(
            state=request.GET.get("state", "")[:200],
            code=request.GET.get("code", "")[:2000],
            redirect_uri=back_to(),
            by=request.scope.person,
            now=request.now,
            within=lambda: enter(request.scope),
        )
    except Refused as refusal:
        with enter(request.scope):
            return render(request, "desk/accounts/callback.html", {"refusal": refusal}, status=422)
    messages.success(request, gettext("%(account)s is connected.") % {"account": row.display_name})
    return redirect("desk:accounts-one", row.pk)


@desk("account.connect", network=True)
@require_POST
def verify_now(request: HttpRequest, pk: int) -> HttpResponse:
    with enter(request.scope):
        row = find(request, pk)
    found = verify.check(
        row, by=request.scope.person, now=request.now, within=lambda: enter(request.scope)
    )
    if found == "credentials":
        messages.error(
            request,
            gettext(
                "The network does not accept our credentials. "
                "The account is paused: connect it again."
            ),
        )
    elif found:
        messages.warning(
            request,
            gettext("The network did not answer. Nothing was changed; we try again by ourselves."),
        )
    else:
        messages.success(request, gettext("The network accepts our credentials. All is well."))
    return redirect("desk:accounts-one", pk)


@desk("account.connect")
@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = find(request, pk), ReasonForm(request.POST, prefix="pause")
    if not form.is_valid():
        return show(request, row, pausing=form, status=422)
    pause.pause(row, reason=form.cleaned_data["reason"], by=request.scope.person, now=request.now)
    messages.success(request, gettext("The account is paused. Its queue waits."))
    return redirect("desk:accounts-one", pk)


@desk("account.connect")
@require_POST
def go_on(request: HttpRequest, pk: int) -> HttpResponse:
    row = find(request, pk)
    try:
        pause.resume(row, by=request.scope.person, now=request.now)
    except Refused as refusal:
        return show(request, row, refusal=refusal, status=422)
    messages.success(request, gettext("The account goes on."))
    return redirect("desk:accounts-one", pk)


@desk("account.connect")
@require_POST
def retire(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = find(request, pk), ReasonForm(request.POST, prefix="retire")
    if not form.is_valid():
        return show(request, row, retiring=form, status=422)
    registry.retire(
        row, reason=form.cleaned_data["reason"], by=request.scope.person, now=request.now
    )
    messages.success(request, gettext("The account is retired and no longer on the public list."))
    return redirect("desk:accounts-one", pk)


# --- in the frame and on Today --------------------------------------------------------------------


@shell.count("accounts")
def broken(scope: Scope, now: datetime) -> QuerySet[Account]:
    return scoped(Account, scope).filter(state="paused")


@today.finding(order=5)
def told(scope: Scope, now: datetime) -> str:
    if "paused" not in today.standing(scope, now):
        return ""
    refused = scoped(Account, scope).filter(state="paused", paused_code="credentials").count()
    if not refused:
        return ""
    said = ngettext(
        "%(n)d account lost its connection", "%(n)d accounts lost their connection", refused
    ) % {"n": refused}
    return today.opens(said, reverse("desk:accounts-list"))


@today.section(order=5)
def section(scope: Scope, now: datetime) -> today.Section | None:
    """Accounts that send nothing at the moment, and how much waits behind them."""
    if "paused" not in today.standing(scope, now):
        return None
    rows = list(scoped(Account, scope).filter(state="paused").order_by("paused_at")[:5])
    lines = []
    for row in rows:
        queue = waiting_for(row.pk).count()
        why = (
            word("refused", "account_health")
            if row.paused_code == "credentials"
            else row.paused_reason
        )
        lines.append(
            today.Row(
                title=row.display_name,
                href=reverse("desk:accounts-one", args=[row.pk]),
                text=f"{why}. "
                + ngettext("%(n)d post waits behind it.", "%(n)d posts wait behind it.", queue)
                % {"n": queue},
                pills=[("late", word(row.state, "account_state"))],
            )
        )
    return today.Section(
        title=gettext("Accounts that are paused"),
        rows=lines,
        href=reverse("desk:accounts-list") + "?state=paused",
        link=gettext("Official accounts"),
    )


urlpatterns: list[Any] = [
    path("", listing, name="accounts-list"),
    path("baru/", register, name="accounts-new"),
    path("kembali/", callback, name="accounts-callback"),
    path("<int:pk>/", one, name="accounts-one"),
    path("<int:pk>/ubah/", edit, name="accounts-edit"),
    path("<int:pk>/sambung/", connecting, name="accounts-connect"),
    path("<int:pk>/periksa/", verify_now, name="accounts-verify"),
    path("<int:pk>/jeda/", stop, name="accounts-pause"),
    path("<int:pk>/lanjut/", go_on, name="accounts-resume"),
    path("<int:pk>/pensiun/", retire, name="accounts-retire"),
]
