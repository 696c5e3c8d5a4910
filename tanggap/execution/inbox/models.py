"""Stage 4, steps 4 and 5: what citizens write, word for word, and what we answer.

Capabilities 15, 16, 34, 40, 46, 88.4, 88.5. A citizen's words are never altered: `Item.text` is
what the network gave; masking happens when it is shown, an edit is a Revision.
"""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tanggap.accounts.models import Account
from tanggap.core.models import Agency, Person, Scoped
from tanggap.core.states import States
from tanggap.execution.publishing.models import Delivery
from tanggap.messaging.models import Message


class ConversationStates(States):
    new = ("triaged", "answered", "quiet")
    triaged = ("answered", "quiet", "new")
    answered = ("new", "triaged", "quiet")
    quiet = ("new", "triaged", "answered")


KINDS = [
    ("service_question", _("Service question")),
    ("complaint", _("Complaint")),
    ("aspiration", _("Aspiration")),
    ("public_information", _("Public-information request")),
    ("integrity", _("Suspected violation (WBS)")),
    ("rumour", _("Doubtful news")),
    ("thanks", _("Thanks")),
    ("criticism", _("Criticism")),
    ("spam", _("Spam")),
    ("other", _("Other")),
]


class Author(Scoped):
    """Who wrote to one of our accounts, as the network names them. Never profiled or ranked."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="authors")
    remote_id = models.CharField(max_length=300)
    handle = models.CharField(max_length=300)
    name = models.CharField(max_length=300, blank=True)
    url = models.URLField(max_length=800, blank=True)
    first_seen_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True)
    tsv = SearchVectorField(null=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(fields=["account", "remote_id"], name="inbox_author_once"),
        ]
        indexes = [GinIndex(fields=["tsv"], name="inbox_author_search")]
        triggers = [
            pgtrigger.UpdateSearchVector(
                name="author_search",
                vector_field="tsv",
                document_fields=["handle", "name"],
                config_name="pg_catalog.simple",
            )
        ]


class Conversation(Scoped):
    """Items of one thread with one citizen. What the list shows is stored on the row."""

    class Urgency(models.IntegerChoices):
        DANGER = 0, _("Danger to life")
        URGENT = 1, _("Urgent")
        NORMAL = 2, _("Normal")

    class Visibility(models.TextChoices):
        PUBLIC = "public", _("Public")
        PRIVATE = "private", _("Private")

    STATES = ConversationStates

    # Every index below begins with it: one of it alone would only lead astray.
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", db_index=False)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="conversations", db_index=False
    )
    author = models.ForeignKey(Author, on_delete=models.PROTECT, related_name="conversations")
    # The network's id of the thread's root, so that two photos at once open one conversation.
    thread_id = models.CharField(max_length=300)
    # Our own post that it answers, when it does.
    post = models.ForeignKey(
        Delivery, null=True, blank=True, on_delete=models.PROTECT, related_name="conversations"
    )
    visibility = models.CharField(max_length=8, choices=Visibility.choices)
    state = models.CharField(max_length=12, default=ConversationStates.initial)
    kind = models.CharField(max_length=24, choices=KINDS, blank=True)
    urgency = models.PositiveSmallIntegerField(choices=Urgency.choices, default=Urgency.NORMAL)
    # Integrity reports are shown to holders of the verb "integrity" only.
    sealed = models.BooleanField(default=False)
    unit = models.ForeignKey(
        Agency,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    place = models.CharField(max_length=200, blank=True)
    assigned_to = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # The promise that breaks first (inbox/promise.py); 9999-12-31 where none is owed.
    due_at = models.DateTimeField()
    snoozed_until = models.DateTimeField(null=True, blank=True)
    first_item_at = models.DateTimeField()
    last_item_at = models.DateTimeField()
    last_item_id = models.BigIntegerField(default=0)
    answered_at = models.DateTimeField(null=True, blank=True)  # first answer that went out
    snippet = models.CharField(max_length=240, blank=True)  # masked
    items_count = models.PositiveIntegerField(default=0)
    unread = models.BooleanField(default=True)
    # Denormalised for the pills; followup owns its truth.
    has_case = models.BooleanField(default=False)
    # What else is owed here, kept by a later stage through promise.owe(); null: nothing.
    owed_at = models.DateTimeField(null=True, blank=True)
    # Fields that a person labelled: {"kind": "person:3"}. A machine never writes over these.
    labelled = models.JSONField(default=dict, blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["account", "author", "thread_id", "visibility"],
                name="inbox_conversation_once",
            ),
        ]
        # Each begins with the agency and, for a list, ends with its order: a page then costs what
        # it shows. Open ones are few among all that ever came in, so that they have their own.
        indexes = [
            models.Index(fields=["agency", "due_at", "id"], name="inbox_by_due"),
            models.Index(
                fields=["agency", "due_at", "id"],
                condition=Q(state__in=("new", "triaged"), sealed=False),
                name="inbox_open_by_due",
            ),
            models.Index(
                fields=["agency", "assigned_to", "due_at", "id"],
                condition=Q(state__in=("new", "triaged")),
                name="inbox_open_by_assignee",
            ),
            models.Index(fields=["agency", "state", "due_at", "id"], name="inbox_by_state"),
            models.Index(fields=["agency", "kind", "due_at", "id"], name="inbox_by_kind"),
            models.Index(fields=["account", "due_at", "id"], name="inbox_by_account"),
            models.Index(fields=["unit", "due_at", "id"], name="inbox_by_unit"),
            models.Index(
                fields=["agency", "snoozed_until"],
                condition=Q(snoozed_until__isnull=False),
                name="inbox_snoozed",
            ),
            models.Index(
                fields=["agency", "due_at", "id"], condition=Q(sealed=True), name="inbox_sealed"
            ),
            models.Index(fields=["author", "id"], name="inbox_by_author"),
        ]


class Item(Scoped):
    """One incoming thing, word for word (pesan masuk)."""

    class Source(models.TextChoices):
        CHANNEL = "channel", _("From the network")
        PASTE = "paste", _("Pasted by an officer")
        SCREENSHOT = "screenshot", _("Typed from a screenshot")
        CSV = "csv", _("Imported from a file")

    # Two indexes below begin with it: one of it alone would only lead astray.
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="items")
    author = models.ForeignKey(Author, null=True, on_delete=models.PROTECT, related_name="items")
    # Null while quarantined: it could not be placed, and says why.
    conversation = models.ForeignKey(
        Conversation, null=True, blank=True, on_delete=models.PROTECT, related_name="items"
    )
    remote_id = models.CharField(max_length=300)
    in_reply_to = models.CharField(max_length=300, blank=True)
    visibility = models.CharField(max_length=10)
    text = models.TextField()
    url = models.URLField(max_length=800, blank=True)
    written_at = models.DateTimeField()
    received_at = models.DateTimeField()
    source = models.CharField(max_length=12, choices=Source.choices, default=Source.CHANNEL)
    source_note = models.CharField(max_length=300, blank=True)
    language = models.CharField(max_length=16, blank=True)
    quarantined = models.CharField(max_length=200, blank=True)  # why, or empty
    # [{start, end, kind}] offsets into `text` of personal data (language/redact.py).
    personal = models.JSONField(default=list, blank=True)
    payload = models.ForeignKey(
        "archive.Payload", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Pictures and films that came with it: [{url, mime, alt}]. They stay on the network.
    media = models.JSONField(default=list, blank=True)
    # Hash of the newest content seen under this id; another one is a Revision.
    fingerprint = models.CharField(max_length=64, blank=True)
    revisions_count = models.PositiveSmallIntegerField(default=0)
    deleted_remotely_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True)
    tsv = SearchVectorField(null=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(fields=["account", "remote_id"], name="inbox_item_once"),
            models.CheckConstraint(
                condition=Q(conversation__isnull=False) | ~Q(quarantined=""),
                name="inbox_item_shown_or_quarantined",
            ),
        ]
        indexes = [
            models.Index(fields=["conversation", "written_at", "id"], name="inbox_item_thread"),
            models.Index(fields=["agency", "received_at"], name="inbox_item_received"),
            models.Index(fields=["agency", "written_at"], name="inbox_item_written"),
            models.Index(
                fields=["agency", "id"], condition=~Q(quarantined=""), name="inbox_item_apart"
            ),
            GinIndex(fields=["tsv"], name="inbox_item_search"),
        ]
        triggers = [
            pgtrigger.UpdateSearchVector(
                name="item_search",
                vector_field="tsv",
                document_fields=["text"],
                config_name="pg_catalog.indonesian",
            )
        ]

    def evidence(self) -> bytes:
        """The citizen's own words; what the Record's content hash speaks of."""
        return self.text.encode()


class Revision(Scoped):
    """Another content under the same id: the citizen edited it. Append-only; the first stays."""

    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveSmallIntegerField()
    text = models.TextField()
    seen_at = models.DateTimeField()
    personal = models.JSONField(default=list, blank=True)
    media = models.JSONField(default=list, blank=True)
    fingerprint = models.CharField(max_length=64)
    payload = models.ForeignKey(
        "archive.Payload", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    tsv = SearchVectorField(null=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(fields=["item", "number"], name="inbox_revision_once"),
        ]
        indexes = [GinIndex(fields=["tsv"], name="inbox_revision_search")]
        triggers = [
            pgtrigger.UpdateSearchVector(
                name="revision_search",
                vector_field="tsv",
                document_fields=["text"],
                config_name="pg_catalog.indonesian",
            )
        ]

    def evidence(self) -> bytes:
        return self.text.encode()


class Cursor(Scoped):
    """How far one stream of one account has been read, and what the last gap audit found."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="cursors")
    stream = models.CharField(max_length=40, default="main")
    value = models.JSONField(default=dict)
    moved_at = models.DateTimeField()
    polled_at = models.DateTimeField()
    failed_at = models.DateTimeField(null=True, blank=True)
    failed_why = models.CharField(max_length=40, blank=True)  # a code of channels/errors.py
    failed_said = models.TextField(blank=True)
    # Different ids that ever came in here: must equal what is shown and what is quarantined.
    received = models.PositiveBigIntegerField(default=0)
    audited_at = models.DateTimeField(null=True, blank=True)
    audit_missing = models.PositiveIntegerField(default=0)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(fields=["account", "stream"], name="inbox_cursor_once"),
        ]


