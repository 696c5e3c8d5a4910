"""The return table, the rows behind each of its numbers, voices of 24 hours, the printed page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import get_language, gettext, ngettext

from tanggap.core import metrics_data, pages
from tanggap.core.metrics_data import metrics
from tanggap.core.scope import Scope
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.monitoring import period, places
from tanggap.desk.templatetags.words import number
from tanggap.desk.words import word
from tanggap.monitoring import perception, queries, returns
from tanggap.monitoring import report as reports
from tanggap.monitoring import window as rowsets
from tanggap.monitoring.returns import Cell, Part
from tanggap.monitoring.window import Window

SIZE = 50


def groups(cells: list[Cell], window: Window) -> list[dict[str, Any]]:
    """Cells by category, as the table shows them."""
    language, where = get_language() or "id", period.address(window)
    found = []
    for category in metrics_data.categories():
        rows = []
        for one in cells:
            if one.metric.category != category.key:
                continue
            rows.append(
                {
                    "cell": one,
                    "says": one.metric.says(language),
                    "means": one.metric.means(language),
                    "formula": one.metric.computed(language),
                    "value": shown(one),
                    "href": ""
                    if one.value is None
                    else reverse("desk:monitoring-evidence", args=[one.metric.key]) + "?" + where,
                    "why": "; ".join(word(code, "why_not") for code in one.why),
                    "source": ", ".join(word(code, "number_source") for code in one.sources),
                    "unit": word(one.metric.unit, "number_unit"),
                }
            )
        found.append(
            {
                "says": category.says(language),
                "note": category.remark(language),
                "key": category.key,
                "rows": rows,
                "known": sum(row["cell"].value is not None for row in rows),
            }
        )
    return found


def shown(one: Cell) -> str:
    """The number as people read it; "" when there is none."""
    if one.value is None:
        return ""
    return f"{number(one.value, 1)}%" if one.metric.unit == "percent" else number(int(one.value))


@desk("monitor.read")
def listing(request: DeskRequest) -> HttpResponse:
    window, form = period.read(request)
    cells = returns.table(window)
    known = sum(one.value is not None for one in cells)
    posts = []
    if window.activity or window.account or window.whole:
        posts = [
            {
                "row": row,
                "title": _title(row),
                "href": f"?post={row.pk}&from="
                f"{window.first.isoformat()}&until={window.last.isoformat()}",
            }
            for row in rowsets.posts(window)
            .select_related("variant__message", "account")
            .order_by("-published_at", "-pk")[:10]
        ]
    return render(
        request,
        "desk/monitoring/list.html",
        {
            "window": window,
            "form": form,
            "groups": groups(cells, window),
            "known": known,
            "all": len(cells),
            "posts": posts,
            # The number that the table's own formulas divide by.
            "posts_n": next(one.of for one in cells if one.metric.key == "retweets"),
            "voices": perception.counts(window) if window.whole else None,
            "named": _named(window),
            "where": period.address(window),
            "presets": presets(request, window),
            "note": metrics_data.note(get_language() or "id"),
        },
        status=422 if form.errors else 200,
    )


def presets(request: DeskRequest, window: Window) -> list[dict[str, Any]]:
    """7, 30 and 90 days as tabs."""
    last = period.today(request)
    found = []
    for days in (7, 30, 90):
        first = last - timedelta(days=days - 1)
        found.append(
            {
                "label": ngettext("%(n)s day", "%(n)s days", days) % {"n": number(days)},
                "href": f"?from={first.isoformat()}&until={last.isoformat()}"
                + "".join(
                    f"&{name}={getattr(window, name)}"
                    for name in ("account", "activity", "post")
                    if getattr(window, name)
                ),
                "current": (window.first, window.last) == (first, last),
                "count": None,
            }
        )
    return found


def _named(window: Window) -> str:
    found = rowsets.named(window)
    if found is None:
        return ""
    return _title(found) if window.post else str(found)


def _title(row: Any) -> str:
    if row.variant is not None:
        return str(row.variant.message.title)
    return Truncator(row.content.get("text", "")).chars(80)


# --- the rows behind a number --------------------------------------------------------------------


@desk("monitor.read")
def evidence(request: DeskRequest, key: str) -> HttpResponse:
    if key not in metrics():
        raise Http404
    window, _form = period.read(request)
    cell = returns.cell(window, key)
    parts = returns.rows(window, key)
    drawn = (
        [
            _part(part, n, request.scope, request.GET.get(f"part{n}", ""))
            for n, part in enumerate(parts)
        ]
        if cell.value is not None
        else []
    )
    language = get_language() or "id"
    return render(
        request,
        "desk/monitoring/evidence.html",
        {
            "window": window,
            "cell": cell,
            "says": cell.metric.says(language),
            "value": shown(cell),
            "means": cell.metric.means(language),
            "formula": cell.metric.computed(language),
            "why": [word(code, "why_not") for code in cell.why],
            "parts": drawn,
            "named": _named(window),
            "where": period.address(window),
        },
    )


def _part(part: Part, n: int, scope: Scope, after: str) -> dict[str, Any]:
    rows = part.rows
    if part.kind == "items":
        rows = rows.select_related("author", "conversation", "account")
    elif part.kind == "authors":
        rows = rows.select_related("account")
    elif part.kind == "numbers":
        rows = rows.select_related("delivery__variant__message", "delivery__account")
    elif part.kind == "clicks":
        rows = rows.select_related("link")
    page = pages.page(rows, after=after, size=SIZE)
    return {
        "n": n,
        "kind": part.kind,
        "total": part.total(),
        "count": part.rows.count(),
        "rows": [
            {
                "row": row,
                "href": _opens(part.kind, row, scope),
                "amount": getattr(row, part.amount) if part.amount else None,
                "title": _title(row.delivery) if part.kind == "numbers" else "",
            }
            for row in page.rows
        ],
        "page": page,
        "words": scope.may("inbox.read"),
    }


def _opens(kind: str, row: Any, scope: Scope) -> str:
    if kind == "items" and scope.may("inbox.read"):
        return places.of("talk", row.conversation_id)
    if kind == "numbers" and scope.may("delivery.read"):
        return places.of("delivery", row.delivery_id)
    return ""


@desk("monitor.read")
def heard(request: DeskRequest) -> HttpResponse:
    """Messages of 24 hours up to an instant, or since another: all, of one kind, or the urgent
    ones. What Today counted."""
    until = _instant(request.GET.get("until", "")) or request.now
    since = _instant(request.GET.get("since", ""))
    if since is None or not until - timedelta(days=2) < since < until:
        since = None
    rows = queries.heard(
        request.scope,
        since or until - timedelta(hours=24),
        until + timedelta(microseconds=1),
    )
    urgent = request.GET.get("urgent") == "1"
    if urgent:
        rows = rows.filter(conversation__urgency__lt=2)
    kind = request.GET.get("kind", "")
    if kind:
        rows = rows.filter(conversation__kind="" if kind == "none" else kind)
    total = rows.count()
    page = pages.page(
        rows.select_related("author", "conversation", "account"),
        after=request.GET.get("after", ""),
        size=SIZE,
    )
    return render(
        request,
        "desk/monitoring/heard.html",
        {
            "rows": [
                {"row": row, "href": _opens("items", row, request.scope)} for row in page.rows
            ],
            "total": total,
            "kind": "" if kind == "none" else kind,
            "chosen": bool(kind),
            "since": since,
            "urgent": urgent,
            "until": until,
            "words": request.scope.may("inbox.read"),
            "page": page,
        },
    )


def _instant(typed: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        return None
    if not 2000 < found.year < 9000:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@desk("monitor.read")
def printed(request: DeskRequest) -> HttpResponse:
    """One page for the head, to print and sign; the same numbers as the table."""
    window, _form = period.read(request)
    found = reports.report(window)
    return render(
        request,
        "desk/monitoring/print.html",
        {
            "window": window,
            "report": found,
            "groups": groups(found.cells, window),
            "known": sum(one.value is not None for one in found.cells),
            "named": _named(window),
            "kinds": [
                (kind, word(kind, "heard_kind"), n) for kind, n in found.voices.kinds.items()
            ][:6],
            "where": period.address(window),
            "source": metrics_data.source(),
            "unavailable": gettext("not available"),
        },
    )
