"""Geometry of the two charts that pages draw: pure functions from numbers to SVG coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

WIDTH, HEIGHT, EDGE = 320.0, 96.0, 8.0


def bars(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`{label, value, href?, tone?}` with `width` 0-100, relative to the largest value.

    A missing value (None) draws no bar and keeps saying that it is missing.
    """
    largest = max((row["value"] or 0 for row in rows), default=0) or 1
    return [{**row, "width": f"{100 * max(row['value'] or 0, 0) / largest:.1f}"} for row in rows]


def trace(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`{label, value, low?, high?}` in time's order, as paths in a 320 x 96 box.

    Missing values (None) break the line: a gap in what is known is a gap in the drawing.
    """
    known = [
        value
        for point in points
        for name in ("value", "low", "high")
        if (value := point.get(name)) is not None
    ]
    if not known:
        return {"line": "", "band": "", "zero": None, "end": None}
    least, most = min(known), max(known)
    span = (most - least) or 1
    step = WIDTH / max(len(points) - 1, 1)

    def at(index: int, value: float) -> tuple[str, str]:
        y = HEIGHT - EDGE - (value - least) / span * (HEIGHT - 2 * EDGE)
        return f"{index * step:.1f}", f"{y:.1f}"

    line, pen, end = [], "M", None
    for index, point in enumerate(points):
        if point["value"] is None:
            pen = "M"
            continue
        end = at(index, point["value"])
        line.append(f"{pen}{end[0]} {end[1]}")
        pen = "L"
    ranged = [
        (i, p)
        for i, p in enumerate(points)
        if p.get("low") is not None and p.get("high") is not None
    ]
    band = ""
    if len(ranged) > 1:
        edge = [at(i, p["high"]) for i, p in ranged]
        edge += [at(i, p["low"]) for i, p in reversed(ranged)]
        band = "M" + "L".join(f"{x} {y}" for x, y in edge) + "Z"
    return {
        "line": "".join(line),
        "band": band,
        "end": end,
        "zero": at(0, 0)[1] if least < 0 < most else None,
    }
