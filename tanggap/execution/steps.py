"""The board of the eight steps (Permen PAN-RB 83/2012) of one activity, computed from rows.

Nobody ticks a step: it is done when there is evidence, and the evidence is linked.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from tanggap.activities.models import Activity
from tanggap.core.scope import Scope, scoped
from tanggap.execution.followup.models import Announcement, Finding, Recommendation
from tanggap.execution.inbox.models import Item, Reply
from tanggap.execution.publishing.models import Delivery
from tanggap.messaging.models import Variant


@dataclass(frozen=True)
class Evidence:
    """A row that proves a step: model label, id, and its name on screen."""

    kind: str
    pk: int
    words: str


@dataclass(frozen=True)
class Step:
    """One of eight. `evidence` has the newest five of `count`; `next` is what to do when undone."""

    key: str
    words: str
    done: bool
    count: int
    evidence: tuple[Evidence, ...]
    next: str


def steps(activity: Activity, scope: Scope) -> list[Step]:
    """The eight steps in their order, with what proves each."""
    posts = scoped(Delivery, scope).filter(variant__message__activity=activity, state="published")
    heard = scoped(Item, scope).filter(conversation__post__in=posts, conversation__sealed=False)
    findings = scoped(Finding, scope).filter(activity=activity)
    decisions = scoped(Recommendation, scope).filter(finding__activity=activity)
    told = scoped(Announcement, scope).filter(
        recommendation__finding__activity=activity, state__in=["approved", "sent"]
    )
    return [
        _step(
            "audience",
            _("Set the audience"),
            activity.segments.all(),
            _("Choose groups of the plan in the activity."),
            "name",
        ),
        _step(
            "channel",
            _("Choose media and accounts"),
            scoped(Variant, scope).filter(message__activity=activity).select_related("account"),
            _("Choose official accounts for its content."),
            "account",
        ),
        _step(
            "publish",
            _("Make and upload messages"),
            posts.select_related("account"),
            _("Have its content approved and published."),
            "account",
        ),
        _step(
            "monitor",
            _("Monitor the conversation"),
            heard,
            _("Nothing has come in below its posts yet."),
            "pk",
        ),
        _step(
            "interact",
            _("Interact"),
            scoped(Reply, scope).filter(conversation__post__in=posts, state="released"),
            _("Answer what came in below its posts."),
            "pk",
        ),
        _step(
            "analyse",
            _("Analyse and distil"),
            findings.exclude(state="draft"),
            _("Write a finding and let a second person confirm it."),
            "title",
        ),
        _step(
            "recommend",
            _("Recommend"),
            decisions.exclude(state__in=["draft", "proposed"]),
            _("Put a recommendation before the head."),
            "title",
        ),
        _step(
            "announce",
            _("Publish what was done"),
            told,
            _("Announce the decision to everybody who asked."),
            "title",
        ),
    ]


def _step(key: str, words: str, rows: QuerySet, next_: str, name: str) -> Step:  # type: ignore[type-arg]
    count = rows.count()
    # The newest stand for all of them, which are counted.
    shown = tuple(
        Evidence(row._meta.label_lower, row.pk, str(getattr(row, name)))
        for row in rows.order_by("-pk")[:5]
    )
    return Step(key, words, bool(count), count, shown, "" if count else next_)
