"""Room in the side pane for what a later area knows of a conversation (its case, say).

@panels.panel(order=10)
def case(conversation, thread, scope, now) -> tuple[str, dict] | None:
    return "desk/followup/panel.html", {"case": found}
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tanggap.core.scope import Scope
from tanggap.execution.inbox.models import Conversation
from tanggap.execution.inbox.queries import Thread

Panel = Callable[[Conversation, Thread, Scope, datetime], "tuple[str, dict[str, Any]] | None"]
PANELS: dict[int, Panel] = {}


def panel(order: int) -> Callable[[Panel], Panel]:
    """Register a part of the side pane; lower numbers come first."""

    def keep(found: Panel) -> Panel:
        if order in PANELS:
            raise ValueError(f"two panels have the order {order}")
        PANELS[order] = found
        return found

    return keep


def panels(
    conversation: Conversation, thread: Thread, scope: Scope, now: datetime
) -> list[dict[str, Any]]:
    """What the template includes: [{"template": …, "with": {…}}]."""
    told = [PANELS[order](conversation, thread, scope, now) for order in sorted(PANELS)]
    return [{"template": one[0], "with": one[1]} for one in told if one is not None]
