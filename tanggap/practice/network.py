"""The practice network: a real Mastodon-API server on loopback, and the citizens who write there.

It plays the outside world. So it speaks HTTP directly and not through `core/http.py`, which is
the way out for Tanggap's own traffic; nothing here is reached from a real installation.

Time: the server stamps with the wall clock unless `set_clock` moves it. Whoever moves the
practice clock moves the network's by the same offset (`practice/time.py`), or a read-back that
pages "past the claim time" would stop before the post that it looks for.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from django.utils.translation import gettext as _

from tanggap.core.errors import Refused

READY_SECONDS = 60.0
STOP_SECONDS = 5.0
STORE = "network.sqlite"
"""In a kept folder: everything that the network knows."""
Progress = Callable[[str], None]
Row = dict[str, Any]


class NetworkFailed(Refused):
    """The practice network did not start, or refused what a citizen did."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Somebody with an account on the practice network."""

    username: str
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    """A running practice network. `url` is what the agency connects to and what can be cut;
    `inside` is where citizens write and the switches are; `pid` is its process."""

    url: str
    inside: str
    pid: int
    folder: str

    def save(self, path: Path) -> None:
        """For the other processes of the same demo."""
        path.write_text(json.dumps({name: getattr(self, name) for name in self.__slots__}))

    @classmethod
    def load(cls, path: Path) -> Network:
        return cls(**json.loads(path.read_text()))


_processes: dict[int, subprocess.Popen[bytes]] = {}


def _quiet(message: str) -> None:
    pass


