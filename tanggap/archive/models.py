"""The nouns of the proof: records, the log they are sealed into, its signed heads, sealed content.

Record, Leaf, Node and TreeHead only grow: triggers and missing privileges refuse anything else.
docs/reference/records.md has the exact bytes that are hashed.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tanggap.archive.appendonly import AppendOnly, grow_only
from tanggap.core.models import Scoped


class PersonKey(Scoped):
    """The key of one person's content in one agency. Destroying it erases what it locks.

    `subject_key` names the person without naming them, as in "account:12:author:345".
    `wrapped` is the key sealed by a master key (core/secrets.py); null once erased.
    """

    subject_key = models.CharField(max_length=120)
    wrapped = models.BinaryField(null=True)
    made_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["agency", "subject_key"],
                condition=Q(erased_at=None),
                name="archive_personkey_one_living",
            ),
            models.CheckConstraint(
                condition=Q(erased_at=None, wrapped__isnull=False)
                | Q(erased_at__isnull=False, wrapped=None),
                name="archive_personkey_erased_is_gone",
            ),
        ]

    def __str__(self) -> str:
        return self.subject_key


class Payload(Scoped):
    """Content word for word, locked with a person's key; `sha256` is of the locked bytes."""

    key = models.ForeignKey(PersonKey, on_delete=models.PROTECT, related_name="payloads")
    locked = models.BinaryField()
    sha256 = models.BinaryField(max_length=32)
    stored_at = models.DateTimeField()

    class Meta(Scoped.Meta):
        pass

    def __str__(self) -> str:
        return f"payload {self.pk}"


class Record(Scoped):
    """One fact: who did what to which thing, when. Ids, counts and codes only.

    `actor` is "person:12" or the name of a machine or outsider ("system:listen", "citizen").
    `content_hash` is HMAC-SHA256 of the content that the fact speaks of, keyed by the salt.
    Where `key` is set the salt is locked with that person's key: once the key is destroyed
    nobody can test a guess against the hash, and the proof still holds.
    """

    at = models.DateTimeField()
    verb = models.CharField(max_length=80)
    actor = models.CharField(max_length=120)
    subject_type = models.CharField(max_length=80)
    subject_id = models.CharField(max_length=64)
    facts = models.JSONField(default=dict)
    key = models.ForeignKey(PersonKey, null=True, on_delete=models.PROTECT, related_name="+")
    salt = models.BinaryField(max_length=64)
    content_hash = models.BinaryField(max_length=32, null=True)
    leaf_hash = models.BinaryField(max_length=32)

    class Meta(Scoped.Meta):
        constraints = [*Scoped.Meta.constraints, AppendOnly(name="archive_record_append_only")]
        triggers = grow_only()
        indexes = [
            models.Index(
                fields=["agency", "subject_type", "subject_id", "id"], name="archive_record_subject"
            ),
            models.Index(fields=["agency", "verb", "id"], name="archive_record_verb"),
            models.Index(fields=["agency", "actor", "id"], name="archive_record_actor"),
            models.Index(fields=["agency", "at"], name="archive_record_at"),
            models.Index(fields=["agency", "id"], name="archive_record_list"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject_type}:{self.subject_id}"


class Pending(Scoped):
    """A record that waits for the sealer: written with it, removed when its leaf is appended.

    A row appears when its transaction commits, so a lower id that commits late is never skipped.
    """

    record = models.OneToOneField(
        Record, primary_key=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta(Scoped.Meta):
        pass

    def __str__(self) -> str:
        return f"record {self.pk}"


class Leaf(Scoped):
    """The place of a record in its agency's log (RFC 6962). Index begins at 0, without gaps."""

    index = models.BigIntegerField()
    record = models.OneToOneField(Record, on_delete=models.PROTECT, related_name="leaf")
    leaf_hash = models.BinaryField(max_length=32)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            AppendOnly(name="archive_leaf_append_only"),
            models.UniqueConstraint(fields=["agency", "index"], name="archive_leaf_place"),
        ]
        triggers = grow_only()

    def __str__(self) -> str:
        return f"leaf {self.index}"


class Node(Scoped):
    """Hash of 256 whole neighbours one tier below (tier 1 stands on leaves): proofs stay quick."""

    tier = models.SmallIntegerField()
    index = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            AppendOnly(name="archive_node_append_only"),
            models.UniqueConstraint(fields=["agency", "tier", "index"], name="archive_node_place"),
        ]
        triggers = grow_only()

    def __str__(self) -> str:
        return f"node {self.tier}/{self.index}"


class TreeHead(Scoped):
    """The log's root at a size, signed by a key that the database does not have."""

    size = models.BigIntegerField()
    root_hash = models.BinaryField(max_length=32)
    at = models.DateTimeField()
    signer = models.CharField(max_length=16)
    signature = models.BinaryField(max_length=64)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            AppendOnly(name="archive_treehead_append_only"),
            models.UniqueConstraint(fields=["agency", "size"], name="archive_treehead_size"),
        ]
        triggers = grow_only()

    def __str__(self) -> str:
        return f"head of {self.size}"
