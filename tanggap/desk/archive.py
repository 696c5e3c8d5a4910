"""The archive: everything on record, the proof of one record in words, a thing's whole story."""

from __future__ import annotations

import json
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse

from tanggap.archive import proof, queries
from tanggap.core.models import Membership, Person
from tanggap.core.scope import Scope, scoped
from tanggap.desk.asked import a_day
from tanggap.desk.door import DeskRequest, desk
from tanggap.desk.words import tables, word

MOST_STEPS = 200
VERBS = ("record_verb", "case_event")
"""Groups of words for verbs; what happens to a report has its own."""


def people(rows: list[Any], scope: Scope) -> dict[str, str]:
    """Names of those who acted: only people of this agency are named, others stay numbers."""
    ids = {
        int(row.actor[7:])
        for row in rows
        if row.actor.startswith("person:") and row.actor[7:].isdigit()
    }
    known = scoped(Membership, scope).filter(person_id__in=ids).values("person_id")
    return {f"person:{one.pk}": one.name for one in Person.objects.filter(pk__in=known)}


def lines(rows: list[Any], scope: Scope) -> list[dict[str, Any]]:
    """Records as rows of a list."""
    names = people(rows, scope)
    return [
        {
            "row": row,
            "who": names.get(row.actor, row.actor),
            "what": said(row.verb),
            "about": f"{word(row.subject_type, 'record_subject')} {row.subject_id}",
            "href": reverse("desk:archive-record", args=[row.pk]),
            "facts": ", ".join(f"{name}: {_short(value)}" for name, value in row.facts.items()),
        }
        for row in rows
    ]


def said(verb: str) -> str:
    """A record's verb in words: its own, else those of the state that the thing came into."""
    for group in VERBS:
        if verb in tables()[group]:
            return word(verb, group)
    thing, _dot, state = verb.partition(".")
    return word(state, f"{thing}_state") if f"{thing}_state" in tables() else verb


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"


@desk("archive.read")
def listing(request: DeskRequest) -> HttpResponse:
    """Newest first; filtered by verb, who, what it is about, and day."""
    asked = {
        name: request.GET.get(name, "").strip()[:120]
        for name in ("verb", "actor", "type", "id", "day")
    }
    after = request.GET.get("after", "")
    day = a_day(asked["day"])
    page = queries.recorded(
        request.scope,
        verb=asked["verb"],
        actor=asked["actor"],
        subject_type=asked["type"],
        subject_id=asked["id"],
        day=day,
        after=int(after) if after.isascii() and after.isdigit() and len(after) < 18 else None,
    )
    return render(
        request,
        "desk/archive/list.html",
        {
            "rows": lines(page.records, request.scope),
            "after": page.after,
            "asked": asked,
            "filtered": any(asked.values()),
            "head": queries.newest_head(request.scope, request.agency),
            "verbs": [(verb, said(verb)) for verb in queries.verbs(request.scope)],
            "subjects": tables()["record_subject"],
            "wrong_day": bool(asked["day"]) and day is None,
        },
    )


@desk("archive.read")
def one(request: DeskRequest, pk: int) -> HttpResponse:
    """One record, and whether the signed log really holds it."""
    page = queries.recorded(request.scope, after=pk + 1, size=1)
    row = page.records[0] if page.records else None
    if row is None or row.pk != pk:
        raise Http404
    try:
        found = proof.inclusion(row)
        state = "sealed" if proof.check(found) else "broken"
    except proof.NotSealed:
        found, state = None, "waiting"
    return render(
        request,
        "desk/archive/record.html",
        {
            "line": lines([row], request.scope)[0],
            "row": row,
            "proof": found,
            "state": state,
            "facts": [
                (
                    name,
                    json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value,
                )
                for name, value in row.facts.items()
            ],
            "leaf": bytes(row.leaf_hash).hex(),
            "path": [step.hex() for step in found.path] if found else [],
            "root": found.head.root.hex() if found else "",
            "content": bytes(row.content_hash).hex() if row.content_hash else "",
            "data": found.data.decode() if found else "",
        },
    )


@desk("archive.read")
def story(request: DeskRequest, kind: str, ident: str) -> HttpResponse:
    """Everything on record about one thing, oldest first."""
    rows = list(queries.timeline(request.scope, (kind, ident))[: MOST_STEPS + 1])
    if not rows:
        raise Http404
    steps = [
        {
            "title": line["what"],
            "text": line["facts"],
            "by": line["who"],
            "at": line["row"].at,
            "tone": "now" if line["row"] is rows[-1] else "",
        }
        for line in lines(rows[:MOST_STEPS], request.scope)
    ]
    return render(
        request,
        "desk/archive/story.html",
        {
            "about": f"{word(kind, 'record_subject')} {ident}",
            "steps": steps,
            "total": len(steps),
            "more": len(rows) > MOST_STEPS,
            "kind": kind,
            "ident": ident,
        },
    )


urlpatterns = [
    path("", listing, name="archive-list"),
    path("catatan/<int:pk>/", one, name="archive-record"),
    path("riwayat/<str:kind>/<str:ident>/", story, name="archive-story"),
]