def start(
    citizens: Sequence[Profile],
    agencies: Sequence[Profile],
    *,
    port: int = 0,
    title: str = "Jejaring Latihan",
    rate_limit: int | None = None,
    keep: Path | None = None,
    progress: Progress = _quiet,
) -> Network:
    """Start the server and wait until it answers. Citizens get tokens; the agencies' accounts
    get none, because an officer authorises them in the browser as on any network.

    `rate_limit` is requests per 300 s and account, with the network's documented headers. With
    `keep`, a folder, everything that is written there outlives the server: start it again with
    the same folder and port. Raises NetworkFailed with the server's own last words.
    """
    folder = keep or Path(tempfile.mkdtemp(prefix="tanggap-practice-"))
    folder.mkdir(parents=True, exist_ok=True)
    config: Row = {
        "port": port,
        "keep": keep is not None,
        "title": title,
        "email": "pengurus@jejaring.example",
        "description": "Jejaring latihan di komputer ini. Semua orang di sini rekaan.",
        "media_storage_path": str(folder / "media"),
        "database": {"path": str(folder / STORE) if keep else ":memory:"},
        "streaming": {"enabled": False},
        "seed": {
            "accounts": [
                *(_seed(one) | {"access_token": token_of(one.username)} for one in citizens),
                *(_seed(one) for one in agencies),
            ]
        },
    }
    if rate_limit:
        config["ratelimit"] = {"enabled": True, "limit": rate_limit, "window_seconds": 300}
    path = folder / "config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    progress(_("Starting the practice network …"))
    log = (folder / "server.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "tanggap.practice.server", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    log.close()
    ready = _first_line(process, progress)
    if ready is None:
        words = (folder / "server.log").read_text(errors="replace").strip().splitlines()[-3:]
        _end(process)
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
        silence = _("No answer within %(seconds)d seconds.") % {"seconds": READY_SECONDS}
        raise NetworkFailed(
            _("The practice network did not start."),
            " ".join(words) or silence,
            _("Install it with pip install 'tanggap[practice]', then try again."),
        )
    _processes[process.pid] = process
    progress(
        _("The practice network is ready: %(url)s, %(count)d citizens.")
        % {"url": ready["url"], "count": len(citizens)}
    )
    return Network(ready["url"], ready["inside"], process.pid, str(folder))


def _seed(person: Profile) -> Row:
    return {"username": person.username, "display_name": person.name, "note": person.note}


def _first_line(process: subprocess.Popen[bytes], progress: Progress) -> dict[str, str] | None:
    """The JSON line that the server prints when it is ready, or None."""
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    begun, said, text = time.monotonic(), 0, b""
    while (waited := time.monotonic() - begun) < READY_SECONDS:
        text += process.stdout.read() or b""
        if b"\n" in text:
            return dict(json.loads(text.split(b"\n", 1)[0]))
        if process.poll() is not None:
            return None
        if int(waited) > said:
            said = int(waited)
            progress(_("Waiting for the practice network … %(seconds)d s") % {"seconds": said})
        time.sleep(0.02)
    return None


def stop(network: Network) -> None:
    """End the server, by its process id. Only whoever started it can; twice is fine."""
    process = _processes.pop(network.pid, None)
    if process is not None:
        _end(process)
        if not (Path(network.folder) / STORE).exists():
            shutil.rmtree(network.folder, ignore_errors=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def reset(network: Network) -> None:
    """Back to the first minute: no posts, no faults, wire open, wall clock. The agency's
    authorisation is gone too and must be given again."""
    _control(network, "reset", {})
    mend(network)
    set_clock(network, timedelta(0))


# ---- what people do ----------------------------------------------------------------------


def token_of(username: str) -> str:
    """A citizen's own token. Worth nothing anywhere else."""
    return f"latihan-{username}"


def say(
    network: Network,
    citizen: str,
    text: str,
    *,
    reply_to: str | None = None,
    mention: str = "",
    visibility: str = "public",
    language: str = "id",
) -> Row:
    """A citizen writes. `mention` is put in front as people's apps do; the status is returned as
    the network gives it."""
    if mention and f"@{mention}" not in text:
        text = f"@{mention} {text}"
    data = {"status": text, "visibility": visibility, "language": language}
    if reply_to:
        data["in_reply_to_id"] = reply_to
    return dict(_as(network, citizen, "POST", "/api/v1/statuses", data=data))


def edit(network: Network, citizen: str, status_id: str, text: str) -> Row:
    """A citizen changes what they wrote: same id, other content."""
    path = f"/api/v1/statuses/{status_id}"
    return dict(_as(network, citizen, "PUT", path, data={"status": text}))


def delete(network: Network, citizen: str, status_id: str) -> Row:
    """A citizen takes back what they wrote."""
    return dict(_as(network, citizen, "DELETE", f"/api/v1/statuses/{status_id}"))


def account_id(network: Network, username: str) -> str:
    return str(_get(network, "/api/v1/accounts/lookup", acct=username)["id"])


def timeline_of(network: Network, username: str) -> list[Row]:
    """Everything public that an account wrote, newest first, paged to its end."""
    path, rows = f"/api/v1/accounts/{account_id(network, username)}/statuses", list[Row]()
    while True:
        older = {"max_id": rows[-1]["id"]} if rows else {}
        page = _get(network, path, limit=40, **older)
        if not page:
            return rows
        rows += page


def replies_to(network: Network, status_id: str, *, seen_by: str = "") -> list[Row]:
    """Everything below a post, as `seen_by` (a citizen) or a passer-by sees it. This server
    would show private messages of a thread to anybody; a real one does not, so they are left out
    here."""
    path = f"/api/v1/statuses/{status_id}/context"
    context = _as(network, seen_by, "GET", path) if seen_by else _get(network, path)
    return [row for row in context["descendants"] if _seen(row, seen_by)]


def _seen(row: Row, by: str) -> bool:
    people = {row["account"]["username"], *(one["username"] for one in row["mentions"])}
    return row["visibility"] in {"public", "unlisted"} or by in people


def notifications_of(network: Network, citizen: str) -> list[Row]:
    """What rang on a citizen's phone, newest first (at most 80)."""
    return list(_as(network, citizen, "GET", "/api/v1/notifications", params={"limit": 80}))


def direct_messages(network: Network, citizen: str) -> list[Row]:
    """Private messages that a citizen received, newest first."""
    return [
        ring["status"]
        for ring in notifications_of(network, citizen)
        if ring.get("status") and ring["status"]["visibility"] == "direct"
    ]


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action, self.fields = "", dict[str, str]()
        self.buttons = list[tuple[str, str]]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given.get("action", "")
        elif tag == "input" and given.get("name"):
            self.fields[given["name"]] = given.get("value", "")
        elif tag == "button" and given.get("name"):
            self.buttons.append((given["name"], given.get("value", "")))


def authorise(network: Network, address: str, username: str) -> str:
    """What an officer does in the browser: open the network's page at `address`, choose the
    account, agree. Returns the address that the browser is sent back to, with its code."""
    with _client() as browser:
        page = browser.get(address)
        form = _Form()
        form.feed(_ok(page).text)
        choice = next((button for button in form.buttons if button[1] == username), None)
        if choice is None:
            raise NetworkFailed(
                _("The authorisation was not given."),
                _("The network's page does not offer the account %(name)s.") % {"name": username},
                _("Start the practice network with that account."),
            )
        target = urljoin(str(page.url), form.action)
        answer = browser.post(target, data={**form.fields, choice[0]: choice[1]})
    if answer.status_code not in {302, 303}:
        raise NetworkFailed(
            _("The authorisation was not given."),
            _("The network answered %(status)d instead of sending the browser back.")
            % {"status": answer.status_code},
            _("Reset the practice network and connect again."),
        )
    return str(answer.headers["Location"])


# ---- faults ------------------------------------------------------------------------------


def fault(
    network: Network,
    effect: str = "status",
    *,
    status: int = 503,
    methods: Sequence[str] = (),
    path: str = "",
    count: int | None = None,
    headers: dict[str, str] | None = None,
    body: Row | None = None,
    delay: timedelta = timedelta(0),
) -> str:
    """Make the network misbehave; returns the rule's id. `effect` is status, ratelimit, latency,
    malformed or timeout; `path` may hold `*`; without `count` it lasts until cleared. Citizens
    meet the same faults: narrow it by `path` or `methods`."""
    match: Row = {"path": path} if path else {}
    if methods:
        match["methods"] = list(methods)
    wanted: Row = {"type": effect, "delay_ms": int(delay.total_seconds() * 1000)}
    if effect == "status":
        wanted["status"] = status
    if headers:
        wanted["headers"] = headers
    if body is not None:
        wanted["body"] = body
    rule: Row = {"match": match, "effect": wanted}
    if count is not None:
        rule["count"] = count
    return str(_control(network, "faults", rule)["id"])


def clear_faults(network: Network) -> None:
    with _client() as client:
        _ok(client.delete(f"{network.inside}/api/v1/_mock/faults"))


def cut(network: Network) -> None:
    """Cut the agency's wire: running requests break off, new connections are refused."""
    _control(network, "line", {"state": "cut"})


def mend(network: Network) -> None:
    _control(network, "line", {"state": "open"})


def lose_answers(network: Network, count: int = 1) -> None:
    """Let the agency's next posts through and lose what the network answers: the post is there,
    and the sender cannot know it."""
    _control(network, "line", {"state": "losing", "count": count})


def set_clock(network: Network, ahead: timedelta) -> None:
    """From now on the network stamps this much ahead of the wall clock."""
    _control(network, "clock", {"seconds": ahead.total_seconds()})


def revoke(network: Network, token: str) -> None:
    """End a token as if its owner had withdrawn it: the next request gets 401."""
    with _client() as client:
        _ok(client.post(f"{network.inside}/oauth/revoke", data={"token": token}))


# ---- the wire itself ---------------------------------------------------------------------


def _client() -> httpx.Client:
    # Loopback has no certificates to check, and reading the machine's takes longer than asking.
    return httpx.Client(timeout=30, trust_env=False, verify=False)


def _ok(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        raise NetworkFailed(
            _("The practice network refused."),
            f"{answer.request.url.path}: {answer.status_code} {answer.text[:200]}",
            _("Clear its faults or reset it."),
        )
    return answer


def _get(network: Network, path: str, **params: Any) -> Any:
    with _client() as client:
        return _ok(client.get(network.inside + path, params=params)).json()


def _as(network: Network, citizen: str, method: str, path: str, **kwargs: Any) -> Any:
    headers = {"Authorization": f"Bearer {token_of(citizen)}"}
    with _client() as client:
        return _ok(client.request(method, network.inside + path, headers=headers, **kwargs)).json()


def _control(network: Network, name: str, body: Row) -> Row:
    with _client() as client:
        return dict(_ok(client.post(f"{network.inside}/api/v1/_mock/{name}", json=body)).json())