class Suggestion(Scoped):
    """A machine's label on an item, with its reason. It never overwrites a person."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="suggestions")
    field = models.CharField(max_length=24)  # kind, urgency, unit, place, group
    value = models.CharField(max_length=200)
    confidence = models.FloatField(null=True, blank=True)  # 0..1; null is "not sure"
    reasons = models.JSONField(default=list, blank=True)  # [{start, end, word}] in the item's text
    made_by = models.CharField(max_length=60)  # which rule set or model, with version
    made_at = models.DateTimeField()
    verdict = models.CharField(max_length=10, blank=True)  # accepted, corrected
    corrected_to = models.CharField(max_length=200, blank=True)
    judged_by = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    judged_at = models.DateTimeField(null=True, blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["item", "field", "made_by"], name="inbox_suggestion_once"
            ),
        ]
        indexes = [
            models.Index(fields=["value"], condition=Q(field="group"), name="inbox_suggested_group")
        ]


class Note(Scoped):
    """A private note of the team on a conversation. Citizens never see it."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta(Scoped.Meta):
        pass


class Presence(models.Model):
    """Who has a conversation open, by heartbeat. Unlogged: worth nothing after a crash."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    agency = models.ForeignKey(Agency, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()
    writing = models.BooleanField(default=False)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(fields=["conversation", "person"], name="inbox_presence_once"),
        ]


class SavedAnswer(Scoped):
    """An approved answer (jawaban baku) with its owner unit, source and last valid day."""

    title = models.CharField(max_length=200)
    text = models.TextField()
    unit = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=300)  # legal basis or document
    valid_until = models.DateField()
    confirmed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    retired_at = models.DateTimeField(null=True, blank=True)
    used = models.PositiveIntegerField(default=0)

    class Meta(Scoped.Meta):
        pass

    def __str__(self) -> str:
        return self.title


class ReplyStates(States):
    draft = ("awaiting", "released", "withdrawn")
    awaiting = ("released", "returned", "withdrawn")
    returned = ("awaiting", "released", "withdrawn")
    released = ()
    withdrawn = ()


class Reply(Scoped):
    """Our answer to an item. It owns its Delivery once it may be sent."""

    class Purpose(models.TextChoices):
        ANSWER = "answer", _("Answer")
        REMOVE_DATA = "remove_data", _("Private request to remove personal data")
        TICKET = "ticket", _("Number given")
        PROGRESS = "progress", _("Progress")
        OUTCOME = "outcome", _("Outcome")
        CORRECTION = "correction", _("Correction")

    STATES = ReplyStates

    conversation = models.ForeignKey(Conversation, on_delete=models.PROTECT, related_name="replies")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="replies")
    purpose = models.CharField(max_length=12, choices=Purpose.choices, default=Purpose.ANSWER)
    state = models.CharField(max_length=12, default=ReplyStates.initial)
    text = models.TextField()
    private = models.BooleanField(default=False)
    saved_answer = models.ForeignKey(
        SavedAnswer, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    source = models.CharField(max_length=300, blank=True)
    written_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    approved_by = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    returned_reason = models.TextField(blank=True)
    delivery = models.OneToOneField(
        Delivery, null=True, blank=True, on_delete=models.PROTECT, related_name="reply"
    )
    # The newest item that its writer had seen: what this answers goes up to here.
    seen_item_id = models.BigIntegerField(default=0)
    # When the network had it and the conversation was marked by it.
    settled_at = models.DateTimeField(null=True, blank=True)
    claim = models.ForeignKey(
        "Claim", null=True, blank=True, on_delete=models.PROTECT, related_name="corrections"
    )

    class Meta(Scoped.Meta):
        verbose_name_plural = "replies"
        constraints = [
            *Scoped.Meta.constraints,
            models.CheckConstraint(
                condition=~Q(state="released") | Q(delivery__isnull=False),
                name="inbox_reply_released_has_delivery",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(state="released", settled_at=None),
                name="inbox_reply_on_its_way",
            ),
            models.Index(
                fields=["agency", "written_at", "id"],
                condition=Q(state="awaiting"),
                name="inbox_reply_waiting",
            ),
        ]


class Moderation(Scoped):
    """Hiding an item for a listed reason, or the refusal to hide it. The original is kept."""

    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="moderations")
    act = models.CharField(max_length=10)  # hide, show, refused
    reason = models.CharField(max_length=24)  # a key of inbox/house_rules.json
    note = models.TextField(blank=True)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta(Scoped.Meta):
        triggers = [
            pgtrigger.Protect(
                name="moderation_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]


class ClaimStates(States):
    noticed = ("checking", "dropped")
    checking = ("decided", "dropped")
    decided = ("corrected",)
    corrected = ()
    dropped = ()


class Claim(Scoped):
    """A doubtful factual claim, its evidence and verdict (hoax desk).

    A verdict needs two sources or the responsible unit's document, and the lead's approval.
    Opinion and criticism never become a Claim's verdict.
    """

    STATES = ClaimStates

    text = models.TextField()  # the claim, in one sentence, as it circulates
    state = models.CharField(max_length=12, default=ClaimStates.initial)
    unit = models.ForeignKey(
        Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    verdict = models.CharField(max_length=24, blank=True)  # a key of inbox/verdicts.json
    explanation = models.TextField(blank=True)
    first_seen_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    slug = models.SlugField(max_length=80, blank=True)
    published = models.BooleanField(default=False)  # on the public clarifications page
    items = models.ManyToManyField(Item, through="ClaimItem", related_name="claims", blank=True)
    correction = models.ForeignKey(
        Delivery, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # The post that is being written to correct it; it counts when the network has it.
    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.CheckConstraint(
                condition=~Q(state__in=["decided", "corrected"])
                | (~Q(verdict="") & Q(decided_by__isnull=False)),
                name="inbox_claim_decided_by_somebody",
            ),
        ]


class ClaimItem(Scoped):
    """One message in which a doubtful claim was seen."""

    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(fields=["claim", "item"], name="inbox_claimitem_once"),
        ]


class ClaimEvidence(Scoped):
    """One source on a claim: a page anybody can open, or a document of the unit responsible."""

    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="sources")
    title = models.CharField(max_length=200)
    url = models.URLField(max_length=800, blank=True)
    document = models.CharField(max_length=200, blank=True)  # number of the unit's document
    quote = models.TextField(blank=True)
    added_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    class Meta(Scoped.Meta):
        pass


class Layer(Scoped):
    """What officers' corrections taught the suggestions of this agency. In use only once a person
    accepted it; the newest accepted one of a field speaks."""

    field = models.CharField(max_length=24)  # kind
    weights = models.JSONField()  # language.layer.Layer.as_json
    over = models.CharField(max_length=60)  # the shipped model that it corrects
    learnt_from = models.PositiveIntegerField()
    held_back = models.PositiveIntegerField()
    # Shares of the held-back corrections that were right.
    before = models.FloatField()
    after = models.FloatField()
    made_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta(Scoped.Meta):
        indexes = [
            models.Index(
                fields=["agency", "field", "-accepted_at"],
                condition=Q(accepted_at__isnull=False),
                name="inbox_layer_in_use",
            )
        ]


class Vocabulary(Scoped):
    """Words by which a unit's work is known here, or the name of a place: data of the agency."""

    class Kind(models.TextChoices):
        UNIT = "unit", _("Unit")
        PLACE = "place", _("Place")

    kind = models.CharField(max_length=8, choices=Kind.choices)
    unit = models.ForeignKey(
        Agency, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    word = models.CharField(max_length=80)

    class Meta(Scoped.Meta):
        verbose_name_plural = "vocabulary"
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["agency", "kind", "unit", "word"],
                nulls_distinct=False,
                name="inbox_vocabulary_once",
            ),
            models.CheckConstraint(
                condition=Q(kind="place", unit=None) | Q(kind="unit", unit__isnull=False),
                name="inbox_vocabulary_of_unit_or_place",
            ),
        ]


