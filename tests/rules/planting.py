"""One row of every table that belongs to an agency, each text of it a word found nowhere else.

So a page that shows a byte of another agency is caught by the word, and the word says of which
table and column it is. A model that is new is planted by itself; where a row needs particular
values to be believed, RICH says them.
"""

from __future__ import annotations

import itertools
import secrets as random
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchVectorField
from django.core.files.base import ContentFile
from django.db import models
from PIL import Image

from tanggap.accounts import connect
from tanggap.core.models import Agency, Person, Scoped
from tanggap.execution.followup import keys
from tanggap.execution.publishing import content as contents
from tanggap.language import redact
from tanggap.office import invite

NIK = "3299014507900001"
PHONE = "0812-0000-4711"
EMAIL = "tini.rahasia@surat.example"
TOKEN = "tok-rahasia-9f2c71ab"
PERSONAL = (NIK, PHONE, EMAIL, TOKEN)
LINK = "kunci-pelimpahan-yang-panjang-sekali-000000"
FOREVER = datetime.fromisoformat("9999-12-31T00:00:00+00:00")


@dataclass
class Planted:
    """What was planted in one agency: the row of each model, and of which column each word is."""

    agency: Agency
    unit: Agency
    person: Person
    now: datetime
    tag: str
    rows: dict[str, models.Model] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    # Words of the sealed lane, for eyes of the integrity desk only.
    sealed: dict[str, str] = field(default_factory=dict)
    # The same tables once more, of the sealed lane.
    sealed_rows: dict[str, models.Model] = field(default_factory=dict)
    count: itertools.count = field(default_factory=lambda: itertools.count(10))

    def word(self, where: str, most: int | None = None, sealed: bool = False) -> str:
        """A new word, remembered."""
        made = f"{self.tag}{next(self.count)}q"
        if most is None or most >= 24:
            made += "".join(one for one in where.split(".")[-1] if one.isalnum())[:12]
        assert most is None or len(made) <= most, f"{where} has no room for a word"
        (self.sealed if sealed else self.words)[made] = where
        return made

    def row(self, label: str) -> Any:
        return self.rows[label]


def said(word: str) -> str:
    """What a citizen wrote, with what must never be shown in it."""
    return (
        f"{word}: pak, jembatan putus. NIK saya {NIK}, hubungi {PHONE} atau {EMAIL}, terima kasih."
    )


def spans(text: str) -> list[dict[str, Any]]:
    return [{"start": one.start, "end": one.end, "kind": one.kind} for one in redact.redact(text)]


def _content(planted: Planted) -> dict[str, Any]:
    return contents.make(planted.word("publishing.Delivery.content"))


def _file(planted: Planted) -> ContentFile:
    held = BytesIO()
    Image.new("RGB", (8, 8), "green").save(held, "PNG")
    return ContentFile(held.getvalue(), name=f"{planted.word('messaging.Media.file', 20)}.png")


