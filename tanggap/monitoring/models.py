"""Stage 5, monitoring and evaluation: numbers with a time and a source, and what they teach.

Capabilities 93-97. A number that a network does not give is "tidak tersedia", never zero.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from tanggap.accounts.models import Account
from tanggap.activities.models import Activity
from tanggap.core.models import Person, Scoped
from tanggap.core.states import States
from tanggap.execution.publishing.models import Delivery
from tanggap.planning.models import Plan


class Measurement(Scoped):
    """One number, one time, one source (ukuran). Append-only."""

    metric = models.CharField(max_length=40)  # as the network, the file or the link calls it
    value = models.DecimalField(max_digits=18, decimal_places=3)
    delivery = models.ForeignKey(
        Delivery, null=True, blank=True, on_delete=models.PROTECT, related_name="measurements"
    )
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.PROTECT, related_name="measurements"
    )
    activity = models.ForeignKey(
        Activity, null=True, blank=True, on_delete=models.PROTECT, related_name="measurements"
    )
    # The day that a web-analytics figure is about; null for a figure of this instant.
    day = models.DateField(null=True, blank=True)
    page = models.CharField(max_length=500, blank=True)
    age_h = models.PositiveIntegerField(null=True, blank=True)  # set age of the delivery, hours
    measured_at = models.DateTimeField()
    source = models.CharField(max_length=60)  # "channel", "short_link", "csv:<import id>", "own"

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["delivery", "metric", "age_h"],
                condition=Q(delivery__isnull=False, age_h__isnull=False),
                name="monitoring_once_an_age",
            ),
            models.UniqueConstraint(
                fields=["agency", "metric", "day", "page"],
                condition=Q(day__isnull=False),
                name="monitoring_once_a_day_and_page",
            ),
        ]
        indexes = [
            models.Index(fields=["agency", "metric", "measured_at"], name="monitoring_series")
        ]
        triggers = [
            pgtrigger.Protect(
                name="measurement_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]


class Collection(Scoped):
    """When a delivery is asked for its numbers next, and what went wrong the last time."""

    delivery = models.OneToOneField(Delivery, on_delete=models.CASCADE, related_name="collection")
    # Null when every age is behind, or the post is gone.
    next_age_h = models.PositiveIntegerField(null=True, blank=True)
    next_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)  # in a row
    failed_code = models.CharField(max_length=40, blank=True)  # of channels/errors.py, or "gone"
    failed_why = models.TextField(blank=True)  # in the network's words

    class Meta(Scoped.Meta):
        indexes = [models.Index(fields=["next_at"], name="monitoring_collect_due")]


class AnalyticsImport(Scoped):
    """A web-analytics CSV that an officer brought in: rows taken, rows refused with reasons."""

    file_name = models.CharField(max_length=200)
    sha256 = models.BinaryField(max_length=32)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    rows_taken = models.PositiveIntegerField(default=0)
    rows_refused = models.PositiveIntegerField(default=0)
    refused = models.JSONField(default=list, blank=True)  # the first ones: [{line, why, text}]

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(fields=["agency", "sha256"], name="monitoring_import_once"),
        ]


class EvaluationStates(States):
    open = ("closed",)
    closed = ()


class Evaluation(Scoped):
    """Closes a plan's period: what was reached, what was learnt, and the next plan."""

    STATES = EvaluationStates

    plan = models.OneToOneField(Plan, on_delete=models.PROTECT, related_name="evaluation")
    state = models.CharField(max_length=12, default=EvaluationStates.initial)
    opened_at = models.DateTimeField()
    written_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    # The return table as it was when closed: [{metric, value, n, of, why_not}]
    returns = models.JSONField(default=list, blank=True)  # monitoring/returns.py snapshot()
    # [{objective_id, text, metric, baseline, target, reached, reached_by, verdict, why}];
    # reached_by is "table" or "person"; verdict kept, changed or dropped, "" before it is judged
    objectives = models.JSONField(default=list, blank=True)
    lessons = models.JSONField(default=list, blank=True)  # [{text, source}]
    staff_hours = models.DecimalField(max_digits=10, decimal_places=1, null=True, blank=True)
    budget_idr = models.DecimalField(max_digits=16, decimal_places=0, null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    next_plan = models.OneToOneField(
        Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="grown_from"
    )

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.CheckConstraint(
                condition=~Q(state="closed") | Q(next_plan__isnull=False),
                name="monitoring_closed_opens_next_plan",
            ),
        ]
