"""Write a message once, and adapt its wording to each account. Any edit voids its approval."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from tanggap.accounts.models import Account
from tanggap.activities.models import Activity
from tanggap.archive.move import move
from tanggap.archive.record import record
from tanggap.core.errors import Refused, Stale
from tanggap.core.models import Agency, Person
from tanggap.messaging.models import Media, Message, Variant, VariantMedia

WRITABLE = frozenset(
    {
        "title",
        "core",
        "activity",
        "language",
        "tone",
        "openness",
        "source",
        "valid_until",
        "emergency",
        "publish_at",
    }
)


def write(
    agency: Agency,
    *,
    title: str,
    core: str,
    accounts: Iterable[Account] = (),
    activity: Activity | None = None,
    language: str = "id",
    tone: str = Message.Tone.WARM,
    openness: str = "",
    source: str = "",
    valid_until: date | None = None,
    emergency: bool = False,
    publish_at: datetime | None = None,
    by: Person,
    now: datetime,
) -> Message:
    """Begin a message with one variant an account, each following the core. Raises Refused."""
    _has_words(title, core)
    with transaction.atomic():
        message = Message.objects.create(
            agency=agency,
            title=title.strip(),
            core=core.strip(),
            activity=activity,
            language=language,
            tone=tone,
            openness=openness,
            source=source.strip(),
            valid_until=valid_until,
            emergency=emergency,
            publish_at=publish_at,
            author=by,
            created_at=now,
            edited_at=now,
            edited_by=by,
        )
        record(
            agency,
            "message.written",
            message,
            by=by,
            now=now,
            facts={"activity": activity.pk if activity else None},
        )
        choose(message, accounts, by=by, now=now)
    return message


def edit(
    message: Message, *, by: Person, now: datetime, seen: datetime | None = None, **fields: Any
) -> Message:
    """Change fields; an approval or a request for one is void afterwards.

    `seen` is `edited_at` as the writer saw it: when somebody edited in between, Stale is raised and
    nothing is written. Fields outside WRITABLE are a TypeError.
    """
    unknown = set(fields) - WRITABLE
    if unknown:
        raise TypeError(f"Not a field that is written: {sorted(unknown)}.")
    _has_words(fields.get("title", message.title), fields.get("core", message.core))
    with transaction.atomic():
        fresh = _writable(message, seen)
        changed = [name for name, value in fields.items() if getattr(fresh, name) != value]
        if changed:
            for name in changed:
                setattr(fresh, name, fields[name])
            fresh.save(update_fields=changed)
            _touched(fresh, by=by, now=now, facts={"fields": sorted(changed)})
    message.refresh_from_db()
    return message


def choose(message: Message, accounts: Iterable[Account], *, by: Person, now: datetime) -> None:
    """Let exactly these accounts say it. A variant that is left out is gone with its wording."""
    wanted = {account.pk: account for account in accounts}
    with transaction.atomic():
        fresh = _writable(message, None)
        have = set(fresh.variants.values_list("account_id", flat=True))
        if have == set(wanted):
            return
        fresh.variants.exclude(account_id__in=wanted).delete()
        media = _shared_media(fresh)
        for pk in wanted.keys() - have:
            variant = Variant.objects.create(
                agency_id=fresh.agency_id, message=fresh, account_id=pk
            )
            _attach(variant, media)
        _touched(fresh, by=by, now=now, facts={"accounts": sorted(wanted)})
    message.refresh_from_db()


def adapt(
    variant: Variant,
    parts: Sequence[str],
    *,
    by: Person,
    now: datetime,
    visibility: str | None = None,
) -> Variant:
    """Give one account its own wording: one text, or the parts of a thread in order."""
    texts = [part.strip() for part in parts if part.strip()]
    if not texts:
        raise Refused(
            _("The wording was not saved."),
            _("It is empty."),
            _("Write a text, or let this account follow the core message."),
            field="parts",
        )
    with transaction.atomic():
        fresh = _writable(variant.message, None)
        variant.detached, variant.parts = True, texts
        variant.visibility = visibility or variant.visibility
        variant.save(update_fields=["detached", "parts", "visibility"])
        _touched(fresh, by=by, now=now, facts={"account": variant.account_id, "parts": len(texts)})
    variant.message.refresh_from_db()
    return variant


def follow(variant: Variant, *, by: Person, now: datetime) -> Variant:
    """Back to the core message; the account's own wording is dropped."""
    with transaction.atomic():
        fresh = _writable(variant.message, None)
        if variant.detached:
            variant.detached, variant.parts = False, []
            variant.save(update_fields=["detached", "parts"])
            _touched(fresh, by=by, now=now, facts={"account": variant.account_id, "parts": 0})
    variant.message.refresh_from_db()
    return variant