# Values of columns, by "app.Model": what a believable row needs beyond a word in each text. A
# callable is given what is planted so far.
RICH: dict[str, dict[str, Any]] = {
    "core.Membership": {"role": "auditor", "valid_from": date(2026, 1, 1), "unit": None},
    "core.Invitation": {
        "role": "editor",
        "valid_from": date(2026, 1, 1),
        "unit": None,
        "token_hash": lambda p: invite.hash_of(p.tag + LINK),
        "expires_at": lambda p: p.now + timedelta(days=3),
    },
    "accounts.Account": {
        "channel": "mastodon",
        "preset": "",
        "state": "connected",
        "server": "https://sosial.example",
        "limits": {},
        "trouble": "",
        "trouble_said": "",
        "paused_code": "",
        "paused_reason": "",
        "retired_reason": "",
        "url": "https://sosial.example/@dinas",
    },
    "accounts.Credential": {"superseded_at": lambda p: p.now},
    "accounts.Bucket": {"scope": "posts", "capacity": 300, "tokens": 300.0, "window_s": 300},
    "planning.Plan": {
        "state": "running",
        "period_start": date(2026, 10, 1),
        "period_end": date(2026, 12, 31),
        "version": 1,
        "lessons": lambda p: [{"text": p.word("planning.Plan.lessons"), "source": "x"}],
    },
    "planning.Segment": {"ladder": {"creators": 8}},
    "planning.Objective": {"metric": "comments", "kind": "listen"},
    "planning.ChannelChoice": {"channel": "mastodon", "chosen": True},
    "activities.Activity": {
        "state": "running",
        "ends_at": lambda p: p.now + timedelta(hours=3),
        "relation": "g2c",
        "purpose": "inform",
    },
    "activities.Hold": {"account": None, "lifted_by": None, "lifted_reason": ""},
    "messaging.Message": {
        "state": "checked",
        "openness": "periodic",
        "language": "id",
        "tone": "warm",
        "approved_by": None,
        "emergency": False,
    },
    "messaging.Variant": {
        "parts": lambda p: [p.word("messaging.Variant.parts")],
        "visibility": "public",
    },
    "messaging.Media": {"file": _file, "mime": "image/png", "width": 8, "height": 8, "size": 90},
    "messaging.Review": {"kind": "comment", "verdict": "noted", "cleared": []},
    "messaging.Exemption": {
        "words": lambda p: [p.word("messaging.Exemption.words")],
        "expires_on": date(2030, 1, 1),
    },
    "messaging.ShortLink": {
        "code": lambda p: p.word("messaging.ShortLink.code", 12),
        "target": "https://lumbung.example/jadwal",
    },
    "publishing.Delivery": {
        "kind": "post",
        "lane": 2,
        "state": "published",
        "content": _content,
        "reply_target": "",
        "wall_time": "2026-11-24T10:00",
        "zone": "Asia/Jakarta",
        "published_at": lambda p: p.now,
        "remote_url": "https://sosial.example/@dinas/1",
        "approved_by": "rule:test",
        "prepared": {},
        "trouble": "",
        "trouble_said": "",
        "follows": None,
        "lease_token": None,
    },
    "publishing.Attempt": {"act": "send", "outcome": "posted", "facts": {}},
    "inbox.Conversation": {
        "state": "triaged",
        "kind": "complaint",
        "visibility": "public",
        "due_at": lambda p: p.now,
        "snoozed_until": None,
        "last_item_id": 0,
        "human_fields": {},
        "labelled": {},
    },
    "inbox.Item": {
        "visibility": "public",
        "source": "channel",
        "language": "id",
        "media": [],
        "text": lambda p: said(p.word("inbox.Item.text")),
        "quarantined": "",
        "url": "https://sosial.example/@warga/2",
    },
    "inbox.Revision": {
        "text": lambda p: said(p.word("inbox.Revision.text")),
        "media": [],
        "number": 1,
    },
    "inbox.Cursor": {"value": {}, "stream": "main", "failed_why": "", "failed_said": ""},
    "inbox.Suggestion": {
        "field": "kind",
        "value": "complaint",
        "reasons": [],
        "verdict": "",
        "corrected_to": "",
        "confidence": 0.8,
    },
    "inbox.SavedAnswer": {"valid_until": date(2030, 1, 1)},
    "inbox.Reply": {
        "state": "awaiting",
        "purpose": "answer",
        "delivery": None,
        "returned_reason": "",
    },
    "inbox.Moderation": {"act": "refused", "reason": "criticism"},
    "inbox.Claim": {"state": "checking", "verdict": "", "decided_by": None, "published": False},
    # Nobody has accepted it, so that it is not in use.
    "inbox.Layer": {"field": "kind", "weights": {}, "accepted_at": None, "accepted_by": None},
    "inbox.Vocabulary": {"kind": "unit"},
    "followup.Case": {
        "kind": "complaint",
        "state": "in_progress",
        "due_at": lambda p: p.now,
        "number": lambda p: p.word("followup.Case.number", 16).upper(),
        "sp4n_id": "",
        "resolution": "",
        "public": False,
        "satisfaction": None,
    },
    "followup.Contributor": {"not_fixed_words": "", "satisfaction": None},
    "followup.Clock": {"rule": "sp4n_complaint", "amount": 5, "recomputed": []},
    "followup.Handover": {
        "state": "offered",
        "expires_at": lambda p: p.now + timedelta(days=3),
        "answer": "",
        "answered_name": "",
        "refusal": "",
        "rightful_unit": None,
        "token_hash": lambda p: keys.hash_token(p.tag + LINK),
    },
    "followup.Evidence": {"when": "before", "public": False},
    "followup.Finding": {
        "state": "draft",
        "checked_by": None,
        "items_total": 1,
        "period_end": lambda p: p.now,
    },
    "followup.FindingGroup": {"rest": False, "order": 1},
    "followup.Recommendation": {
        "state": "proposed",
        "decided_by": None,
        "decision_reason": "",
        "changed_to": "",
        "done_note": "",
        "chosen": None,
    },
    "followup.Option": {"letter": "A"},
    "followup.Announcement": {"state": "draft", "approved_by": None, "approved_hash": None},
    "followup.Telling": {"delivery": None},
    "monitoring.Measurement": {
        "metric": "favourites",
        "day": None,
        "page": "",
        "age_h": 24,
        "source": "channel",
    },
    "monitoring.Collection": {"failed_code": "", "failed_why": ""},
    "monitoring.AnalyticsImport": {"refused": []},
    "monitoring.Evaluation": {
        "state": "open",
        "returns": [],
        "objectives": [],
        "closed_by": None,
        "next_plan": None,
        "lessons": lambda p: [{"text": p.word("monitoring.Evaluation.lessons"), "source": "x"}],
    },
    "archive.Record": {
        "verb": "case.opened",
        "actor": "citizen",
        "facts": {},
        "key": None,
        "subject_type": "followup.case",
        "subject_id": "1",
    },
    "archive.TreeHead": {"signer": "k"},
}

