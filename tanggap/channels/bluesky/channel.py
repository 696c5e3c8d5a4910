"""Bluesky and other servers of the AT protocol (personal data servers, PDS).

A post is a record under a name that we choose: `putRecord` with a name made from the delivery's
key, only where nothing stands yet (`swapRecord: null`). A repeat of the same bytes answers with the
same record, a repeat of other bytes is refused: there is no path to a second post.
`hide`, `receive` and `send_private` are absent: see README.md.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tanggap.channels.base import (
    Channel,
    Credentials,
    Draft,
    Fetched,
    Identity,
    Limits,
    Media,
    Metrics,
    NotFound,
    Posted,
    Ready,
    Removed,
    Sent,
    Setting,
    Target,
)
from tanggap.channels.bluesky import text
from tanggap.channels.bluesky.answers import WRITE_POINTS, ask, post_once, rate, read
from tanggap.channels.bluesky.pull import objects, pull, when
from tanggap.channels.bluesky.tid import tid
from tanggap.channels.counters import graphemes, utf8_bytes
from tanggap.channels.errors import NotAuthorised, OutcomeUnknown, Rejected, Unavailable
from tanggap.core.http import Client, Unreadable

SERVER = "https://bsky.social"
POST = "app.bsky.feed.post"
SKEW = timedelta(minutes=5)
PAGE = 100
UPLOAD_TIMEOUT = 120.0
LIFE = 7200
"""Seconds that a session lasts when it does not say (the server's own two hours)."""


class Bluesky(Channel):
    """One account on one server."""

    kind = "bluesky"
    name = "Bluesky"
    settings = (
        Setting(
            "server",
            "Server address",
            "The address of the server where the account lives.",
            kind="url",
            required=False,
            example=SERVER,
            default=SERVER,
        ),
        Setting(
            "app_password",
            "App password",
            "Made for Tanggap alone, at the network: Settings, Privacy and security, App "
            "passwords. Never the account's own password.",
            kind="secret",
            example="abcd-efgh-ijkl-mnop",
        ),
        Setting("handle", "Account name", "As people see it there.", example="dinas.go.id"),
    )
    defaults = Limits(
        max_text=300,
        counter="graphemes",
        max_bytes=3000,
        max_media=4,
        mime_types=("image/jpeg", "image/png", "image/webp", "image/gif"),
        image_bytes=2_000_000,
        source="lexicons app.bsky.feed.post and app.bsky.embed.images, @atproto/pds 0.5.35",
    )

    @classmethod
    def base_url(cls, credentials: Mapping[str, str]) -> str:
        server = credentials.get("server", "").strip().rstrip("/") or SERVER
        return server if "://" in server else f"https://{server}"

    @classmethod
    def token(cls, credentials: Mapping[str, str]) -> str:
        return credentials.get("access_jwt", "")

    @property
    def _http(self) -> Client:
        if self.context.http is None:
            raise NotAuthorised("no_server")
        return self.context.http

    @property
    def _now(self) -> datetime:
        return self.context.now

    @property
    def _me(self) -> str:
        return self.context.account_id

    # --- connect ---------------------------------------------------------------------------------

    def renew(self) -> Credentials:
        """A session: the old one carried on, or a new one by the app password.

        Logging in is rationed (30 in 5 minutes, 300 a day), so it is only done when the old session
        cannot be carried on. Raises NotAuthorised when the network refuses the password.
        """
        given = self.context.credentials
        if given.get("refresh_jwt"):
            try:
                return self._session(
                    "com.atproto.server.refreshSession",
                    headers={"Authorization": f"Bearer {given['refresh_jwt']}"},
                )
            except (NotAuthorised, Rejected):
                pass
            except Unavailable as wrong:
                if wrong.code != "session_ended":
                    raise
        handle, password = given.get("handle", ""), given.get("app_password", "")
        if not handle or not password:
            raise NotAuthorised("no_password")
        try:
            return self._session(
                "com.atproto.server.createSession",
                json={"identifier": handle, "password": password},
            )
        except Rejected as wrong:
            raise NotAuthorised("credentials_refused", wrong.said, status=wrong.status) from None

    def _session(self, name: str, **body: Any) -> Credentials:
        found = ask(self._http, name, self._now, "sessions", **body)
        access, refresh = found.get("accessJwt"), found.get("refreshJwt")
        if not isinstance(access, str) or not isinstance(refresh, str) or not access:
            raise Unavailable("unreadable")
        if found.get("active") is False:
            raise NotAuthorised("account_closed", str(found.get("status") or ""))
        return Credentials(
            {"access_jwt": access, "refresh_jwt": refresh, "expires_in": str(_life(access))}
        )

    def verify(self) -> Identity:
        """Whose session this is. The network states no limits: they stand in its lexicons."""
        answer, me = read(self._http, "com.atproto.server.getSession", self._now)
        did, handle = me.get("did"), me.get("handle")
        if not isinstance(did, str) or not did or not isinstance(handle, str):
            raise Unavailable("unreadable", status=answer.status)
        return Identity(
            account_id=did,
            handle=handle,
            display_name=handle,
            url=f"https://bsky.app/profile/{handle}",
            limits=self.defaults,
            rate=rate(answer, "reads"),
        )

    # --- send ------------------------------------------------------------------------------------

    def count(self, draft: Draft) -> int:
        """Graphemes, as the server counts them; a text of too many bytes counts as too long."""
        most = self.limits.max_bytes
        if most and utf8_bytes(draft.text) > most:
            return max(graphemes(draft.text), self.limits.max_text + 1)
        return graphemes(draft.text)

    def prepare(self, draft: Draft, saved: Mapping[str, Any] | None = None) -> Ready:
        """Check, look up whom it calls and what it answers, upload pictures. May be repeated: the
        same bytes are the same upload. The first handle is what was looked up, the others are the
        pictures. Raises Rejected, NotAuthorised, RateLimited or Unavailable."""
        self._check(draft)
        plan: dict[str, Any] = {"dids": self._dids(draft)}
        if draft.reply_to is not None:
            plan["reply"] = self._reply(draft.reply_to)
        blobs = [json.dumps(self._upload(medium)) for medium in draft.media]
        return Ready(draft, (json.dumps(plan), *blobs))

    def _check(self, draft: Draft) -> None:
        limits = self.limits
        if draft.visibility not in ("public", "unlisted"):
            raise Rejected("not_public")
        if not draft.text.strip() and not draft.media:
            raise Rejected("empty")
        length, size = graphemes(draft.text), utf8_bytes(draft.text)
        if length > limits.max_text:
            raise Rejected("too_long", f"{length} > {limits.max_text}")
        if limits.max_bytes and size > limits.max_bytes:
            raise Rejected("too_long", f"{size} bytes > {limits.max_bytes}")
        if len(draft.media) > limits.max_media:
            raise Rejected("too_many_media", f"{len(draft.media)} > {limits.max_media}")
        for medium in draft.media:
            if limits.mime_types and medium.mime not in limits.mime_types:
                raise Rejected("media_type", medium.mime)
            if limits.image_bytes and medium.size > limits.image_bytes:
                raise Rejected("media_too_large", f"{medium.size} > {limits.image_bytes}")

    def _dids(self, draft: Draft) -> dict[str, str]:
        """DIDs of the accounts that the text calls; a name that nobody has stays plain text."""
        found: dict[str, str] = {}
        for handle in text.handles(draft.text):
            try:
                _, answer = read(
                    self._http,
                    "com.atproto.identity.resolveHandle",
                    self._now,
                    {"handle": handle},
                )
            except Rejected:
                continue
            did = answer.get("did")
            if isinstance(did, str) and did.startswith("did:"):
                found[handle] = did
        return found

    def _upload(self, medium: Media) -> dict[str, Any]:
        with medium.open() as stream:
            body = stream.read()
        found = ask(
            self._http,
            "com.atproto.repo.uploadBlob",
            self._now,
            "media",
            content=body,
            headers={"Content-Type": medium.mime},
            timeout=UPLOAD_TIMEOUT,
        ).get("blob")
        if not isinstance(found, dict):
            raise Unavailable("unreadable")
        return found

    def _reply(self, to: Target) -> dict[str, Any]:
        """References to the post that is answered and to the first post of its thread."""
        repo, collection, rkey = _parts(to.remote_id, self._me)
        answer, found = read(
            self._http,
            "com.atproto.repo.getRecord",
            self._now,
            {"repo": repo, "collection": collection, "rkey": rkey},
        )
        if not isinstance(found.get("cid"), str):
            raise Unavailable("unreadable", status=answer.status)
        parent = {"uri": to.remote_id, "cid": found["cid"]}
        value = found.get("value")
        above = value.get("reply") if isinstance(value, dict) else None
        root = above.get("root") if isinstance(above, dict) else None
        return {"parent": parent, "root": _ref(root) or parent}

    def publish(self, ready: Ready, key: str) -> Posted:
        """One putRecord. Raises Rejected, NotAuthorised, RateLimited or Unavailable when surely
        nothing was published, OutcomeUnknown for everything else."""
        return self._post(ready, key, None)

    def reply(self, to: Target, ready: Ready, key: str) -> Posted:
        """As publish, under the post `to`. Where `prepare` could not know it (the part of a thread
        before this one), it is looked up first; when that fails, nothing was sent."""
        if to != ready.draft.reply_to:
            raise Rejected("other_target")
        plan = _plan(ready)
        known = plan.get("reply")
        matches = isinstance(known, dict) and known["parent"]["uri"] == to.remote_id
        return self._post(ready, key, known if matches else self._reply(to))

    def _post(self, ready: Ready, key: str, reply: Mapping[str, Any] | None) -> Posted:
        name = tid(key)
        answer = post_once(
            self._http,
            "com.atproto.repo.putRecord",
            self._now,
            json={
                "repo": self._me,
                "collection": POST,
                "rkey": name,
                "record": self._record(ready, reply),
                "swapRecord": None,
            },
        )
        bucket = rate(answer, "posts", WRITE_POINTS)
        try:
            found = answer.json()
        except Unreadable:
            raise OutcomeUnknown("unreadable", status=answer.status, rate=bucket) from None
        uri = found.get("uri") if isinstance(found, dict) else None
        if not isinstance(uri, str) or not uri.endswith(f"/{POST}/{name}"):
            raise OutcomeUnknown("unexpected", status=answer.status, rate=bucket)
        return Posted(uri, _url(uri), self._now, answer.body, bucket)

    def _record(self, ready: Ready, reply: Mapping[str, Any] | None) -> dict[str, Any]:
        draft = ready.draft
        record: dict[str, Any] = {
            "$type": POST,
            "text": draft.text,
            "createdAt": _iso(self._now),
            "langs": [draft.language],
        }
        if found := text.facets(draft.text, _plan(ready).get("dids") or {}):
            record["facets"] = found
        if draft.media:
            pairs = zip(draft.media, ready.handles[1:], strict=True)
            record["embed"] = {
                "$type": "app.bsky.embed.images",
                "images": [{"alt": one.alt, "image": json.loads(blob)} for one, blob in pairs],
            }
        if draft.sensitive:
            record["labels"] = {
                "$type": "com.atproto.label.defs#selfLabels",
                "values": [{"val": "graphic-media"}],
            }
        if reply is not None:
            record["reply"] = dict(reply)
        return record

    # --- look up ---------------------------------------------------------------------------------

    def confirm(self, sent: Sent) -> Posted | NotFound:
        """The record under our own name; else one of the same words and target among our newest,
        which somebody of the office may have posted by hand since the claim."""
        since = sent.claimed_at - SKEW
        if sent.key:
            found = self._under_our_name(sent)
            if found is not None:
                return found
        answer, page = read(
            self._http,
            "com.atproto.repo.listRecords",
            self._now,
            {"repo": self._me, "collection": POST, "limit": PAGE},
        )
        bucket = rate(answer, "reads")
        for row in objects(page.get("records")):
            at = when(_value(row).get("createdAt"))
            uri = row.get("uri")
            if (
                isinstance(uri, str)
                and at is not None
                and at >= since
                and uri not in sent.taken
                and _is(_value(row), sent.draft)
            ):
                return Posted(uri, _url(uri), at, json.dumps(row).encode(), bucket)
        # The name is ours alone and the server reads its own writes: one look reaches everything.
        return NotFound(since, complete=bool(sent.key), rate=bucket)

    def _under_our_name(self, sent: Sent) -> Posted | NotFound | None:
        try:
            answer, found = read(
                self._http,
                "com.atproto.repo.getRecord",
                self._now,
                {"repo": self._me, "collection": POST, "rkey": tid(sent.key)},
            )
        except Rejected as wrong:
            if wrong.code == "target_gone":
                return None
            raise Unavailable(wrong.code, wrong.said, status=wrong.status) from None
        uri = found.get("uri")
        if not isinstance(uri, str) or not uri.endswith(f"/{POST}/{tid(sent.key)}"):
            raise Unavailable("unreadable", status=answer.status)
        bucket = rate(answer, "reads")
        if uri in sent.taken:
            return NotFound(sent.claimed_at - SKEW, complete=True, rate=bucket)
        at = when(_value(found).get("createdAt"))
        return Posted(uri, _url(uri), at, answer.body, bucket)

    # --- listen ----------------------------------------------------------------------------------

    def fetch(self, cursor: str) -> Fetched:
        """What came in since the cursor ("" at first): notifications, and the threads of our own
        recent posts. Overlaps; see pull.py."""
        return pull(self._http, self._me, cursor, self._now)

    def metrics(self, posted: Posted) -> Metrics:
        """Replies, reblogs (reposts), favourites (likes) and quotes."""
        uri = "at://" + "/".join(_parts(posted.remote_id, self._me))
        answer, found = read(self._http, "app.bsky.feed.getPosts", self._now, {"uris": uri})
        rows = [one for one in objects(found.get("posts")) if one.get("uri") == uri]
        if not rows:
            raise Rejected("target_gone", "no such post", status=404)
        names = {"replies": "reply", "reblogs": "repost", "favourites": "like", "quotes": "quote"}
        values = {
            ours: rows[0][f"{theirs}Count"]
            for ours, theirs in names.items()
            if type(rows[0].get(f"{theirs}Count")) is int
        }
        return Metrics(values, rate(answer, "reads"))

    def remove(self, posted: Posted) -> Removed:
        """Delete a record of ours. One that is not there is done. May be repeated."""
        repo, collection, rkey = _parts(posted.remote_id, self._me)
        found = ask(
            self._http,
            "com.atproto.repo.deleteRecord",
            self._now,
            "removals",
            json={"repo": repo, "collection": collection, "rkey": rkey},
        )
        return Removed(already="commit" not in found)


def _plan(ready: Ready) -> dict[str, Any]:
    found = json.loads(ready.handles[0]) if ready.handles else {}
    return found if isinstance(found, dict) else {}


def _parts(uri: str, me: str) -> tuple[str, str, str]:
    """Repository, collection and name of a record's address; a name alone is a post of ours (what
    a person pasted as proof). Raises Rejected."""
    if "/" not in uri and uri:
        return me, POST, uri
    parts = uri.removeprefix("at://").split("/")
    if not uri.startswith("at://") or len(parts) != 3 or not all(parts):
        raise Rejected("target_gone", "not a record's address")
    return parts[0], parts[1], parts[2]


def _url(uri: str) -> str:
    """Where people see it, "" where the address is not one of a post."""
    parts = uri.removeprefix("at://").split("/")
    return f"https://bsky.app/profile/{parts[0]}/post/{parts[2]}" if len(parts) == 3 else ""


def _ref(found: Any) -> dict[str, str] | None:
    """A reference of another record, or None where it is not one."""
    if not isinstance(found, dict):
        return None
    uri, cid = found.get("uri"), found.get("cid")
    return {"uri": uri, "cid": cid} if isinstance(uri, str) and isinstance(cid, str) else None


def _value(row: Mapping[str, Any]) -> Mapping[str, Any]:
    value = row.get("value")
    return value if isinstance(value, dict) else {}


def _is(value: Mapping[str, Any], draft: Draft) -> bool:
    above = value.get("reply")
    parent = _ref(above.get("parent")) if isinstance(above, dict) else None
    embed = value.get("embed")
    images = embed.get("images") if isinstance(embed, dict) else None
    alts = [one.get("alt") for one in objects(images)]
    return (
        value.get("text") == draft.text
        and (parent["uri"] if parent else None)
        == (draft.reply_to.remote_id if draft.reply_to else None)
        and alts == [medium.alt for medium in draft.media]
    )


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _life(token: str) -> int:
    """Seconds that a session's token lasts by its own words, without trusting any clock."""
    try:
        body = token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        found = int(said["exp"]) - int(said["iat"])
    except (IndexError, ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return LIFE
    return found if 60 <= found <= 30 * 86400 else LIFE
