"""Stage 1, planning (POST): people, objectives, strategy, technology. Capabilities 74-81.

The four parts follow Permen PAN-RB 83/2012; the strategy fields beside them (issues, key message,
channels, indicators) follow Permendesa PDT 9/2025 on public communication.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tanggap.core.models import Person, Scoped
from tanggap.core.states import States


class PlanStates(States):
    draft = ("reviewed",)
    reviewed = ("approved", "draft")
    approved = ("running", "draft")
    running = ("evaluated",)
    evaluated = ()


class Plan(Scoped):
    """What an agency wants from its social media in a period, and why it believes that."""

    STATES = PlanStates

    title = models.CharField(max_length=200)
    state = models.CharField(max_length=16, default=PlanStates.initial)
    version = models.PositiveIntegerField(default=1)
    period_start = models.DateField()
    period_end = models.DateField()
    # P, S and T in words; O is in Objective, the people's groups in Segment.
    people = models.TextField(blank=True)
    strategy = models.TextField(blank=True)
    technology = models.TextField(blank=True)
    welfare_outcome = models.TextField(blank=True)
    issues = models.TextField(blank=True)
    priority_issue = models.TextField(blank=True)
    key_message = models.TextField(blank=True)
    programme = models.CharField(max_length=200, blank=True)  # of Renstra / RPJMD
    # Lessons are copied from the evaluation before, not pointed at; empty means a first plan.
    lessons = models.JSONField(default=list, blank=True)
    previous_title = models.CharField(max_length=200, blank=True)
    person_in_charge = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    returned_reason = models.TextField(blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.CheckConstraint(
                condition=Q(period_end__gte=F("period_start")), name="planning_plan_period"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Segment(Scoped):
    """A group of people with its profile on the social-technographic ladder.

    Shares overlap (a creator is also a spectator): they are not made to add up to 100.
    """

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="segments")
    name = models.CharField(max_length=120)
    who = models.TextField()
    region = models.CharField(max_length=120, blank=True)
    languages = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    ages = models.CharField(max_length=60, blank=True)
    devices = models.CharField(max_length=120, blank=True)
    platforms = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    # rung (planning/write.RUNGS) -> percent
    ladder = models.JSONField(default=dict, blank=True)
    source = models.CharField(max_length=200, blank=True)

    class Meta(Scoped.Meta):
        pass

    def __str__(self) -> str:
        return self.name


class Objective(Scoped):
    """A sasaran: from a baseline to a target of one metric of the return table, by a day."""

    class Kind(models.TextChoices):
        LISTEN = "listen", _("Listen to aspirations")
        CONSULT = "consult", _("Obtain input")
        INFORM = "inform", _("Inform")
        AWARENESS = "awareness", _("Raise awareness")
        SERVE = "serve", _("Serve")
        COLLABORATE = "collaborate", _("Collaborate")

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="objectives")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    text = models.TextField()
    metric = models.CharField(max_length=40)  # a key of monitoring/metrics.json
    baseline = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    baseline_source = models.CharField(max_length=200, blank=True)
    target = models.DecimalField(max_digits=14, decimal_places=2)
    due_on = models.DateField()
    segments = models.ManyToManyField(
        Segment, through="ObjectiveSegment", blank=True, related_name="objectives"
    )

    class Meta(Scoped.Meta):
        pass

    def __str__(self) -> str:
        return self.text


class ObjectiveSegment(Scoped):
    """One segment that an objective is for."""

    objective = models.ForeignKey(Objective, on_delete=models.CASCADE, related_name="+")
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="+")

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["objective", "segment"], name="planning_objectivesegment_once"
            ),
        ]


class ChannelChoice(Scoped):
    """T of POST: a channel chosen or rejected, with the reason."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="channel_choices")
    channel = models.CharField(max_length=32)
    chosen = models.BooleanField()
    reason = models.TextField()

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(fields=["plan", "channel"], name="planning_channelchoice_once"),
        ]
