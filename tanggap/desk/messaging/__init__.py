"""Content: what is being written, what waits for a second person, what is approved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext, ngettext

from tanggap.core import pages
from tanggap.core.scope import Scope
from tanggap.desk import shell, today
from tanggap.desk.door import desk
from tanggap.desk.messaging import compose, pictures, review
from tanggap.desk.words import word
from tanggap.messaging import queries
from tanggap.messaging.models import Message

PAGE = 25


@desk("message.read")
def listing(request: HttpRequest) -> HttpResponse:
    scope, asked = request.scope, request.GET
    only = asked.get("only", "")
    text = asked.get("q", "").strip()[:100]
    mine = queries.to_review(scope)
    if only == "mine":
        rows = queries.listed(scope, text=text).filter(pk__in=mine.values("pk"))
    else:
        only = only if only in queries.FILTERS else ""
        rows = queries.listed(scope, only, text)
    page = pages.page(
        rows.prefetch_related("variants__account"), after=asked.get("after", ""), size=PAGE
    )
    counts = queries.counts(scope)
    waiting = mine.count()
    groups = [("all", sum(counts[name] for name in queries.FILTERS if name != "owed"))]
    if scope.may("message.review"):
        groups.insert(0, ("mine", waiting))
    groups += [
        (name, counts[name])
        for name in queries.FILTERS
        if counts[name] or name in ("writing", "waiting")
    ]
    return render(
        request,
        "desk/messaging/list.html",
        {
            "title": title(waiting, counts),
            "rows": page.rows,
            "groups": groups,
            "only": only or "all",
            "q": text,
            "page": page,
        },
    )


def title(waiting: int, counts: dict[str, int]) -> str:
    """The finding: what waits for you, else for somebody, else what is being written."""
    if waiting:
        return _for_you(waiting)
    if counts["waiting"]:
        return ngettext(
            "%(n)d content waits for a second person",
            "%(n)d contents wait for a second person",
            counts["waiting"],
        ) % {"n": counts["waiting"]}
    if counts["writing"]:
        return ngettext(
            "%(n)d content is being written", "%(n)d contents are being written", counts["writing"]
        ) % {"n": counts["writing"]}
    return gettext("Nothing waits for approval")


def _for_you(count: int) -> str:
    return ngettext(
        "%(n)d content waits for your review", "%(n)d contents wait for your review", count
    ) % {"n": count}


@shell.count("messaging")
def waiting(scope: Scope, now: datetime) -> QuerySet[Message]:
    return queries.to_review(scope)


@today.finding(order=35)
def told(scope: Scope, now: datetime) -> str:
    count = queries.to_review(scope).count()
    return _for_you(count) if count else ""


@today.section(order=35)
def section(scope: Scope, now: datetime) -> today.Section | None:
    """What waits for this person's yes or no."""
    if not scope.may("message.review"):
        return None
    rows = list(queries.to_review(scope)[:5])
    if not rows:
        return None
    return today.Section(
        title=gettext("Waiting for your review"),
        href=f"{reverse('desk:messaging-list')}?only=mine",
        link=gettext("All of them"),
        count=queries.to_review(scope).count(),
        rows=[
            today.Row(
                title=row.title,
                href=reverse("desk:messaging-review", args=[row.pk]),
                text=gettext("Written by %(name)s.") % {"name": row.author.name},
                pills=[("late", word("owed", "message_filter"))] if row.review_owed else [],
                due=row.publish_at,
                act=gettext("Review"),
            )
            for row in rows
        ],
    )


urlpatterns: list[Any] = [
    path("", listing, name="messaging-list"),
    path("tulis/", compose.new, name="messaging-new"),
    path("gambar/<int:pk>/", pictures.show, name="messaging-file"),
    path("<int:pk>/", compose.one, name="messaging-one"),
    path("<int:pk>/simpan/", compose.save, name="messaging-save"),
    path("<int:pk>/varian/<int:variant>/", compose.adapt, name="messaging-adapt"),
    path("<int:pk>/varian/<int:variant>/ikut/", compose.follow, name="messaging-follow"),
    path("<int:pk>/gambar/", pictures.upload, name="messaging-upload"),
    path("<int:pk>/gambar/<int:picture>/", pictures.describe, name="messaging-describe"),
    path("<int:pk>/ajukan/", compose.submit, name="messaging-submit"),
    path("<int:pk>/tarik/", compose.withdraw, name="messaging-withdraw"),
    path("<int:pk>/komentar/", review.comment, name="messaging-comment"),
    path("<int:pk>/darurat/", review.emergency, name="messaging-emergency"),
    path("<int:pk>/periksa/", review.show, name="messaging-review"),
]
