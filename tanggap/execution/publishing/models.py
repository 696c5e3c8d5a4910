"""Stage 4, steps 1 to 3: a thing on its way out (penayangan), and every try that was made.

DESIGN section 5, "Sending once". The database keeps the promise: one current send an account,
one remote id a delivery, one unsettled delivery of the same content to the same place.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tanggap.accounts.models import Account
from tanggap.core.models import Person, Scoped
from tanggap.core.states import States
from tanggap.execution.publishing import content
from tanggap.messaging.models import Variant


class DeliveryStates(States):
    # A definite success settles however late it comes: nearly every state may end published.
    queued = ("preparing", "held", "cancelled", "failed", "late", "published")
    # Too late to be timely without a person's word (a network was down, an account paused).
    late = ("queued", "cancelled", "published")
    # An earlier part of its thread did not go out: a person decides about the rest.
    held = ("queued", "cancelled", "published")
    preparing = ("ready", "queued", "failed", "cancelled", "published")
    ready = ("sending", "queued", "held", "late", "failed", "cancelled", "asked", "published")
    sending = ("published", "queued", "failed", "unknown", "asked")
    unknown = ("confirming", "published", "asked")
    confirming = ("published", "unknown", "queued", "asked")
    asked = ("published", "queued", "cancelled")
    published = ("removing",)
    removing = ("removed", "published")
    failed = ("queued", "cancelled", "published")
    cancelled = ("published",)
    removed = ()


IN_FLIGHT = ("sending", "confirming", "unknown")
WAITING = ("queued", "preparing", "ready", "held", "late")
UNSETTLED = ("sending", "confirming", "unknown", "asked")
# What waits for somebody's word.
NEEDS_PERSON = Q(state__in=["asked", "late", "held", "failed"]) | Q(
    trouble__in=["second_copy", "not_removed"]
)


class Delivery(Scoped):
    """One post, part of a thread, reply or private message on its way to one account's network."""

    class Kind(models.TextChoices):
        POST = "post", _("Post")
        REPLY = "reply", _("Reply")
        PRIVATE = "private", _("Private message")
        ANNOUNCEMENT = "announcement", _("Announcement")

    class Lane(models.IntegerChoices):
        EMERGENCY = 0, _("Emergency")
        REPLY = 1, _("Reply")
        SCHEDULED = 2, _("Scheduled")

    STATES = DeliveryStates

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="deliveries")
    kind = models.CharField(max_length=14, choices=Kind.choices)
    lane = models.PositiveSmallIntegerField(choices=Lane.choices, default=Lane.SCHEDULED)
    state = models.CharField(max_length=12, default=DeliveryStates.initial)
    variant = models.ForeignKey(
        Variant, null=True, blank=True, on_delete=models.PROTECT, related_name="deliveries"
    )
    part = models.PositiveSmallIntegerField(default=0)
    # The part of a thread that must be published before this one.
    follows = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="next_part"
    )
    # Everything that will be sent, as approved (publishing/content.py makes and hashes it):
    # text, media [{id, sha256, alt, mime}], visibility, language.
    content = models.JSONField()
    content_hash = models.BinaryField(max_length=32)
    reply_target = models.CharField(max_length=300, blank=True)
    approved_by = models.CharField(max_length=120)  # "person:3", or the rule that allowed it
    approved_hash = models.BinaryField(max_length=32)
    # Intent as the officer wrote it, and the instant that it means.
    wall_time = models.CharField(max_length=16, blank=True)  # "2026-11-24T10:00"
    zone = models.CharField(max_length=32, blank=True)
    due_at = models.DateTimeField()
    queued_at = models.DateTimeField()
    # Not before (back-off, a network's limit, a reset); null: at due_at.
    retry_at = models.DateTimeField(null=True, blank=True)
    # What prepare() gave back: {"handles": [...], "saved": {...}}.
    prepared = models.JSONField(default=dict, blank=True)
    prepared_at = models.DateTimeField(null=True, blank=True)
    key = models.UUIDField(unique=True)  # idempotency key, fixed for life
    # Claim: in database time; the sweeper watches `lease_token` for change.
    lease_token = models.UUIDField(null=True, blank=True)
    leased_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)  # of the last send, as networks date
    unknown_since = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)  # failures in a row, for the back-off
    sends = models.PositiveSmallIntegerField(default=0)  # times the mutating request may have left
    confirms = models.PositiveSmallIntegerField(default=0)  # read-backs since the last send
    resent_by_machine = models.BooleanField(default=False)
    # After a restore: may be out already, so it is looked up before it is sent.
    confirm_first = models.BooleanField(default=False)
    remote_id = models.CharField(max_length=300, null=True, blank=True)
    remote_url = models.URLField(max_length=800, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    # Why it is not out yet, for the card: a code of publishing/words and the network's sentence.
    trouble = models.CharField(max_length=40, blank=True)
    trouble_said = models.TextField(blank=True)
    # A person said "send it although it is late".
    late_accepted = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta(Scoped.Meta):
        verbose_name_plural = "deliveries"
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(state="sending"),
                name="publishing_one_send_in_flight_an_account",
            ),
            models.UniqueConstraint(
                fields=["account", "remote_id"],
                condition=Q(remote_id__isnull=False),
                name="publishing_remote_id_once",
            ),
            models.UniqueConstraint(
                fields=["account", "reply_target", "content_hash"],
                condition=Q(state__in=IN_FLIGHT),
                name="publishing_one_unsettled_of_the_same",
            ),
            models.UniqueConstraint(
                fields=["variant", "part"],
                condition=Q(variant__isnull=False) & ~Q(state__in=["cancelled", "removed"]),
                name="publishing_one_delivery_a_part",
            ),
            models.CheckConstraint(
                condition=~Q(state="published") | Q(remote_id__isnull=False),
                name="publishing_published_has_remote_id",
            ),
            models.CheckConstraint(
                condition=~Q(state="sending") | Q(approved_hash=models.F("content_hash")),
                name="publishing_sends_what_was_approved",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "lane", "due_at", "id"],
                condition=Q(state__in=["queued", "preparing", "ready"]),
                name="publishing_due",
            ),
            # Looked for at each word to begin; among thousands that are due they may be none.
            models.Index(
                fields=["lane", "due_at", "id"],
                condition=Q(state="queued") & ~Q(content__media=[]),
                name="publishing_files",
            ),
            models.Index(
                fields=["retry_at"],
                condition=Q(state__in=["unknown", "asked", "removing"]),
                name="publishing_to_look_up",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=["preparing", "sending", "confirming", "removing"]),
                name="publishing_leased",
            ),
            models.Index(fields=["agency", "due_at", "id"], name="publishing_calendar"),
            models.Index(
                fields=["agency", "due_at", "id"],
                condition=NEEDS_PERSON,
                name="publishing_needs_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    def evidence(self) -> bytes:
        """What `archive verify` compares with the record: everything that is sent, as approved."""
        return content.canonical(self.content, self.account_id, self.reply_target)


class Attempt(Scoped):
    """One try, append-only: what was done, when, and what the network answered."""

    class Act(models.TextChoices):
        PREPARE = "prepare", _("Prepare")
        SEND = "send", _("Send")
        CONFIRM = "confirm", _("Read back")
        REMOVE = "remove", _("Remove")

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="attempts")
    act = models.CharField(max_length=8, choices=Act.choices)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    # posted, ready, later, not_found, rejected, not_authorised, rate_limited, unavailable, unknown
    # started, late_answer
    outcome = models.CharField(max_length=16)
    said = models.TextField(blank=True)  # the network's own words, without secrets
    remote_id = models.CharField(max_length=300, blank=True)
    facts = models.JSONField(default=dict, blank=True)

    class Meta(Scoped.Meta):
        triggers = [
            pgtrigger.Protect(
                name="attempt_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]


class Place(models.Model):
    """One place (machine and home) from which this database sends. An unknown place sends nothing
    until a person says that it is the only one: it may be a restored or copied installation.
    """

    fingerprint = models.CharField(max_length=64, unique=True)
    mark = models.UUIDField(unique=True)  # under this name the place's home keeps what it has sent
    first_seen_at = models.DateTimeField()
    allowed_at = models.DateTimeField(null=True, blank=True)
    allowed_by = models.CharField(max_length=120, blank=True)
    # The word of `allowed_at` after which everything due was marked to be looked up first.
    looked_at = models.DateTimeField(null=True, blank=True)
    # Why sending is off: "copied", "restored", "clock", or "".
    stopped = models.CharField(max_length=16, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    parted_s = models.IntegerField(default=0)  # how far wall and monotonic time have parted

    def __str__(self) -> str:
        return self.fingerprint[:12]
