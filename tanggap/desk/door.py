"""The one door to every desk page: sign-in, membership, role x verb, second factor, scope.

    @desk("message.write")
    def write(request): ...   # request.scope, request.agency, request.now

Order: signed in → a membership in force → the verb is held → a second factor where the verb needs
one (core/roles.py) → a fresh one where the agency asks it for this act (desk/second_key.py) → one
transaction limited to the scope (core/scope.py). Anything short of that ends in a page that says
what happened, why, and what to do.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar, cast

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.response import SimpleTemplateResponse
from django.urls import reverse
from django.utils import translation
from django_htmx.http import HttpResponseClientRedirect

from tanggap.core import clock, membership, roles
from tanggap.core.errors import Refused, Stale
from tanggap.core.models import Agency, Membership, Person
from tanggap.core.scope import Scope, enter
from tanggap.desk import second_key
from tanggap.desk.moment import showing


class DeskRequest(HttpRequest):
    """What a view behind the door receives."""

    user: Person  # type: ignore[assignment]
    scope: Scope
    agency: Agency
    now: datetime
    # True while the scope's transaction is open.
    entered: bool


View = TypeVar("View", bound=Callable[..., HttpResponseBase])

# What the session remembers: the chosen agency's slug, and the membership it was opened with.
AGENCY, MEMBERSHIP = "agency", "membership"


def desk(verb: str, *, network: bool = False, act: str = "") -> Callable[[View], View]:
    """Open a view to those who hold `verb`. An unknown verb or act raises KeyError at import.

    `act` names the sensitive act (roles.ACTS) where the verb does not tell it.

    With `network` no transaction is open: the view enters the scope in short blocks itself,
    because nothing may wait for a network inside a transaction (DESIGN 8.5).
    """
    roles.VERBS[verb]
    act = act or roles.act_of(verb)
    if act:
        roles.ACTS[act]

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            person = request.user
            now = clock.now()
            with translation.override(person.language or settings.LANGUAGE_CODE):
                scope = _scope(request, person, now)
                if scope is None:
                    return _ended(request)
                _place(request, scope, now)
                with showing(now, scope.agency.zone):  # type: ignore[union-attr]
                    response = _serve(request, scope, verb, act, network, view, args, kwargs)
                response.headers.setdefault("Content-Language", translation.get_language() or "id")
                response.headers.setdefault("Cache-Control", "no-store")
                return response

        guarded.desk_verb = verb  # type: ignore[attr-defined]
        guarded.desk_act = act  # type: ignore[attr-defined]
        guarded.desk_network = network  # type: ignore[attr-defined]
        return cast(View, guarded)

    return decorate


def _serve(
    request: HttpRequest,
    scope: Scope,
    verb: str,
    act: str,
    network: bool,
    view: Callable[..., HttpResponseBase],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> HttpResponseBase:
    if not scope.may(verb):
        return _not_yours(request, scope, verb)
    if verb in roles.SECOND_FACTOR and settings.SECOND_FACTOR and not is_mfa_enabled(request.user):
        return _second_factor(request, verb)
    proof = second_key.ask(request, act) if act else None
    if isinstance(proof, HttpResponse):
        return _whole(request, proof)
    inside: AbstractContextManager[Any] = nullcontext() if network else enter(scope)
    try:
        with inside:
            request.entered = not network  # type: ignore[attr-defined]
            response = view(request, *args, **kwargs)
            # A lazy template must read its rows inside the scope.
            if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                response = response.render()
            if proof is not None and response.status_code < 400:
                with enter(scope) if network else nullcontext():
                    second_key.keep(request, proof, act, verb)
            return response
    except Refused as refusal:
        request.entered = False  # type: ignore[attr-defined]
        return refused(request, refusal)
    finally:
        request.entered = False  # type: ignore[attr-defined]


def _place(request: HttpRequest, scope: Scope, now: datetime) -> None:
    request.scope = scope  # type: ignore[attr-defined]
    request.agency = scope.agency  # type: ignore[attr-defined]
    request.now = now  # type: ignore[attr-defined]
    request.entered = False  # type: ignore[attr-defined]


def _scope(request: HttpRequest, person: Person, now: datetime) -> Scope | None:
    """The scope in force, or None when the membership this session stands on is over."""
    try:
        scope = membership.scope_of(person, request.session.get(AGENCY), now)
    except Refused:
        return None
    if scope is None or scope.membership is None or scope.agency is None:
        return None
    known = request.session.get(MEMBERSHIP)
    if known is None:
        choose(request, scope)
    elif known != scope.membership.pk:
        return None
    return scope


def choose(request: HttpRequest, scope: Scope) -> None:
    """Keep the agency that the person works for in the session."""
    assert scope.agency is not None and scope.membership is not None
    request.session[AGENCY] = scope.agency.slug
    request.session[MEMBERSHIP] = scope.membership.pk


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(reverse("account_login"))
    return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")


def _ended(request: HttpRequest) -> HttpResponse:
    logout(request)
    return _whole(request, render(request, "account/ended.html", status=403))


def _not_yours(request: HttpRequest, scope: Scope, verb: str) -> HttpResponse:
    may = [role for role in roles.ROLES if roles.allows(role, verb)]
    # Anybody may be refused as often as they ask: the rail of a refusal counts nothing.
    request.uncounted = True  # type: ignore[attr-defined]
    with enter(scope):
        holders = list(
            Membership.objects.filter(agency=scope.agency, ended_at=None, role__in=may)
            .select_related("person")
            .order_by("role", "pk")[:5]  # whom to ask; nobody needs them all
        )
        page = render(
            request,
            "desk/not_yours.html",
            {"verb": verb, "roles": may, "holders": holders},
            status=403,
        )
    return _whole(request, page)


def _second_factor(request: HttpRequest, verb: str) -> HttpResponse:
    return _whole(request, render(request, "desk/second_factor.html", {"verb": verb}, status=403))


def refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """The last resort for a refusal that no form caught: 409 when stale, else 422."""
    status = 409 if isinstance(refusal, Stale) else 422
    page = render(
        request,
        "desk/refused.html",
        {"refusal": refusal, "back": request.META.get("HTTP_REFERER", "")},
        status=status,
    )
    return _whole(request, page)


def _whole(request: HttpRequest, page: HttpResponse) -> HttpResponse:
    """An htmx request that ends in a page replaces the whole page, not a part of it."""
    if getattr(request, "htmx", False):
        page["HX-Retarget"], page["HX-Reswap"] = "body", "innerHTML"
    return page
