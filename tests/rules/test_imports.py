"""Imports run one way: the contracts of pyproject.toml, and the named doors to a channel."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOORS = {
    "accounts/connect.py",
    "accounts/limits.py",
    "execution/publishing/deliver.py",
    "execution/inbox/listen.py",
    "execution/inbox/moderate.py",
    "monitoring/collect.py",
}


def test_import_contracts_are_kept():
    linter = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert linter, "import-linter is missing: ./run test installs it."
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[done.stdout.find("Contracts:") :]


@cache
def importers_of(module: str) -> set[str]:
    found = set()
    for path in (ROOT / "tanggap").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
            else:
                continue
            if module in names:
                found.add(path.relative_to(ROOT / "tanggap").as_posix())
    return found


def test_only_the_named_doors_reach_a_channel():
    inside = {path for path in importers_of("tanggap.channels.registry") if "channels/" in path}
    assert importers_of("tanggap.channels.registry") - inside <= DOORS
