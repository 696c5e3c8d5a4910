"""Step 4, by and by: corrections of officers become a layer of the agency's own.

Nothing is learnt silently. `propose` measures a layer on corrections that it was not taught, and
keeps it beside; `accept` puts it in use, by a person who saw the figures. What a conversation under
seal says is never learnt from.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.archive.record import record
from tanggap.core.errors import Refused
from tanggap.core.models import Agency, Person
from tanggap.execution.inbox.models import Layer, Suggestion
from tanggap.language import MADE_BY, layer
from tanggap.language.suggest import kind_chances

FIELD = "kind"
MOST = 20_000
"""The newest judgements that are learnt from."""


def propose(agency: Agency, *, by: Person | str, now: datetime) -> Layer:
    """A layer made of what officers accepted and corrected, with its report; in use by nobody yet.
    Raises Refused when there is too little to learn from."""
    rows = (
        Suggestion.objects.filter(
            agency=agency,
            field=FIELD,
            verdict__in=["accepted", "corrected"],
            item__conversation__sealed=False,
        )
        .order_by("-judged_at")
        .values_list("item__text", "item__conversation_id", "verdict", "value", "corrected_to")
    )
    examples = [
        layer.Example(text, corrected if verdict == "corrected" else value, f"{conversation}")
        for text, conversation, verdict, value, corrected in rows[:MOST]
    ]
    held = sum(layer.is_held_back(one.family) for one in examples)
    if len(examples) < layer.LEAST or not held:
        raise Refused(
            _("Nothing was learnt."),
            _("Officers have judged %(count)s suggestions; %(least)s are needed.")
            % {"count": len(examples), "least": layer.LEAST},
            _("Accept or correct more suggestions in the inbox, then learn again."),
        )
    labels, _chances = kind_chances("")
    known = [one for one in examples if one.label in labels]
    shipped = np.vstack([kind_chances(one.text)[1] for one in known])
    learnt, report = layer.learn(known, labels, shipped)
    with transaction.atomic():
        made = Layer.objects.create(
            agency=agency,
            field=FIELD,
            weights=learnt.as_json(),
            over=MADE_BY,
            learnt_from=report.learnt_from,
            held_back=report.held_back,
            before=report.before,
            after=report.after,
            made_at=now,
        )
        record(
            agency,
            "layer.proposed",
            made,
            by=by,
            now=now,
            facts={
                "field": FIELD,
                "learnt_from": report.learnt_from,
                "held_back": report.held_back,
                "before": str(report.before),
                "after": str(report.after),
            },
        )
    return made


def accept(made: Layer, *, by: Person, now: datetime) -> Layer:
    """Put a proposed layer in use. Raises Refused when it corrects another model than today's."""
    if made.over != MADE_BY:
        raise Refused(
            _("The layer was not put in use."),
            _("It was learnt over another version of the model."),
            _("Learn again, then accept the new layer."),
        )
    with transaction.atomic():
        made = Layer.objects.select_for_update().get(pk=made.pk)
        if made.accepted_at is None:
            made.accepted_at, made.accepted_by = now, by
            made.save(update_fields=["accepted_at", "accepted_by"])
            record(made.agency, "layer.accepted", made, by=by, now=now, facts={"field": FIELD})
    return made


def in_use(agency: Agency) -> dict[str, tuple[int, layer.Layer]]:
    """The agency's accepted layers by field, each with its number."""
    made = (
        Layer.objects.filter(agency=agency, field=FIELD, over=MADE_BY, accepted_at__isnull=False)
        .order_by("-accepted_at", "-pk")
        .first()
    )
    return {} if made is None else {FIELD: (made.pk, layer.from_json(made.weights))}