# Left alone: made by a trigger or by reading, with no words of their own.
BARE = {"archive.Pending", "archive.Node", "archive.TreeHead", "archive.Leaf"}

# The sealed lane: these tables a second time, for the integrity desk only.
SEALED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("inbox.Author", {}),
    ("inbox.Conversation", {"sealed": True, "kind": "integrity", "visibility": "private"}),
    ("inbox.Item", {"visibility": "private"}),
    ("inbox.Note", {}),
    ("followup.Case", {"sealed": True, "public": False, "kind": "integrity"}),
    ("followup.Contributor", {}),
    ("followup.Clock", {}),
)


def plant(agency: Agency, unit: Agency, tag: str, now: datetime) -> Planted:
    """Plant the agency full. Every word begins with `tag`."""
    person = Person()
    planted = Planted(agency, unit, person, now, tag)
    person.name, person.phone = planted.word("core.Person.name"), planted.word("core.Person.phone")
    person.email = f"{planted.word('core.Person.email')}@lumbung.example"
    person.save()
    for model in order():
        label = f"{model._meta.app_label}.{model.__name__}"
        if label not in BARE:
            planted.rows[label] = make(planted, model, label, {}, planted.rows)
    _connect(planted)
    connect.keep(planted.row("accounts.Account"), {"access_token": TOKEN}, by=person, now=now)
    for label, more in SEALED:
        near = {**planted.rows, **planted.sealed_rows}
        made = make(planted, apps.get_model(label), label, more, near, sealed=True)
        planted.sealed_rows[label] = made
    return planted


