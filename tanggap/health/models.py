"""What an operator needs to know that no other table says: whether the background work goes on."""

from __future__ import annotations

from django.db import models


class Tick(models.Model):
    """One function of the worker's table: when it last succeeded, and how it fails since.

    Belongs to the installation, not to an agency. Holds no words of anybody: an error is kept by
    the name of its class.
    """

    name = models.CharField(max_length=120, primary_key=True)
    every_s = models.PositiveIntegerField()
    done_at = models.DateTimeField(null=True)
    took_ms = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)  # in a row, since `done_at`
    failed_why = models.CharField(max_length=80, blank=True)

    def __str__(self) -> str:
        return self.name
