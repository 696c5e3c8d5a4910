"""Official accounts (akun resmi): who owns them, how they are connected, what they may send.

Stage-less ground of the cycle. Capabilities 1-3 (registry), 88.2 (choose the account).
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tanggap.core.models import Agency, Person, Scoped
from tanggap.core.states import States


class AccountStates(States):
    registered = ("connected", "retired")
    connected = ("paused", "retired")
    paused = ("connected", "retired")
    retired = ()


class Account(Scoped):
    """An agency's, unit's, official's, campaign's or crisis presence on one channel."""

    class Kind(models.TextChoices):
        INSTITUTION = "institution", _("Institution")
        UNIT = "unit", _("Unit")
        OFFICIAL = "official", _("Official in office")
        CAMPAIGN = "campaign", _("Campaign")
        CRISIS = "crisis", _("Crisis")

    STATES = AccountStates

    kind = models.CharField(max_length=16, choices=Kind.choices)
    channel = models.CharField(max_length=32)  # a kind of channels/registry.py
    preset = models.CharField(max_length=32, blank=True)  # of the manual channel
    state = models.CharField(max_length=16, default=AccountStates.initial)
    handle = models.CharField(max_length=200)
    display_name = models.CharField(max_length=200)
    url = models.URLField(max_length=500, blank=True)
    # Server of a federated channel, e.g. https://sosial.example ; empty where there is only one.
    server = models.URLField(max_length=300, blank=True)
    remote_id = models.CharField(max_length=200, blank=True)
    owner_unit = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    person_in_charge = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decree_number = models.CharField(max_length=120)
    opened_on = models.DateField(null=True, blank=True)
    recovery_contact = models.CharField(max_length=200)
    verified_badge = models.BooleanField(default=False)
    listed = models.BooleanField(default=True)  # on the public page of official accounts
    # Limits as the network itself told (channels.base.Limits as a dict), and when it did.
    limits = models.JSONField(default=dict, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    # When the daily look at the network is next due; moved forward while the network is silent.
    check_after = models.DateTimeField(null=True, blank=True)
    # Why the last look did not succeed: a code of channels/errors.py, and the network's own words.
    trouble = models.CharField(max_length=40, blank=True)
    trouble_said = models.TextField(blank=True)
    # "credentials" (the network refused them) or "person"; only the first ends by reconnecting.
    paused_code = models.CharField(max_length=16, blank=True)
    paused_reason = models.TextField(blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    retired_reason = models.TextField(blank=True)

    class Meta(Scoped.Meta):
        indexes = [
            models.Index(
                fields=["check_after"],
                condition=Q(state="connected"),
                name="accounts_account_check",
            )
        ]
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["agency", "channel", "preset", "server", "handle"],
                name="accounts_account_once",
            ),
            models.CheckConstraint(
                condition=~Q(state="paused") | ~Q(paused_reason=""),
                name="accounts_account_pause_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.display_name} ({self.handle})"


class Custodian(Scoped):
    """One of at least two people who can recover an account."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="custodians")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    since = models.DateField()

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(fields=["account", "person"], name="accounts_custodian_once"),
        ]


class App(models.Model):
    """Our registration as a client on one server of a federated channel. Secrets are sealed."""

    channel = models.CharField(max_length=32)
    server = models.URLField(max_length=300)
    redirect_uri = models.URLField(max_length=300)
    sealed = models.BinaryField()  # core.secrets.seal of the client id and secret as JSON
    registered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "server", "redirect_uri"], name="accounts_app_once"
            )
        ]


class Credential(Scoped):
    """A version of an account's secrets, sealed. Versions are superseded, never blanked."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="credentials")
    sealed = models.BinaryField()
    key_id = models.CharField(max_length=32)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(superseded_at=None),
                name="accounts_credential_one_current",
            ),
        ]


class Connecting(Scoped):
    """An authorisation under way: the OAuth state that the network must give back, once."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    state_hash = models.BinaryField(max_length=32, unique=True)
    verifier = models.BinaryField()  # sealed PKCE verifier
    started_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta(Scoped.Meta):
        pass


class Bucket(Scoped):
    """What is left of a network's limit for one account: a token bucket seeded by its headers.

    With `resets_at` (the network told) it is full again at that instant and not before; without,
    it fills evenly over `window_s`.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="buckets")
    scope = models.CharField(max_length=32)  # as the channel names it: "posts", "media", "reads"
    capacity = models.PositiveIntegerField()
    window_s = models.PositiveIntegerField()
    tokens = models.FloatField()
    updated_at = models.DateTimeField()
    resets_at = models.DateTimeField(null=True, blank=True)
    # Nothing may be tried before this instant (the network said so).
    blocked_until = models.DateTimeField(null=True, blank=True)

    class Meta(Scoped.Meta):
        constraints = [
            *Scoped.Meta.constraints,
            models.UniqueConstraint(fields=["account", "scope"], name="accounts_bucket_once"),
        ]
