"""The nouns that everything stands on: agencies, people, memberships, invitations, days off."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tanggap.core.roles import ROLES
from tanggap.core.rowsecurity import RowSecurity


class Agency(models.Model):
    """An agency (instansi) or a unit of one: a node of the government's tree.

    `autonomous` marks a tenant boundary: a regency is not read by its province. Units (OPD, UPT)
    below an autonomous node belong to its tenant. Names of agencies are public facts, so this
    table alone has no row-level security for reading.
    """

    class Kind(models.TextChoices):
        NATIONAL = "national", _("National government")
        PROVINCE = "province", _("Province")
        REGENCY = "regency", _("Regency")
        CITY = "city", _("City")
        UNIT = "unit", _("Agency unit")
        SUBUNIT = "subunit", _("Technical unit")
        VILLAGE = "village", _("Village")

    class Zone(models.TextChoices):
        WIB = "Asia/Jakarta", "WIB"
        WITA = "Asia/Makassar", "WITA"
        WIT = "Asia/Jayapura", "WIT"

    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="units"
    )
    kind = models.CharField(max_length=16, choices=Kind.choices)
    autonomous = models.BooleanField(default=True)
    name = models.CharField(max_length=200)
    short_name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=60, unique=True)
    # Three or so letters that begin the numbers which citizens are given, as in SKM-7Q4K.
    code = models.CharField(max_length=6, unique=True)
    zone = models.CharField(max_length=32, choices=Zone.choices, default=Zone.WIB)
    region_code = models.CharField(max_length=13, blank=True)
    contact = models.CharField(max_length=200, blank=True)
    website = models.URLField(blank=True)
    # Differences between agencies are rows: settings known to core/rules.py, by name.
    rules = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name_plural = "agencies"

    def __str__(self) -> str:
        return self.short_name

    @property
    def zone_name(self) -> str:
        """WIB, WITA or WIT."""
        return Agency.Zone(self.zone).label


class Scoped(models.Model):
    """Base of every row that belongs to an agency. The database walls it off by `agency_id`."""

    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True
        constraints = [RowSecurity(name="%(app_label)s_%(class)s_rows")]


class PersonManager(BaseUserManager["Person"]):
    def create_user(self, email: str, password: str | None = None, **extra: object) -> Person:
        if not email:
            raise ValueError("A person needs an e-mail address to sign in.")
        person = self.model(email=self.normalize_email(email).lower(), **extra)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(email__iexact=username)


class Person(AbstractBaseUser):
    """Somebody who signs in. What they may do comes from their memberships alone."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150)
    phone = models.CharField(max_length=32, blank=True)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(auto_now_add=True)
    language = models.CharField(max_length=5, default="id")
    # Single-letter keys can be switched off (WCAG 2.1.4).
    letter_keys = models.BooleanField(default=True)

    objects = PersonManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.name or self.email


class Membership(Scoped):
    """A person's role in an agency by decree (SK), from a day until a day."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=[(role, role) for role in ROLES])
    # A subject-matter unit's people see their unit's work only.
    unit = models.ForeignKey(
        Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decree_number = models.CharField(max_length=120)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # Deputy of the lead until this instant (a team of two at 22.00).
    deputy_until = models.DateTimeField(null=True, blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["agency", "person"],
                condition=Q(ended_at=None),
                name="core_membership_one_per_agency",
            ),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gte=models.F("valid_from")),
                name="core_membership_dates",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} ({self.role})"


class Invitation(Scoped):
    """An offer of a membership, by a link that works once and expires. Only its hash is kept."""

    email = models.EmailField()
    name = models.CharField(max_length=150)
    role = models.CharField(max_length=16, choices=[(role, role) for role in ROLES])
    unit = models.ForeignKey(
        Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decree_number = models.CharField(max_length=120)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    token_hash = models.BinaryField(max_length=32, unique=True)
    invited_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta(Scoped.Meta):
        pass


class DayOverride(Scoped):
    """A day that the agency declares working or off, over what the national calendar says."""

    day = models.DateField()
    working = models.BooleanField()
    reason = models.CharField(max_length=200)
    decree_number = models.CharField(max_length=120, blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(fields=["agency", "day"], name="core_dayoverride_once"),
        ]


class PracticeClock(models.Model):
    """How far the practice network's time runs ahead of the wall clock. One row, demo only."""

    offset = models.DurationField()