def order() -> list[type[models.Model]]:
    """Every scoped model and those beside them, each after what it points to."""
    left = [
        model
        for model in apps.get_models()
        if any(one.name == "agency" for one in model._meta.concrete_fields)
    ]
    done: list[type[models.Model]] = []
    while left:
        ready = [one for one in left if not _needs(one, left, null=True)] or [
            one for one in left if not _needs(one, left, null=False)
        ][:1]
        assert ready, f"{left} point to each other"
        done += ready
        left = [model for model in left if model not in ready]
    return done


def _needs(model: type[models.Model], left: list[type[models.Model]], null: bool) -> bool:
    return any(
        one.related_model in left and one.related_model is not model
        for one in model._meta.concrete_fields
        if one.is_relation and (null or not one.null)
    )


def make(
    planted: Planted,
    model: type[models.Model],
    label: str,
    more: dict[str, Any],
    near: dict[str, models.Model],
    sealed: bool = False,
) -> models.Model:
    rich = {**RICH.get(label, {}), **more}
    before = dict(planted.words)
    values: dict[str, Any] = {}
    for one in model._meta.concrete_fields:
        if one.primary_key and not one.is_relation:
            continue
        if one.name in rich:
            given = rich[one.name]
            values[one.name] = given(planted) if callable(given) else given
        else:
            value = _value(planted, one, label, near, sealed)
            if value is not models.NOT_PROVIDED:
                values[one.name] = value
    if "personal" in values and "text" in values:
        values["personal"] = spans(values["text"])
    if sealed:
        for word in set(planted.words) - set(before):
            planted.sealed[word] = planted.words.pop(word)
    if label == "publishing.Delivery":
        values["content_hash"] = values["approved_hash"] = contents.digest(
            values["content"], values["account"].pk, ""
        )
    return model._default_manager.create(**values)


def _value(
    planted: Planted, one: models.Field, label: str, near: dict[str, models.Model], sealed: bool
) -> Any:
    """A value that fits the column; a word wherever it is text."""
    where = f"{label}.{one.name}"
    if one.name == "agency":
        return planted.agency
    if one.is_relation:
        target = one.related_model
        if sealed and one.one_to_one and one.null:
            return None
        if target is Agency:
            return planted.agency if one.name in {"subtree"} else planted.unit
        if target is Person:
            return planted.person
        return near.get(f"{target._meta.app_label}.{target.__name__}")
    if isinstance(one, SearchVectorField):
        return models.NOT_PROVIDED
    if one.choices or (one.has_default() and not isinstance(one, models.JSONField)):
        return one.get_default() if one.has_default() else one.choices[0][0]
    if isinstance(one, ArrayField):
        return [planted.word(where, 16, sealed)]
    if isinstance(one, models.EmailField):
        return f"{planted.word(where, None, sealed)}@surat.example"
    if isinstance(one, models.URLField):
        return f"https://{planted.word(where, None, sealed)}.example/"
    if isinstance(one, models.CharField | models.TextField):
        return planted.word(where, one.max_length, sealed)
    if isinstance(one, models.JSONField):
        return one.get_default()
    if isinstance(one, models.BinaryField):
        return random.token_bytes(one.max_length or 32)
    if isinstance(one, models.UUIDField):
        return None if one.null else uuid.uuid4()
    if one.null:
        return None
    if isinstance(one, models.DateTimeField):
        return planted.now - timedelta(hours=2)
    if isinstance(one, models.DateField):
        return planted.now.date()
    if isinstance(one, models.DecimalField):
        return Decimal(7)
    return 1


def _connect(planted: Planted) -> None:
    """What points backward in a circle, and what stands beside: many-to-many."""
    for row in planted.rows.values():
        for one in row._meta.many_to_many:
            target = f"{one.related_model._meta.app_label}.{one.related_model.__name__}"
            through = one.remote_field.through
            if through._meta.auto_created and target in planted.rows:
                getattr(row, one.name).add(planted.rows[target])


def scoped_labels() -> set[str]:
    return {
        f"{model._meta.app_label}.{model.__name__}"
        for model in apps.get_models()
        if issubclass(model, Scoped)
    }