def illustrate(
    message: Message,
    media: Sequence[Media],
    *,
    by: Person,
    now: datetime,
    variant: Variant | None = None,
) -> None:
    """Show these media, in this order, in every variant or in one."""
    with transaction.atomic():
        fresh = _writable(message, None)
        for one in [variant] if variant else fresh.variants.all():
            VariantMedia.objects.filter(variant=one).delete()
            _attach(one, media)
        _touched(fresh, by=by, now=now, facts={"media": [row.pk for row in media]})
    message.refresh_from_db()


def withdraw(message: Message, *, reason: str, by: Person, now: datetime) -> Message:
    """Give the message up. What already went out is removed under publishing, not here."""
    if not reason.strip():
        raise Refused(
            _("Nothing was withdrawn."),
            _("The reason is missing."),
            _("Write in one sentence why."),
            field="reason",
        )
    return move(
        message,
        "withdrawn",
        by=by,
        now=now,
        facts={"reason": True},
        content=reason.strip().encode(),
    )


def touch(message: Message, *, by: Person, now: datetime, facts: dict[str, Any]) -> None:
    """Something that will be sent changed elsewhere (a medium's alt text): the approval is void."""
    with transaction.atomic():
        _touched(_writable(message, None), by=by, now=now, facts=facts)
    message.refresh_from_db()


def _touched(fresh: Message, *, by: Person, now: datetime, facts: dict[str, Any]) -> None:
    Message.objects.filter(pk=fresh.pk).update(edited_at=now, edited_by=by)
    if fresh.state in ("checked", "approved"):
        move(
            fresh,
            "draft",
            by=by,
            now=now,
            verb="message.approval_voided",
            facts=facts,
            approved_hash=None,
            approved_at=None,
            approved_by=None,
        )
    else:
        record(fresh.agency, "message.edited", fresh, by=by, now=now, facts=facts)


def _writable(message: Message, seen: datetime | None) -> Message:
    fresh = (
        Message.objects.select_for_update(of=["self"]).select_related("agency").get(pk=message.pk)
    )
    if fresh.state in ("released", "withdrawn"):
        raise Refused(
            _("Nothing was changed."),
            _("This content is already published or withdrawn; its words are history."),
            _("Write a new one, or publish a correction."),
        )
    if seen is not None and fresh.edited_at != seen:
        raise Stale(
            _("Nothing was saved yet."),
            _("Somebody else edited this content in the meantime."),
            _("Your words are still in the form. Compare with what is there now, then save again."),
        )
    return fresh


def _shared_media(message: Message) -> list[Media]:
    first = message.variants.order_by("pk").first()
    if first is None:
        return []
    rows = VariantMedia.objects.filter(variant=first).select_related("media").order_by("order")
    return [row.media for row in rows]


def _attach(variant: Variant, media: Sequence[Media]) -> None:
    VariantMedia.objects.bulk_create(
        [
            VariantMedia(agency_id=variant.agency_id, variant=variant, media=row, order=order)
            for order, row in enumerate(media)
        ]
    )


def _has_words(title: str, core: str) -> None:
    if not title.strip():
        raise Refused(
            _("The content was not saved."),
            _("It has no title."),
            _("Give it a short title that the team recognises."),
            field="title",
        )
    if not core.strip():
        raise Refused(
            _("The content was not saved."),
            _("The core message is empty."),
            _("Write what citizens should know, in one or two sentences."),
            field="core",
        )
