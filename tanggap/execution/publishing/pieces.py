"""From a row to what a channel takes: the draft with its files, and whom it answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from tanggap.archive import payload
from tanggap.channels.base import Draft, Media, Target
from tanggap.channels.errors import Rejected
from tanggap.execution.publishing import content
from tanggap.execution.publishing.models import Delivery
from tanggap.messaging import models as messaging


def draft(row: Delivery, *, reply_to: Target | None) -> Draft:
    """What was approved, whole, its blank filled. Raises Rejected when a file is no longer the one
    approved, or when the person whose sealed words they are was erased."""
    said = row.content
    return Draft(
        text=_text(said),
        visibility=said["visibility"],
        language=said["language"],
        media=tuple(_medium(part) for part in said["media"]),
        reply_to=reply_to,
    )


def own_target(row: Delivery) -> Target | None:
    """Whom a reply answers; None for a post."""
    if not row.reply_target:
        return None
    return Target(row.reply_target, row.content.get("reply_handle", ""))


def target(row: Delivery) -> Target | None:
    """What it hangs below on the network: its reply target, or the thread's part before it."""
    if row.follows is not None:
        return Target(row.follows.remote_id or "")
    return own_target(row)


def _text(said: dict[str, Any]) -> str:
    if "sealed" not in said:
        return str(said["text"])
    try:
        words = payload.unsealed(said["sealed"]).decode()
    except payload.Erased as error:
        raise Rejected("erased") from error
    return str(said["text"]).replace(content.BLANK, words)


def _medium(part: dict[str, Any]) -> Media:
    kept = messaging.Media.objects.filter(pk=part["id"]).first()
    if kept is None or bytes(kept.sha256).hex() != part["sha256"]:
        raise Rejected("file_changed")
    _unchanged(kept, part["sha256"])
    return Media(
        sha256=part["sha256"],
        filename=PurePosixPath(kept.file.name or "").name,
        mime=part["mime"],
        size=kept.size,
        alt=part["alt"],
        open=_opener(kept),
    )


def _unchanged(kept: messaging.Media, sha256: str) -> None:
    """The bytes on disk are those that were approved."""
    found = hashlib.sha256()
    with _opener(kept)() as stream:
        while chunk := stream.read(1 << 20):
            found.update(chunk)
    if found.hexdigest() != sha256:
        raise Rejected("file_changed")


def _opener(kept: messaging.Media) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        return open(kept.file.path, "rb")

    return opened
