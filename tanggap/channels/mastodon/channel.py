"""Mastodon and the servers that speak its API (GoToSocial, Takahe, Akkoma, Pleroma, snac, ...).

Servers differ: limits are read from each, `Idempotency-Key` is sent but never trusted, uploads may
stay unprocessed, and a bad token may be a 400. `confirm` reads our own posts back.
`hide` is absent: see README.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from tanggap.channels.base import (
    Channel,
    Draft,
    Fetched,
    Identity,
    Later,
    Media,
    Metrics,
    NotFound,
    Posted,
    Rate,
    Ready,
    Removed,
    Sent,
    Setting,
    Target,
)
from tanggap.channels.errors import (
    ChannelError,
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    Unavailable,
)
from tanggap.channels.mastodon import text
from tanggap.channels.mastodon.answers import drift, judge, post_once, rate, read
from tanggap.channels.mastodon.limits import DEFAULTS, limits_of
from tanggap.channels.mastodon.pull import pull, when
from tanggap.channels.oauth import CodeFlow
from tanggap.core.http import Answer, Client, HttpError, Unreadable

SKEW = timedelta(minutes=5)
"""How far a server's clock may be from ours when our own posts are read back."""
PAGE = 40
PAGES = 25
POLL = timedelta(seconds=5)
UPLOAD_TIMEOUT = 120.0
"""Seconds for one upload: films are large and lines are thin."""
GONE = (404, 410)


