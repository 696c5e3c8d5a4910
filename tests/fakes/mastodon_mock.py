"""Runs the real `mastodon-mock` server (PyPI) as a process on loopback."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError

CONFIG = """
[[seed.accounts]]
username = "diskominfo"
display_name = "Diskominfo"
access_token = "token-dinas"
"""


class MastodonMock:
    """One running mock. Citizens are made with `citizen`, faults with `fault`."""

    token = "token-dinas"

    def __init__(self, folder: Path, config: str = CONFIG) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        file = folder / "mock.toml"
        file.write_text(config)
        command = [sys.executable, "-m", "mastodon_mock", "serve", "--in-memory", "--config"]
        self.process = subprocess.Popen(
            [*command, str(file), "--port", str(self.port), "--log-level", "warning"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()

    def _wait(self) -> None:
        for _ in range(300):
            if self.process.poll() is not None:
                raise RuntimeError("mastodon_mock ended at once")
            with suppress(URLError, OSError):
                urllib.request.urlopen(f"{self.url}/api/v1/instance", timeout=1).close()
                return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError("mastodon_mock did not start")

    def stop(self) -> None:
        """End it and wait for it. It holds nothing worth a polite end, and hangs in one."""
        self.process.kill()
        self.process.wait(10)

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        """One request as somebody else, parsed."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"}
            | ({"Authorization": f"Bearer {token}"} if token else {}),
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def citizen(self, username: str) -> str:
        """A token of a citizen, made when there is none."""
        made = self.ask("POST", "/api/v1/_mock/dev_user", {"username": username})
        return str(made["access_token"])

    def says(self, token: str, text: str, **more: Any) -> dict[str, Any]:
        """A citizen writes."""
        found: dict[str, Any] = self.ask("POST", "/api/v1/statuses", {"status": text} | more, token)
        return found

    def fault(self, methods: Sequence[str], path: str, count: int = 1, **effect: Any) -> None:
        """Make the mock misbehave. `type`: status, ratelimit, latency, malformed or timeout."""
        rule = {"match": {"methods": methods, "path": path}, "effect": effect, "count": count}
        self.ask("POST", "/api/v1/_mock/faults", rule)

    def reset(self) -> None:
        """Back to the seed."""
        self.ask("POST", "/api/v1/_mock/reset")
