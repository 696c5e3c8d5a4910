"""Asks whether an installed package has a known hole: pip-audit, bounded, in one line or one each.

    .venv/bin/python .ci/audit.py

Leaves with 1 only for a finding. Where the advisories cannot be had (no network, a mirror without
them) it says so and leaves with 0: a machine without a network must still be able to check.
"""

from __future__ import annotations

import json
import subprocess
import sys

SECONDS = 90
COMMAND = (
    *("-m", "pip_audit", "--format", "json", "--progress-spinner", "off"),
    *("--skip-editable", "--timeout", "5"),
)


def judge(said: str) -> tuple[list[str], int]:
    """Lines for people, and how to leave, from pip-audit's JSON ("" when it gave none)."""
    try:
        packages = list(json.loads(said)["dependencies"])
    except (ValueError, KeyError, TypeError):
        return ["not audited: the advisory service cannot be reached from here."], 0
    asked = [one for one in packages if "skip_reason" not in one]
    if not asked:
        return [f"not audited: no advisories here for any of {len(packages)} packages."], 0
    found = [
        f"{one['name']} {one['version']}: {hole['id']}; fixed in "
        f"{', '.join(hole['fix_versions']) or 'no version yet'}"
        for one in asked
        for hole in one["vulns"]
    ]
    known = f"{len(asked)} of {len(packages)} packages audited"
    return [*found, f"{known}, {len(found)} findings."], 1 if found else 0


def main() -> int:
    try:
        said = subprocess.run(
            [sys.executable, *COMMAND], capture_output=True, text=True, timeout=SECONDS, check=False
        ).stdout
    except subprocess.TimeoutExpired:
        said = ""
    lines, status = judge(said)
    print(*(f"audit: {line}" for line in lines), sep="\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
