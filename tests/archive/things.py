"""A thing with states, for the tests of the archive alone. Its table exists only inside a test."""

from __future__ import annotations

from django.db import models

from tanggap.core.models import Agency
from tanggap.core.states import States


class ThingStates(States):
    open = ("held", "done")
    held = ("open",)
    done = ()


class Thing(models.Model):
    STATES = ThingStates

    agency_id = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=ThingStates.choices(), default="open")
    note = models.CharField(max_length=50, default="")
    count = models.IntegerField(default=0)

    class Meta:
        app_label = "archive_tests"

    @property
    def agency(self) -> Agency:
        return Agency.objects.get(pk=self.agency_id)

    def evidence(self) -> bytes:
        return self.note.encode()