class Mastodon(Channel):
    """One account on one server."""

    kind = "mastodon"
    name = "Mastodon"
    settings = (
        Setting(
            "server",
            "Server address",
            "The address of the server where the account lives.",
            kind="url",
            example="https://mastodon.example",
        ),
        Setting(
            "access_token",
            "Access token",
            "Only if you made an application on the server yourself. "
            "Leave empty to authorise in the browser.",
            kind="secret",
            required=False,
        ),
    )
    defaults = DEFAULTS
    oauth = CodeFlow(
        authorise_path="/oauth/authorize",
        token_path="/oauth/token",  # noqa: S106
        scopes=("read", "write"),
        register_path="/api/v1/apps",
    )

    @classmethod
    def base_url(cls, credentials: Mapping[str, str]) -> str:
        server = credentials.get("server", "").strip().rstrip("/")
        return server if not server or "://" in server else f"https://{server}"

    @property
    def _http(self) -> Client:
        if self.context.http is None:
            raise NotAuthorised("no_server")
        return self.context.http

    @property
    def _now(self) -> datetime:
        return self.context.now

    # --- connect ---------------------------------------------------------------------------------

    def verify(self) -> Identity:
        """Whose token this is, with the server's live limits (its v2 description, else v1)."""
        answer, me = read(self._http, "/api/v1/accounts/verify_credentials", self._now)
        if not isinstance(me, dict) or not me.get("id"):
            raise Unavailable("unreadable", status=answer.status)
        instance = self._instance()
        return Identity(
            account_id=str(me["id"]),
            handle=str(me.get("acct") or me.get("username") or ""),
            display_name=str(me.get("display_name") or me.get("username") or ""),
            url=str(me.get("url") or ""),
            limits=limits_of(instance),
            server=str(instance.get("version") or ""),
            rate=rate(answer, "reads", self._now),
        )

    def _instance(self) -> Mapping[str, Any]:
        try:
            _, found = read(self._http, "/api/v2/instance", self._now)
        except (Rejected, Unavailable) as wrong:
            # Only an answer says that there is no v2 here; silence is silence.
            if not wrong.status:
                raise
            _, found = read(self._http, "/api/v1/instance", self._now)
        return found if isinstance(found, dict) else {}

    # --- send ------------------------------------------------------------------------------------

    def words(self, draft: Draft) -> str:
        """The text as it goes out: a reply must call whom it answers, or they are not told."""
        to = draft.reply_to
        if to is None or not to.handle or text.mentions(draft.text, to.handle):
            return draft.text
        return f"@{to.handle} {draft.text}"

    def count(self, draft: Draft) -> int:
        """Length of the draft as the server counts it."""
        return text.count(self.words(draft), self.limits.url_length)

    def prepare(self, draft: Draft, saved: Mapping[str, Any] | None = None) -> Ready | Later:
        """Check against the limits, then upload what is not yet there. May be repeated.

        `saved` maps each medium's key to its id and whether it is processed. Raises Rejected,
        NotAuthorised, RateLimited or Unavailable, with what was reached in `.saved`.
        """
        self._check(draft)
        media = {key: dict(value) for key, value in (saved or {}).get("media", {}).items()}
        bucket = None
        try:
            for medium in draft.media:
                known = media.get(medium.key)
                found: dict[str, Any] | None
                if known is None:
                    answer, found = self._upload(medium)
                elif known["ready"]:
                    continue
                else:
                    answer, found = self._look(known["id"])
                bucket = rate(answer, "media", self._now) or bucket
                if found is None:
                    # The server forgot it: the next call uploads it again.
                    del media[medium.key]
                else:
                    media[medium.key] = found
        except ChannelError as wrong:
            wrong.saved = {"media": media}
            raise
        if all(media.get(medium.key, {}).get("ready") for medium in draft.media):
            handles = tuple(media[medium.key]["id"] for medium in draft.media)
            return Ready(draft, handles, bucket)
        return Later({"media": media}, self._now + POLL, bucket)

    def _check(self, draft: Draft) -> None:
        limits = self.limits
        if not self.words(draft).strip() and not draft.media:
            raise Rejected("empty")
        if self.count(draft) > limits.max_text:
            raise Rejected("too_long", f"{self.count(draft)} > {limits.max_text}")
        if len(draft.media) > limits.max_media:
            raise Rejected("too_many_media", f"{len(draft.media)} > {limits.max_media}")
        for medium in draft.media:
            if limits.mime_types and medium.mime not in limits.mime_types:
                raise Rejected("media_type", medium.mime)
            most = limits.image_bytes if medium.mime.startswith("image/") else limits.video_bytes
            if most and medium.size > most:
                raise Rejected("media_too_large", f"{medium.size} > {most}")
            if limits.max_alt and text.count(medium.alt, 0) > limits.max_alt:
                raise Rejected("alt_too_long", str(limits.max_alt))

    def _upload(self, medium: Media) -> tuple[Answer, dict[str, Any]]:
        answer = self._put("/api/v2/media", medium)
        if answer.status in (404, 405, 501):
            answer = self._put("/api/v1/media", medium)
        if answer.status == 413:
            raise Rejected("media_too_large", status=413)
        if not answer.ok:
            raise judge(answer, "media", self._now, sending=False)
        found = _object(answer)
        if not found.get("id"):
            raise Unavailable("unreadable", status=answer.status)
        return answer, {"id": str(found["id"]), "ready": _processed(answer, found)}

    def _put(self, path: str, medium: Media) -> Answer:
        with medium.open() as stream:
            try:
                return self._http.send(
                    "POST",
                    path,
                    data={"description": medium.alt} if medium.alt else None,
                    files={"file": (medium.filename, stream, medium.mime)},
                    timeout=UPLOAD_TIMEOUT,
                )
            except HttpError as wrong:
                # An upload that nobody attaches is thrown away by the server: it may be repeated.
                raise Unavailable(wrong.reason) from None

    def _look(self, media_id: str) -> tuple[Answer, dict[str, Any] | None]:
        try:
            answer = self._http.get(f"/api/v1/media/{_path(media_id)}")
        except HttpError as wrong:
            raise Unavailable(wrong.reason) from None
        if answer.status in GONE:
            return answer, None
        if not answer.ok:
            raise judge(answer, "media", self._now, sending=False)
        return answer, {"id": media_id, "ready": _processed(answer, _object(answer))}

    def publish(self, ready: Ready, key: str) -> Posted:
        """One POST. Raises Rejected, NotAuthorised, RateLimited or Unavailable when surely nothing
        was published, OutcomeUnknown for everything else."""
        return self._post(ready, key, reply_to=None, visibility=ready.draft.visibility)

    def reply(self, to: Target, ready: Ready, key: str) -> Posted:
        """As publish, under the post `to`."""
        return self._post(ready, key, reply_to=to, visibility=ready.draft.visibility)

    def send_private(self, to: Target, ready: Ready, key: str) -> Posted:
        """As reply, to be seen by the mentioned only. The draft's visibility must say so too."""
        if ready.draft.visibility != "direct":
            raise Rejected("not_private")
        return self._post(ready, key, reply_to=to, visibility="direct")

    def _post(self, ready: Ready, key: str, *, reply_to: Target | None, visibility: str) -> Posted:
        draft = ready.draft
        if reply_to != draft.reply_to:
            # What was approved and counted names the target; another one is another text.
            raise Rejected("other_target")
        body: dict[str, Any] = {
            "status": self.words(draft),
            "visibility": visibility,
            "language": draft.language,
            "sensitive": draft.sensitive,
        }
        if ready.handles:
            body["media_ids"] = list(ready.handles)
        if reply_to is not None:
            body["in_reply_to_id"] = reply_to.remote_id
        answer = post_once(
            self._http, "/api/v1/statuses", self._now, json=body, headers={"Idempotency-Key": key}
        )
        bucket = rate(answer, "posts", self._now)
        try:
            found = answer.json()
        except Unreadable:
            raise OutcomeUnknown("unreadable", status=answer.status, rate=bucket) from None
        if not isinstance(found, dict) or not found.get("id") or not when(found.get("created_at")):
            # A scheduled post, say, has an id but no time at which it was published.
            raise OutcomeUnknown("unexpected", status=answer.status, rate=bucket)
        return _posted(found, answer.body, bucket)

    # --- look up ---------------------------------------------------------------------------------

    def confirm(self, sent: Sent) -> Posted | NotFound:
        """Look for it among our own posts, newest first, past the claim time.

        Account, target, visibility, words, number of media and their alt texts must be equal.
        The oldest match counts; `taken` ids never do. Also reads the target's thread, since some
        servers leave private answers out of the list.
        """
        found: list[tuple[datetime, dict[str, Any]]] = []
        answer: Answer | None = None
        if sent.draft.reply_to is not None:
            answer, thread = self._thread(sent.draft.reply_to.remote_id)
            since = self._by_its_clock(sent, answer)
            found += self._matches(thread, sent, since)
        path = f"/api/v1/accounts/{_path(self.context.account_id)}/statuses"
        seen_until, complete, before = None, False, ""
        for _ in range(PAGES):
            params: dict[str, Any] = {"limit": PAGE, "exclude_reblogs": "true"}
            if before:
                params["max_id"] = before
            answer, page = read(self._http, path, self._now, params)
            since = self._by_its_clock(sent, answer)
            rows = [row for row in _rows(page) if row.get("id") and when(row.get("created_at"))]
            found += self._matches(rows, sent, since)
            times = [
                at for row in rows if not row.get("pinned") and (at := when(row["created_at"]))
            ]
            if times:
                seen_until = min(times) if seen_until is None else min(seen_until, *times)
            if not rows or str(rows[-1]["id"]) == before:
                complete = True
                break
            if times and min(times) < since:
                complete = True
                break
            before = str(rows[-1]["id"])
        bucket = rate(answer, "reads", self._now) if answer is not None else None
        if found:
            _, oldest = min(found, key=lambda pair: (pair[0], str(pair[1]["id"])))
            return _posted(oldest, json.dumps(oldest, ensure_ascii=False).encode(), bucket)
        return NotFound(seen_until, complete, bucket)

    def _by_its_clock(self, sent: Sent, answer: Answer | None) -> datetime:
        """The claim time by the server's clock, which may lag far behind ours. One that runs ahead
        is left alone: looking at too much is safe, looking at too little sends twice."""
        behind = drift(answer, self._now) if answer is not None else timedelta(0)
        return sent.claimed_at - SKEW + min(behind, timedelta(0))

    def _thread(self, status_id: str) -> tuple[Answer | None, list[dict[str, Any]]]:
        try:
            answer, context = read(
                self._http, f"/api/v1/statuses/{_path(status_id)}/context", self._now
            )
        except Rejected:
            return None, []
        return answer, _rows(context.get("descendants") if isinstance(context, dict) else None)

    def _matches(
        self, rows: list[dict[str, Any]], sent: Sent, since: datetime
    ) -> list[tuple[datetime, dict[str, Any]]]:
        return [
            (at, row)
            for row in rows
            if (at := when(row.get("created_at"))) is not None
            and at >= since
            and str(row.get("id")) not in sent.taken
            and self._is(row, sent.draft)
        ]

    def _is(self, row: Mapping[str, Any], draft: Draft) -> bool:
        account = row.get("account")
        mine = isinstance(account, dict) and str(account.get("id")) == self.context.account_id
        target = draft.reply_to.remote_id if draft.reply_to else None
        answered = row.get("in_reply_to_id")
        alts = [
            str(medium.get("description") or "") for medium in _rows(row.get("media_attachments"))
        ]
        return (
            mine
            and not row.get("reblog")
            and row.get("visibility") == draft.visibility
            and (str(answered) if answered else None) == target
            and [alt.strip() for alt in alts] == [medium.alt.strip() for medium in draft.media]
            and text.same(self.words(draft), str(row.get("content") or ""))
        )

    # --- listen ----------------------------------------------------------------------------------

    def fetch(self, cursor: str) -> Fetched:
        """What came in since the cursor ("" at first): notifications, private messages, and replies
        under our own recent posts. Overlaps; see pull.py."""
        return pull(self._http, self.context.account_id, cursor, self._now)

    def metrics(self, posted: Posted) -> Metrics:
        """Replies, reblogs, favourites (and quotes where the server counts them)."""
        answer, found = read(self._http, f"/api/v1/statuses/{_path(posted.remote_id)}", self._now)
        if not isinstance(found, dict):
            raise Unavailable("unreadable", status=answer.status)
        values = {
            name: found[f"{name}_count"]
            for name in ("replies", "reblogs", "favourites", "quotes")
            if isinstance(found.get(f"{name}_count"), int)
        }
        return Metrics(values, rate(answer, "reads", self._now))

    def remove(self, posted: Posted) -> Removed:
        """Delete a post of ours. One that is not there is done. May be repeated."""
        try:
            answer = self._http.send("DELETE", f"/api/v1/statuses/{_path(posted.remote_id)}")
        except HttpError as wrong:
            raise Unavailable(wrong.reason) from None
        if answer.ok or answer.status in GONE:
            return Removed(answer.status in GONE, rate(answer, "removals", self._now))
        raise judge(answer, "removals", self._now, sending=False)


def _object(answer: Answer) -> dict[str, Any]:
    try:
        found = answer.json()
    except Unreadable as wrong:
        raise Unavailable("unreadable", status=wrong.status) from None
    return found if isinstance(found, dict) else {}


def _rows(found: Any) -> list[dict[str, Any]]:
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _path(remote_id: str) -> str:
    """An id as one part of a path, whatever it is made of."""
    return quote(remote_id, safe="")


def _processed(answer: Answer, found: Mapping[str, Any]) -> bool:
    """202 and 206 say that it is not processed yet; so does an empty url."""
    return answer.status == 200 and bool(found.get("url"))


def _posted(found: Mapping[str, Any], raw: bytes, bucket: Rate | None) -> Posted:
    return Posted(
        remote_id=str(found["id"]),
        url=str(found.get("url") or found.get("uri") or ""),
        at=when(found.get("created_at")),
        raw=raw,
        rate=bucket,
    )
