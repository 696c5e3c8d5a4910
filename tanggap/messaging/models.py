"""Stage 3, the message (konten): the idea, its wording for each account, and who approved what.

Capabilities 84-87, 64, 26, 35.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tanggap.accounts.models import Account
from tanggap.activities.models import Activity
from tanggap.core.models import Person, Scoped
from tanggap.core.states import States


class MessageStates(States):
    draft = ("checked", "withdrawn")
    checked = ("approved", "draft", "withdrawn")
    approved = ("released", "draft", "withdrawn")
    released = ("withdrawn",)
    withdrawn = ()


class Media(Scoped):
    """A file that we publish. Alt text is required before approval, not before upload."""

    file = models.FileField(upload_to="media/%Y/%m/", max_length=300)
    sha256 = models.BinaryField(max_length=32)
    mime = models.CharField(max_length=80)
    size = models.PositiveBigIntegerField()  # bytes
    width = models.PositiveIntegerField(null=True, blank=True)  # pixels
    height = models.PositiveIntegerField(null=True, blank=True)
    alt = models.TextField(blank=True)
    source = models.CharField(max_length=200, blank=True)  # who made it, and by what permission
    uploaded_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()

    class Meta(Scoped.Meta):
        verbose_name_plural = "media"


class Message(Scoped):
    """One thing to say, and everything that must be known before it may be said."""

    class Openness(models.TextChoices):
        PERIODIC = "periodic", _("Periodic (art. 9)")
        IMMEDIATE = "immediate", _("Immediate (art. 10)")
        ON_REQUEST = "any_time", _("At any time (art. 11)")
        NOT_APPLICABLE = "none", _("Not applicable")

    class Tone(models.TextChoices):
        FORMAL = "formal", _("Formal")
        WARM = "warm", _("Warm")
        HUMOUR = "humour", _("Humour")

    STATES = MessageStates

    title = models.CharField(max_length=200)
    state = models.CharField(max_length=16, default=MessageStates.initial)
    activity = models.ForeignKey(
        Activity, null=True, blank=True, on_delete=models.PROTECT, related_name="messages"
    )
    core = models.TextField()  # the core message; variants adapt its wording, not its meaning
    language = models.CharField(max_length=8, default="id")
    tone = models.CharField(max_length=8, choices=Tone.choices, default=Tone.WARM)
    # UU 14/2008 art. 9, 10, 11 or not applicable; empty until the writer decides.
    openness = models.CharField(max_length=12, choices=Openness.choices, blank=True)
    source = models.CharField(max_length=300, blank=True)
    valid_until = models.DateField(null=True, blank=True)
    emergency = models.BooleanField(default=False)
    author = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField()
    # Whoever changed it last made it too, and does not approve it.
    edited_by = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # The wish; each variant becomes deliveries with their own wall time.
    publish_at = models.DateTimeField(null=True, blank=True)
    # Hash over everything that will be sent, as approved; any edit voids it.
    approved_hash = models.BinaryField(max_length=32, null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Sent by the emergency path and still owed a second person's look.
    review_owed = models.BooleanField(default=False)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "released"]) | Q(approved_hash__isnull=False),
                name="messaging_message_approved_has_hash",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "released"]) | ~Q(openness=""),
                name="messaging_message_approved_has_openness",
            ),
        ]
        indexes = [models.Index(fields=["agency", "state", "-id"], name="messaging_by_state")]

    def __str__(self) -> str:
        return self.title


class Variant(Scoped):
    """The wording for one account: a single post, or a thread of parts split by `parts`."""

    class Visibility(models.TextChoices):
        PUBLIC = "public", _("Public")
        UNLISTED = "unlisted", _("Unlisted")

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="variants")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    # Follows the core message until the writer detaches it.
    detached = models.BooleanField(default=False)
    # One text a part; more than one is a thread.
    parts = models.JSONField(default=list)
    visibility = models.CharField(
        max_length=10, choices=Visibility.choices, default=Visibility.PUBLIC
    )
    media = models.ManyToManyField(Media, through="VariantMedia", related_name="variants")

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["message", "account"], name="messaging_variant_once_per_account"
            ),
        ]


class VariantMedia(Scoped):
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="+")
    media = models.ForeignKey(Media, on_delete=models.PROTECT, related_name="+")
    order = models.PositiveSmallIntegerField()

    class Meta(Scoped.Meta):
        ordering = ["order"]
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["variant", "order"], name="messaging_variantmedia_order"
            ),
        ]


class Review(Scoped):
    """A decision of a maker, checker or PPID officer on a message, bound to what they saw."""

    class Kind(models.TextChoices):
        CHECK = "check", _("Second person")
        PPID = "ppid", _("PPID officer")
        EMERGENCY = "emergency", _("Emergency path")
        AFTER = "after", _("Review after sending")
        COMMENT = "comment", _("Comment")

    class Verdict(models.TextChoices):
        APPROVED = "approved", _("Approved")
        RETURNED = "returned", _("Returned")
        NOTED = "noted", _("Noted")

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="reviews")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    verdict = models.CharField(max_length=12, choices=Verdict.choices)
    reason = models.TextField(blank=True)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    content_hash = models.BinaryField(max_length=32)
    # Rule keys whose warning the reviewer saw and accepted, or that PPID cleared.
    cleared = models.JSONField(default=list, blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.CheckConstraint(
                condition=~Q(verdict="returned") | ~Q(reason=""),
                name="messaging_review_return_has_reason",
            ),
        ]


class Exemption(Scoped):
    """An entry of the exempt-information register (UU 14/2008 art. 17 and 19).

    Only such an entry blocks a message; a pattern merely asks the PPID officer.
    """

    article = models.CharField(max_length=40)  # e.g. "17 h"
    words = models.JSONField(default=list)  # phrases that the screen looks for
    reason = models.TextField()
    consequence_test = models.CharField(max_length=120)  # number of the uji konsekuensi
    decided_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    decided_on = models.DateField()
    place = models.CharField(max_length=120)
    expires_on = models.DateField()  # its last day
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_reason = models.TextField(blank=True)

    class Meta(Scoped.Meta):
        pass


class ShortLink(Scoped):
    """A short link on the agency's own domain. It counts days, never people."""

    code = models.CharField(max_length=12, unique=True)
    target = models.URLField(max_length=1000)
    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.PROTECT, related_name="links"
    )
    created_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta(Scoped.Meta):
        pass


class ShortLinkDay(Scoped):
    """Clicks of one short link on one day of the agency's zone."""

    link = models.ForeignKey(ShortLink, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    clicks = models.PositiveIntegerField(default=0)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(fields=["link", "day"], name="messaging_shortlinkday_once"),
        ]
