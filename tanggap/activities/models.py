"""Stage 2, activities (agenda): on a calendar, tied to an objective, with a person in charge.

Capabilities 52, 82, 83; the hold switch is capability 37.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tanggap.accounts.models import Account
from tanggap.core.models import Agency, Person, Scoped
from tanggap.core.states import States
from tanggap.planning.models import Objective, Segment


class ActivityStates(States):
    planned = ("running", "cancelled")
    running = ("done", "cancelled")
    done = ()
    cancelled = ()


class Activity(Scoped):
    """One thing that the agency does in public, in a span of time."""

    class Purpose(models.TextChoices):
        INFORM = "inform", _("Inform")
        LISTEN = "listen", _("Listen")
        CONSULT = "consult", _("Consult")
        SERVE = "serve", _("Serve")
        COLLABORATE = "collaborate", _("Collaborate")

    class Relation(models.TextChoices):
        G2C = "g2c", _("Government to citizens")
        G2B = "g2b", _("Government to business")
        G2G = "g2g", _("Government to government")

    STATES = ActivityStates

    title = models.CharField(max_length=200)
    state = models.CharField(max_length=16, default=ActivityStates.initial)
    objective = models.ForeignKey(Objective, on_delete=models.PROTECT, related_name="activities")
    segments = models.ManyToManyField(
        Segment, through="ActivitySegment", blank=True, related_name="activities"
    )
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    relation = models.CharField(max_length=4, choices=Relation.choices, default=Relation.G2C)
    programme_code = models.CharField(max_length=60, blank=True)  # programme/kegiatan of RKA
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    place = models.CharField(max_length=200, blank=True)
    person_in_charge = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    notes = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="activities_activity_span"
            ),
        ]
        indexes = [models.Index(fields=["agency", "starts_at"], name="activities_by_start")]

    def __str__(self) -> str:
        return self.title


class ActivitySegment(Scoped):
    """One segment that an activity is for."""

    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, related_name="+")
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="+")

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["activity", "segment"], name="activities_activitysegment_once"
            ),
        ]


class Hold(Scoped):
    """Sending held for a subtree of agencies or one account, until lifted by a person.

    The emergency lane is exempt when `emergency_exempt`; a reply to a citizen is held like a post.
    """

    # Where it applies: this agency and every unit below it, or only this account.
    subtree = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="holds")
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.PROTECT, related_name="holds"
    )
    reason = models.TextField()
    emergency_exempt = models.BooleanField(default=True)
    placed_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    placed_at = models.DateTimeField()
    # How many deliveries were already on their way when the switch was thrown.
    in_flight = models.PositiveIntegerField(default=0)
    lifted_by = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_reason = models.TextField(blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.CheckConstraint(condition=~Q(reason=""), name="activities_hold_has_reason"),
        ]
        indexes = [
            models.Index(
                fields=["agency"], condition=Q(lifted_at=None), name="activities_hold_active"
            )
        ]
