"""How well personal data is found: precision and recall on the golden lines. See bench/README.md.

    ./run bench redact --json

A span counts when its kind, its start and its end are all right.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tanggap.language.redact import redact  # noqa: E402

GOLDEN = ROOT / "tests" / "language" / "golden_redact.txt"
MARK = re.compile(r"⟦(\w+):(.*?)⟧")
# What the golden lines hold of the agency's own: public, so never masked.
ALLOWED = ["(0299) 550101", "halo@sukamaju.example"]


def measure() -> dict[str, float | int]:
    lines = right = found = wanted = 0
    for line in GOLDEN.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        lines += 1
        expected, shift = set(), 0
        for mark in MARK.finditer(line):
            start = mark.start() - shift
            expected.add((mark[1], start, start + len(mark[2])))
            shift += len(mark.group()) - len(mark[2])
        got = {(one.kind, one.start, one.end) for one in redact(MARK.sub(r"\2", line), ALLOWED)}
        right += len(expected & got)
        found += len(got)
        wanted += len(expected)
    return {
        "lines": lines,
        "spans": wanted,
        "precision": round(right / found, 4),
        "recall": round(right / wanted, 4),
    }


def main(argv: list[str] | None = None) -> int:
    arguments = argparse.ArgumentParser(prog="./run bench redact", description=__doc__)
    arguments.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = arguments.parse_args(argv)
    result = measure()
    if asked.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:10} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
