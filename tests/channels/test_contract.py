"""One contract for every channel, ours and from outside (design, section 5)."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import io
import json
import re
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tanggap.channels import base, counters, errors
from tanggap.channels.base import (
    VERBS,
    Channel,
    Context,
    Credentials,
    Draft,
    IncomingItem,
    Media,
    NeedsPerson,
    Posted,
    Ready,
    Sent,
    Target,
    verbs,
)
from tanggap.channels.errors import ChannelError
from tanggap.channels.registry import OURS, channels, open_channel
from tanggap.core.http import Client, Rules

ROOT = Path(__file__).resolve().parents[2]
CODE = ROOT / "tanggap"
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
ALL = sorted(channels().values(), key=lambda channel: channel.kind)
PLAIN = ("tanggap.channels", "tanggap.core.http")
FORBIDDEN = (
    "django",
    "time",
    "asyncio",
    "threading",
    "httpx",
    "requests",
    "socket",
    "urllib.request",
)
each = pytest.mark.parametrize("channel", ALL, ids=lambda channel: channel.kind)


def folder(channel: type[Channel]) -> Path:
    return Path(inspect.getfile(channel)).parent


def sources(channel: type[Channel]) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(folder(channel).rglob("*.py")):
        if not path.name.startswith(("test_", "conftest")):
            yield path, ast.parse(path.read_text())


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written out"
            yield node.module or ""


@each
def test_a_folder_is_a_channel(channel: type[Channel]) -> None:
    here = folder(channel)
    assert channel in OURS or not here.is_relative_to(CODE)
    assert here.name == channel.kind
    assert (here / "README.md").stat().st_size > 500
    assert (here / "test_channel.py").exists()
    assert any((here / "samples").iterdir())


@each
def test_verbs_take_what_the_contract_says(channel: type[Channel]) -> None:
    assert "verify" in verbs(channel)
    public = {name for name in vars(channel) if not name.startswith("_")}
    known = set(VERBS) | set(vars(Channel)) | set(Channel.__annotations__)
    assert public - known <= {"words"}, "no verb in an interface until two callers need it"
    for verb in verbs(channel):
        given = list(inspect.signature(getattr(channel, verb)).parameters)[1:]
        assert tuple(given) == VERBS[verb], verb


@each
def test_it_holds_no_state_and_owns_no_time(channel: type[Channel]) -> None:
    for path, tree in sources(channel):
        for name in imported(tree):
            assert not any(name == f or name.startswith(f"{f}.") for f in FORBIDDEN), (path, name)
            if name.startswith("tanggap"):
                own = f"tanggap.channels.{channel.kind}"
                others = {f"tanggap.channels.{one.kind}" for one in OURS} - {own}
                assert name.startswith(PLAIN) and not name.startswith(tuple(others)), (path, name)
        for node in ast.walk(tree):
            assert not isinstance(node, (ast.Global, ast.AsyncFunctionDef)), path
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("sleep", "utcnow", "today"), path
                assert not (node.attr == "now" and ast.unparse(node.value) == "datetime"), path
    one = open_channel(channel.kind, {}, now=NOW)
    assert set(vars(one)) == {"context"}


@each
def test_publish_neither_loops_nor_tries_again(channel: type[Channel]) -> None:
    for _path, tree in sources(channel):
        for node in ast.walk(tree):
            sends = ("publish", "reply", "send_private", "_post", "post_once")
            if isinstance(node, ast.FunctionDef) and node.name in sends:
                loops = [one for one in ast.walk(node) if isinstance(one, (ast.For, ast.While))]
                assert not loops, node.name


@each
def test_its_settings_and_limits_are_data(channel: type[Channel]) -> None:
    assert channel.name and channel.settings
    for setting in channel.settings:
        assert setting.label and (setting.kind != "choice" or setting.choices)
    assert channel.defaults.counter in counters.COUNTERS


def test_every_shape_is_frozen() -> None:
    for module in (base, errors):
        for _name, found in inspect.getmembers(module, inspect.isclass):
            if dataclasses.is_dataclass(found):
                assert found.__dataclass_params__.frozen, found  # type: ignore[attr-defined]
    one = Posted("1", "")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.remote_id = "2"  # type: ignore[misc]


def test_secrets_show_in_no_repr() -> None:
    hidden = Credentials({"access_token": "rahasia"})
    context = Context(hidden, NOW, Client("https://a.example", token="rahasia"))
    for thing in (hidden, str(hidden), context, f"{hidden!r}", context.http):
        assert "rahasia" not in repr(thing)


def test_a_network_is_named_only_in_its_folder() -> None:
    tables = {CODE / "channels" / "registry.py"}
    for channel in OURS:
        if channel.kind == "website":
            # Also a field of every agency, and of the OAuth registration.
            continue
        # An ordinary word may stand in a sentence; as a value it would be the channel's name.
        word = re.compile(rf"\b{channel.kind}\b", re.IGNORECASE)
        exact = channel.kind in ("manual",)
        for path in sorted(CODE.rglob("*.py")):
            # The practice network is a server of one network, by its purpose.
            if path in tables or folder(channel) in path.parents or "practice" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                said = node.value if isinstance(node, ast.Constant) else getattr(node, "id", "")
                if isinstance(said, str):
                    assert said != channel.kind, f"{path}: {said}"
                    assert exact or not word.search(said), f"{path}: {said}"


def test_an_outside_channel_cannot_take_a_kind_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    from tanggap.channels import registry

    class Point:
        value = "luar:Kanal"

        def load(self) -> type[Channel]:
            return OURS[0]

    monkeypatch.setattr(registry, "entry_points", lambda group: [Point()])
    channels.cache_clear()
    with pytest.raises(ValueError, match="already taken"):
        channels()
    channels.cache_clear()


def test_the_fingerprint_changes_with_what_a_person_can_read() -> None:
    author = base.Author("1", "siti")
    one = IncomingItem("1", "mention", author, "a", NOW)
    assert one.fingerprint == dataclasses.replace(one, raw=b"x", root="9").fingerprint
    assert one.fingerprint != dataclasses.replace(one, text="b").fingerprint


# --- a network that answers nonsense -----------------------------------------------------------

NONSENSE = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"12",
    b"[[], 1, null]",
    b'[{"id": 1}]',
    b'[{"id": "1", "type": "mention", "status": {"id": null, "account": 3}, "created_at": 7}]',
    b'{"id": "1", "url": 5, "configuration": [], "content": null, "error": {"a": 1}}',
    b'{"ancestors": 1, "descendants": [1, {"account": []}], "id": [], "error": "token"}',
    b"\xff\xfe\x00",
    b"[" * 5000,
)


class Nonsense(BaseHTTPRequestHandler):
    body: ClassVar[bytes] = b""
    status: ClassVar[int] = 200
    seen: ClassVar[list[str]] = []

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append(self.command)
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer


@pytest.fixture(scope="module")
def nonsense() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Nonsense)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def arguments(channel: type[Channel]) -> Mapping[str, tuple[Any, ...]]:
    picture = Media("0" * 64, "a.png", "image/png", 3, "alt", lambda: io.BytesIO(b"abc"))
    to, posted = Target("1", "siti"), Posted("1", "https://a.example/1")
    draft = Draft("Halo", media=(picture,))
    answer = Ready(Draft("Halo", reply_to=to))
    private = Ready(Draft("Halo", visibility="direct", reply_to=to))
    item = IncomingItem("1", "mention", base.Author("1", "siti"), "a", NOW)
    return {
        "renew": (),
        "verify": (),
        "prepare": (draft, None),
        "publish": (Ready(Draft("Halo")), "k"),
        "reply": (to, answer, "k"),
        "send_private": (to, private, "k"),
        "confirm": (Sent(answer.draft, NOW),),
        "fetch": ("",),
        "receive": ({"content-type": "application/json"}, b"[]"),
        "discover": (),
        "subscribe": (base.Hub("http://127.0.0.1:1/", "x"), "https://a.example/pintu", "s"),
        "metrics": (posted,),
        "remove": (posted,),
        "hide": (item,),
        "proof": (NeedsPerson("Halo", (), "x", True), "https://a.example"),
    }


def live(channel: type[Channel], port: int) -> Channel:
    client = Client(f"http://127.0.0.1:{port}", rules=Rules(frozenset({f"127.0.0.1:{port}"})))
    given = {one.name: one.choices[0][0] if one.choices else "x" for one in channel.settings}
    return channel(Context(Credentials(given), NOW, client, account_id="1"))


@each
@pytest.mark.parametrize("status", [200, 202, 302, 400, 401, 403, 404, 413, 422, 429, 500, 503])
def test_only_our_errors_come_out_whatever_the_network_says(
    channel: type[Channel], nonsense: int, status: int
) -> None:
    Nonsense.status = status
    for Nonsense.body in NONSENSE:
        for verb in verbs(channel):
            Nonsense.seen.clear()
            try:
                getattr(live(channel, nonsense), verb)(*arguments(channel)[verb])
            except ChannelError as wrong:
                assert type(wrong) is not ChannelError
            changing = [one for one in Nonsense.seen if one != "GET"]
            if verb in ("publish", "reply", "send_private"):
                most = 1 if channel.base_url({"server": "a"}) else 0
                # A reply may have to look its target up first, and sends nothing without it.
                assert len(changing) == most or (verb == "reply" and not changing), verb
            elif verb not in ("renew", "prepare", "remove", "hide", "subscribe"):
                assert changing == [], f"{verb} only reads"


# --- the reference -----------------------------------------------------------------------------


def test_the_reference_keeps_up() -> None:
    text = (ROOT / "docs" / "reference" / "channels.md").read_text()

    def rows(section: str) -> set[str]:
        part = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
        return set(re.findall(r"^\| `(\w+)", part, re.MULTILINE))

    assert rows("Verbs") == set(VERBS)
    assert rows("Errors") == {
        name
        for name, found in inspect.getmembers(errors, inspect.isclass)
        if issubclass(found, ChannelError) and found is not ChannelError
    }
    assert rows("Counters") == set(counters.COUNTERS)
    assert rows("Channels") == {channel.kind for channel in OURS}
    assert rows("Shapes") == {
        name
        for name, found in inspect.getmembers(base, dataclasses.is_dataclass)
        if found.__module__ == base.__name__
    }
    for channel in OURS:
        line = next(row for row in text.splitlines() if row.startswith(f"| `{channel.kind}`"))
        assert set(re.findall(r"`(\w+)`", line)) - {channel.kind} == verbs(channel)


def test_samples_are_readable() -> None:
    for path in CODE.glob("channels/*/samples/*.json"):
        json.loads(path.read_text())
