"""What incoming messages add to the frame and to Today."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from tanggap.core.scope import Scope
from tanggap.desk import shell, today
from tanggap.desk.inbox import question, shown
from tanggap.desk.words import word
from tanggap.execution.inbox import queries
from tanggap.execution.inbox.models import Reply


@shell.count("inbox")
def waiting(scope: Scope, now: datetime) -> QuerySet[Any]:
    return queries.conversations(scope, now=now, group="open")


@today.finding(order=20)
def late(scope: Scope, now: datetime) -> str:
    if not scope.may("inbox.write"):
        return ""
    count = queries.late(scope, now)
    return (
        ngettext(
            "%(n)s message is past its promise", "%(n)s messages are past their promise", count
        )
        % {"n": shown.capped(count)}
        if count
        else ""
    )


@today.section(order=20)
def first(scope: Scope, now: datetime) -> today.Section | None:
    if not scope.may("inbox.write"):
        return None
    page = queries.page(scope, queries.wanted(scope, now=now, group="open"), size=5)
    return today.Section(
        gettext("Answer first"),
        [
            today.Row(
                shown.name_of(row.author),
                reverse("desk:inbox-thread", args=[row.pk]),
                row.snippet,
                due=row.due_at if line.owed else None,
                pills=[("", word(row.kind, "conversation_kind"))] if row.kind else [],
            )
            for line, row in ((one, one.row) for one in shown.lines(page.rows, ""))
        ],
        href=reverse("desk:inbox-list"),
        link=gettext("All messages"),
        empty=gettext("Nobody waits for an answer."),
    )


@today.section(order=21)
def approvals(scope: Scope, now: datetime) -> today.Section | None:
    if not scope.may("reply.approve"):
        return None
    rows = list(queries.awaiting(scope)[:4])
    if not rows:
        return None
    return today.Section(
        gettext("Answers that wait for you"),
        [
            today.Row(
                shown.name_of(row.conversation.author),
                reverse("desk:inbox-approvals"),
                shown.safe(row.text)[:140],
            )
            for row in rows
        ],
        href=reverse("desk:inbox-approvals"),
        link=gettext("Look at them"),
    )


@today.section(order=23)
def questions(scope: Scope, now: datetime) -> today.Section | None:
    """For those who answer; whoever publishes is asked with the posts."""
    if not scope.may("inbox.write") or scope.may("publish"):
        return None
    return _questions(queries.asking(scope), "desk:inbox-questions")


@today.section(order=18)
def sealed_questions(scope: Scope, now: datetime) -> today.Section | None:
    if not scope.may("integrity"):
        return None
    return _questions(queries.asking(scope, sealed_ones=True), "desk:inbox-sealed-questions")


def _questions(found: QuerySet[Reply], every: str) -> today.Section | None:
    rows = list(found[:4])
    if not rows:
        return None
    return today.Section(
        gettext("Answers that need your word"),
        question.lines(rows),
        href=reverse(every),
        link=gettext("All"),
    )


@today.section(order=22)
def sealed(scope: Scope, now: datetime) -> today.Section | None:
    if not scope.may("integrity"):
        return None
    count = queries.sealed(scope).filter(state__in=queries.OPEN)[: queries.CAP].count()
    return today.Section(
        gettext("Sealed reports"),
        href=f"{reverse('desk:inbox-sealed')}?group=open",
        link=gettext("Open"),
        count=count,
        empty=gettext("Reports of misconduct are shown to you only."),
    )
