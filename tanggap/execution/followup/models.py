"""Stage 4, steps 6 to 8: cases with clocks, findings, recommendations, and telling everybody.

Capabilities 16, 88.6-88.8, 91, 92, 117, 122, 133.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tanggap.accounts.models import Account
from tanggap.activities.models import Activity
from tanggap.core.models import Agency, Person, Scoped
from tanggap.core.states import States
from tanggap.execution.inbox.models import Author, Conversation, Item, Reply
from tanggap.execution.publishing.models import Delivery
from tanggap.messaging.models import Media, Message


class CaseStates(States):
    open = ("assigned", "in_progress", "handed_over", "resolved")
    assigned = ("in_progress", "handed_over", "resolved", "open")
    in_progress = ("resolved", "handed_over", "assigned")
    handed_over = ("in_progress", "resolved", "open")
    resolved = ("closed", "reopened")
    closed = ("reopened",)
    reopened = ("assigned", "in_progress", "handed_over", "resolved")


class Case(Scoped):
    """Work owed to citizens (aduan; to citizens: laporan). It has clocks."""

    class Kind(models.TextChoices):
        COMPLAINT = "complaint", _("Complaint")
        SUPERVISORY = "supervisory", _("Complaint about supervision")
        ASPIRATION = "aspiration", _("Aspiration")
        SERVICE_QUESTION = "service_question", _("Service question")
        INFORMATION_REQUEST = "information_request", _("Request for information (SP4N)")
        PUBLIC_INFORMATION = "public_information", _("Public-information request (UU 14/2008)")
        INTEGRITY = "integrity", _("Suspected violation (WBS)")

    STATES = CaseStates

    # What citizens are given: agency code and four letters or digits, never sequential.
    number = models.CharField(max_length=16, unique=True)
    kind = models.CharField(max_length=24, choices=Kind.choices)
    state = models.CharField(max_length=12, default=CaseStates.initial)
    title = models.CharField(max_length=200)
    place = models.CharField(max_length=200, blank=True)
    region_code = models.CharField(max_length=13, blank=True)
    unit = models.ForeignKey(
        Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    sealed = models.BooleanField(default=False)  # integrity lane
    public = models.BooleanField(default=True)  # status page answers to its number
    opened_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    assigned_to = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # The clock that breaks first (followup/clocks.py); 9999-12-31 where none runs.
    due_at = models.DateTimeField()
    sp4n_id = models.CharField(max_length=40, blank=True)
    resolution = models.TextField(blank=True)  # as told to citizens
    # Why a resolution has no photo or document, where it has none.
    evidence_note = models.CharField(max_length=300, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    reopened_count = models.PositiveSmallIntegerField(default=0)
    contributors_count = models.PositiveIntegerField(default=0)
    satisfaction = models.PositiveSmallIntegerField(null=True, blank=True)  # 1..5, the mean

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.CheckConstraint(
                condition=Q(sealed=False) | Q(public=False), name="followup_sealed_is_not_public"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["resolved", "closed"]) | ~Q(resolution=""),
                name="followup_resolved_says_how",
            ),
        ]
        indexes = [models.Index(fields=["agency", "due_at", "id"], name="followup_case_by_due")]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"


class Contributor(Scoped):
    """One citizen of a case ("saya juga mengalami"): nobody is dropped, one private key each."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="contributors")
    conversation = models.ForeignKey(Conversation, on_delete=models.PROTECT, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="contributions")
    author = models.ForeignKey(Author, on_delete=models.PROTECT, related_name="+")
    # Hash of the private key that opens more than the status; the key itself was only told.
    key_hash = models.BinaryField(max_length=32, unique=True)
    joined_at = models.DateTimeField()
    joined_by = models.CharField(max_length=120)
    # The reply that gave the number.
    ticket = models.OneToOneField(
        Reply, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # The private message that carried the key.
    key_delivery = models.OneToOneField(
        Delivery, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    said_not_fixed_at = models.DateTimeField(null=True, blank=True)
    not_fixed_words = models.TextField(blank=True)  # as the citizen wrote them
    satisfaction = models.PositiveSmallIntegerField(null=True, blank=True)  # 1..5
    rated_at = models.DateTimeField(null=True, blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.CheckConstraint(
                condition=Q(satisfaction=None) | Q(satisfaction__range=(1, 5)),
                name="followup_satisfaction_one_to_five",
            ),
            models.UniqueConstraint(fields=["case", "author"], name="followup_contributor_once"),
            models.UniqueConstraint(fields=["case", "item"], name="followup_item_once_a_case"),
        ]


class Clock(Scoped):
    """One running promise or legal term of a case, by a rule that is data with its source."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="clocks")
    rule = models.CharField(max_length=40)  # a key of core/data/clocks.json
    # Days or minutes, as promised when it started; the unit is the rule's.
    amount = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    computed_at = models.DateTimeField()  # by the calendar of this instant
    late_noted_at = models.DateTimeField(null=True, blank=True)
    # Why it was computed anew (a new day off), newest last: [{at, from, to, why}]
    recomputed = models.JSONField(default=list, blank=True)
    kept_at = models.DateTimeField(null=True, blank=True)  # done in time or late; null: running
    extended_days = models.PositiveSmallIntegerField(default=0)
    extension_reason = models.TextField(blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["case", "rule", "started_at"], name="followup_clock_once"
            ),
            models.CheckConstraint(
                condition=Q(extended_days=0) | ~Q(extension_reason=""),
                name="followup_clock_extension_has_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["agency", "due_at"], condition=Q(kept_at=None), name="followup_clock_runs"
            )
        ]


class HandoverStates(States):
    offered = ("opened", "answered", "refused", "withdrawn")
    opened = ("answered", "refused", "withdrawn")
    answered = ()
    refused = ()
    withdrawn = ()


class Handover(Scoped):
    """A case given to a unit (disposisi) or another agency (pelimpahan) by an expiring link."""

    STATES = HandoverStates

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="handovers")
    state = models.CharField(max_length=12, default=HandoverStates.initial)
    to_unit = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    to_person = models.CharField(max_length=150, blank=True)
    ask = models.TextField()  # what we need to know or want done
    token_hash = models.BinaryField(max_length=32, unique=True)
    given_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    given_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_name = models.CharField(max_length=150, blank=True)
    answer = models.TextField(blank=True)
    refusal = models.TextField(blank=True)  # why it is not theirs
    rightful_unit = models.ForeignKey(
        Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(state__in=["offered", "opened"]),
                name="followup_one_open_handover_a_case",
            ),
        ]


class Evidence(Scoped):
    """A photo or document of what was there before and what is there after. EXIF is stripped."""

    class When(models.TextChoices):
        BEFORE = "before", _("Before")
        AFTER = "after", _("After")

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="photos")
    handover = models.ForeignKey(
        Handover, null=True, blank=True, on_delete=models.PROTECT, related_name="photos"
    )
    media = models.ForeignKey(Media, on_delete=models.PROTECT, related_name="+")
    when = models.CharField(max_length=8, choices=When.choices)
    caption = models.CharField(max_length=300)
    taken_on = models.DateField(null=True, blank=True)
    given_by = models.CharField(max_length=150)
    given_at = models.DateTimeField()
    public = models.BooleanField(default=False)

    class Meta(Scoped.Meta):
        verbose_name_plural = "evidence"


class FindingStates(States):
    draft = ("checked",)
    checked = ("final", "draft")
    final = ()


class Finding(Scoped):
    """Step 6: items of a period in visible groups, without reducing, adding to or changing them.

    Every item that the finding covers is in exactly one group; `items_total` equals their number.
    """

    STATES = FindingStates

    title = models.CharField(max_length=200)
    state = models.CharField(max_length=12, default=FindingStates.initial)
    activity = models.ForeignKey(
        Activity, null=True, blank=True, on_delete=models.PROTECT, related_name="findings"
    )
    case = models.ForeignKey(
        Case, null=True, blank=True, on_delete=models.PROTECT, related_name="findings"
    )
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    items_total = models.PositiveIntegerField(default=0)
    written_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    # A second person compared the sentences with the originals.
    checked_by = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    checked_at = models.DateTimeField(null=True, blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state="draft") | Q(checked_by__isnull=False),
                name="followup_finding_checked_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(checked_by=None) | ~Q(checked_by=models.F("written_by")),
                name="followup_finding_checked_by_another",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class FindingGroup(Scoped):
    """A category of a finding with one sentence about it, or "lainnya"."""

    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="groups")
    name = models.CharField(max_length=120)
    sentence = models.TextField(blank=True)
    order = models.PositiveSmallIntegerField(default=0)
    rest = models.BooleanField(default=False)  # "lainnya": what fits nowhere else

    class Meta(Scoped.Meta):
        ordering = ["order", "id"]
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["finding"], condition=Q(rest=True), name="followup_one_rest_a_finding"
            ),
        ]


class FindingItem(Scoped):
    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="lines")
    group = models.ForeignKey(FindingGroup, on_delete=models.CASCADE, related_name="lines")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    # Quoted word for word under the group's sentence.
    quoted = models.BooleanField(default=False)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(fields=["finding", "item"], name="followup_item_in_one_group"),
        ]


class RecommendationStates(States):
    draft = ("proposed",)
    proposed = ("accepted", "changed", "declined")
    accepted = ("done",)
    changed = ("done",)
    declined = ("announced",)
    done = ("announced",)
    announced = ()


class Recommendation(Scoped):
    """Step 7: what to do about a finding, with options, decided by the head with a reason."""

    STATES = RecommendationStates

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="recommendations")
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=12, default=RecommendationStates.initial)
    background = models.TextField()
    owner_unit = models.ForeignKey(
        Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    due_on = models.DateField(null=True, blank=True)
    proposed_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.TextField(blank=True)
    changed_to = models.TextField(blank=True)
    chosen = models.ForeignKey(
        "Option", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    done_at = models.DateTimeField(null=True, blank=True)
    done_note = models.TextField(blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["draft", "proposed"])
                | (~Q(decision_reason="") & Q(decided_by__isnull=False)),
                name="followup_decision_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Option(Scoped):
    recommendation = models.ForeignKey(
        Recommendation, on_delete=models.CASCADE, related_name="options"
    )
    letter = models.CharField(max_length=1)
    text = models.TextField()
    cost = models.CharField(max_length=200, blank=True)
    time_needed = models.CharField(max_length=120, blank=True)
    risk = models.TextField(blank=True)

    class Meta(Scoped.Meta):
        ordering = ["letter"]
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["recommendation", "letter"], name="followup_option_letter"
            ),
        ]


class AnnouncementStates(States):
    draft = ("approved", "withdrawn")
    approved = ("sent", "withdrawn")
    sent = ()
    withdrawn = ()


class Announcement(Scoped):
    """Step 8, "Anda sampaikan, kami lakukan": published, and told to everyone who asked."""

    STATES = AnnouncementStates

    recommendation = models.ForeignKey(
        Recommendation,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="announcements",
    )
    case = models.ForeignKey(
        Case, null=True, blank=True, on_delete=models.PROTECT, related_name="announcements"
    )
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=12, default=AnnouncementStates.initial)
    you_said = models.TextField()
    we_did = models.TextField()
    reply_text = models.TextField()  # to each contributor, in their thread
    post = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.PROTECT, related_name="announcements"
    )
    # Official accounts that carry the public post, beside the agency's own page.
    accounts = models.ManyToManyField(
        Account, through="AnnouncementAccount", blank=True, related_name="+"
    )
    written_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    approved_by = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_hash = models.BinaryField(max_length=32, null=True, blank=True)
    slug = models.SlugField(max_length=80, blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "sent"])
                | (Q(approved_by__isnull=False) & Q(approved_hash__isnull=False)),
                name="followup_announcement_approved_by_somebody",
            ),
        ]


class AnnouncementAccount(Scoped):
    """One official account that carries an announcement's public post."""

    announcement = models.ForeignKey(Announcement, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["announcement", "account"], name="followup_announcementaccount_once"
            ),
        ]


class Telling(Scoped):
    """One contributor told of one announcement: exactly one reply, or why it cannot be had."""

    announcement = models.ForeignKey(
        Announcement, on_delete=models.PROTECT, related_name="tellings"
    )
    contributor = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="tellings")
    delivery = models.OneToOneField(
        Delivery, null=True, blank=True, on_delete=models.PROTECT, related_name="telling"
    )
    undeliverable = models.CharField(max_length=20, blank=True)  # why not: a code of announce.WHY
    # An officer told them where no machine can.
    told_by_hand_at = models.DateTimeField(null=True, blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["announcement", "contributor"], name="followup_told_once"
            ),
            models.CheckConstraint(
                condition=Q(delivery__isnull=False) | ~Q(undeliverable=""),
                name="followup_told_or_why_not",
            ),
        ]


class Guess(models.Model):
    """How often one sender asked for a number or key within a window: guessing is slowed down."""

    what = models.CharField(max_length=16)
    who = models.BinaryField(max_length=32)  # keyed hash of the network address, never the address
    began_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "guesses"
        constraints = [models.UniqueConstraint(fields=["what", "who"], name="followup_guess_once")]