class Door(Scoped):
    """An address at which a network leaves what it has for one account, signed.

    The address holds a token that only we and the network know; only its hash is here in clear.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="doors")
    token_hash = models.BinaryField(max_length=32, unique=True)
    # core.secrets.seal of what the channel needs to tell a genuine body, as JSON: names to strings.
    sealed = models.BinaryField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    # A subscription: when we last asked for it, and until when the network promised to send.
    asked_at = models.DateTimeField(null=True, blank=True)
    failed_why = models.CharField(max_length=40, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    # Bodies that were turned away: not genuine. Nothing of them is kept but their number.
    refused = models.PositiveBigIntegerField(default=0)
    refused_at = models.DateTimeField(null=True, blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(closed_at=None),
                name="inbox_door_one_open_an_account",
            ),
        ]


class Arrival(Scoped):
    """One genuine body as it came to a door, sealed, until its words are in the inbox."""

    door = models.ForeignKey(Door, on_delete=models.CASCADE, related_name="arrivals")
    digest = models.BinaryField(max_length=32)  # SHA-256 of the body: the same body counts once
    sealed = models.BinaryField()  # core.secrets.seal of headers and body; empty once worked on
    received_at = models.DateTimeField()
    worked_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(fields=["door", "digest"], name="inbox_arrival_once"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(worked_at=None), name="inbox_arrival_waiting"),
            models.Index(
                fields=["worked_at"],
                condition=Q(worked_at__isnull=False),
                name="inbox_arrival_worked",
            ),
        ]


class HubNews(Scoped):
    """What a hub was last told of an agency's public feeds: the newest entry, and when."""

    newest = models.DateTimeField()
    told_at = models.DateTimeField()
    failed_why = models.CharField(max_length=40, blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(fields=["agency"], name="inbox_hub_news_once"),
        ]
