"""Authorising in the browser: OAuth 2 code flow with PKCE (RFC 6749, RFC 7636), and the
self-registration that some networks offer. What differs between networks is data: a `CodeFlow`.

The caller keeps `App` and the verifier between the two visits, and compares `state` itself.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tanggap.channels.base import Credentials
from tanggap.channels.errors import NotAuthorised, Rejected, Unavailable
from tanggap.core.http import Answer, Client, HttpError, Unreadable


@dataclass(frozen=True)
class CodeFlow:
    """Where a network does its parts of the flow, and what is asked for."""

    authorise_path: str
    token_path: str
    scopes: tuple[str, ...]
    register_path: str = ""


@dataclass(frozen=True)
class App:
    """This installation as the network knows it."""

    client_id: str
    client_secret: str = field(repr=False)


def register(http: Client, flow: CodeFlow, *, name: str, website: str, redirect_uri: str) -> App:
    """Make this installation known to the network. Raises Rejected or Unavailable."""
    form = {
        "client_name": name,
        "redirect_uris": redirect_uri,
        "scopes": " ".join(flow.scopes),
        "website": website,
    }
    found = _ask(http, flow.register_path, {k: v for k, v in form.items() if v})
    try:
        return App(str(found["client_id"]), str(found["client_secret"]))
    except KeyError:
        raise Unavailable("register_unreadable") from None


def authorise_url(
    origin: str, flow: CodeFlow, app: App, *, redirect_uri: str, state: str, verifier: str
) -> str:
    """The address that the officer's browser is sent to. `verifier` is 43-128 random characters."""
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(flow.scopes),
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return f"{origin.rstrip('/')}{flow.authorise_path}?{urlencode(query)}"


def exchange(
    http: Client, flow: CodeFlow, app: App, *, code: str, redirect_uri: str, verifier: str
) -> Credentials:
    """The code that came back, for a token. Raises NotAuthorised, Rejected or Unavailable."""
    found = _ask(
        http,
        flow.token_path,
        {
            "grant_type": "authorization_code",
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "redirect_uri": redirect_uri,
            "code": code,
            "code_verifier": verifier,
        },
    )
    token = found.get("access_token")
    if not isinstance(token, str) or not token:
        raise Unavailable("token_unreadable")
    kept = {
        name: str(found[name])
        for name in ("access_token", "refresh_token", "expires_in", "scope")
        if found.get(name)
    }
    return Credentials(kept)


def _ask(http: Client, path: str, form: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        answer = http.send("POST", path, data=form)
        found = answer.json() if answer.ok else None
    except Unreadable as wrong:
        raise Unavailable("unreadable", status=wrong.status) from None
    except HttpError as wrong:
        raise Unavailable(wrong.reason) from None
    if isinstance(found, dict):
        return found
    _refuse(answer)
    raise Unavailable("unexpected", status=answer.status)


def _refuse(answer: Answer) -> None:
    try:
        body = answer.json()
    except Unreadable:
        return
    said = ""
    if isinstance(body, dict):
        said = str(body.get("error_description") or body.get("error") or "")
    if answer.status in (400, 401, 403):
        raise NotAuthorised("code_refused", said, status=answer.status)
    if answer.status == 422:
        raise Rejected("registration_refused", said, status=answer.status)
