"""What the head reads on one printed page: the return table, objectives, voices, decisions.

The same functions as on screen, so the numbers cannot disagree with the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import QuerySet

from tanggap.core.scope import scoped
from tanggap.execution.followup.models import Case, Recommendation
from tanggap.monitoring import perception, returns
from tanggap.monitoring import window as rowsets
from tanggap.monitoring.models import Evaluation
from tanggap.monitoring.perception import Counts
from tanggap.monitoring.returns import Cell
from tanggap.monitoring.window import Window


@dataclass(frozen=True, slots=True)
class Report:
    """Everything on the page. `cases` has opened and resolved."""

    window: Window
    cells: list[Cell]
    voices: Counts
    posts: int
    cases: dict[str, int]
    decisions: list[Recommendation]
    evaluation: Evaluation | None
    hours: Decimal | None
    budget: Decimal | None


def report(window: Window) -> Report:
    """For one period. The cost side comes from the evaluation whose plan has these very days."""
    found = (
        scoped(Evaluation, window.scope)
        .select_related("plan", "written_by")
        .filter(plan__period_start=window.first, plan__period_end=window.last)
        .order_by("-pk")
        .first()
    )
    return Report(
        window=window,
        cells=returns.table(window),
        voices=perception.counts(window),
        posts=rowsets.posts(window).count(),
        cases={"opened": opened(window).count(), "resolved": resolved(window).count()},
        decisions=list(
            scoped(Recommendation, window.scope)
            .filter(decided_at__gte=window.since, decided_at__lt=window.until)
            .select_related("chosen", "owner_unit")
            .order_by("decided_at", "pk")[:12]  # of one printed page, which links to all
        ),
        evaluation=found,
        hours=found.staff_hours if found else None,
        budget=found.budget_idr if found else None,
    )


def opened(window: Window) -> QuerySet[Case]:
    """Reports of the agency that were opened in these days, sealed ones left out."""
    return _cases(window).filter(opened_at__gte=window.since, opened_at__lt=window.until)


def resolved(window: Window) -> QuerySet[Case]:
    return _cases(window).filter(resolved_at__gte=window.since, resolved_at__lt=window.until)


def _cases(window: Window) -> QuerySet[Case]:
    return scoped(Case, window.scope).filter(sealed=False)
