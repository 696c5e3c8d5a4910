"""Threads, replies, edits, withdrawals, approvals, holds, faults and dead workers in any order:
never a second copy, never an unapproved word, never a post after its withdrawal.

Hypothesis chooses what happens next; the server's own log is the oracle. A deeper look:
TANGGAP_DEEP=50 ./run test tests/publishing/test_any_order.py
"""

from __future__ import annotations

import itertools
import os
from collections import Counter

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tanggap.activities.models import Hold
from tanggap.archive.move import move
from tanggap.core.errors import Refused
from tanggap.execution.publishing import ask, claim, remove, schedule
from tanggap.execution.publishing.models import Delivery
from tanggap.messaging.models import Message, Variant

pytestmark = pytest.mark.django_db

FAULTS = (
    None,
    "accept_reset",
    "accept_500",
    "accept_garbage",
    "reset",
    500,
    503,
    "html_502",
    429,
)
"""What the next POST meets. A server that lies about reading back is not among them: what a
machine may do then is bounded in test_deliver."""
DEEP = int(os.environ.get("TANGGAP_DEEP", "0"))


class Office(RuleBasedStateMachine):
    """One agency, one account, one server, and whatever people and machines do with them."""

    scene = None  # set by the test: fixtures are not for machines

    def __init__(self) -> None:
        super().__init__()
        self.numbers = itertools.count()
        self.approved: set[str] = set()
        self.withdrawn: dict[str, int] = {}
        self.again: Counter[str] = Counter()
        self.hold: Hold | None = None
        # What a person cannot know either: sent by the machine, lost, and not yet looked for.
        self.point = transaction.atomic()
        self.point.__enter__()

    def teardown(self) -> None:
        """Whatever happened, in the end all is settled or asked, and each copy is accounted for."""
        try:
            scene = self.scene
            scene.server.knobs.next_post = None
            scene.server.knobs.lag = 0
            if self.hold is not None:
                self.release()
            for _ in range(11):
                Delivery.objects.filter(state="late").update(late_accepted=True)
                for row in Delivery.objects.filter(state__in=["late", "held"]):
                    ask.still_send(row, by=scene.editor, now=scene.now)
                scene.send()
                scene.look()
                scene.sweep()
                remove.tick(scene.now)
                scene.pass_(70)
            self.nothing_twice()
            left = Counter(Delivery.objects.values_list("state", flat=True))
            moving = {"sending", "unknown", "confirming", "preparing", "removing"}
            assert not moving & set(left), left
        finally:
            # Each run begins with an empty office.
            transaction.set_rollback(True)
            self.point.__exit__(None, None, None)
            self.scene.server.posts.clear()
            self.scene.server.statuses.clear()

    @initialize()
    def open(self) -> None:
        self.scene.server.knobs.idempotent = False

    # --- what people do --------------------------------------------------------------------------

    def _words(self, parts: int = 1) -> list[str]:
        number = next(self.numbers)
        return [f"Kabar {number}, bagian {part}." for part in range(parts)]

    @rule(parts=st.integers(1, 3), emergency=st.booleans())
    def post(self, parts: int, emergency: bool) -> None:
        words = self._words(parts)
        self.scene.thread(*words, emergency=emergency)
        self.approved |= set(words)

    @rule()
    def draft(self) -> None:
        """Written and never approved: there is no way for it to be queued."""
        message = self.scene.message(*self._words())
        move(message, "draft", by=self.scene.editor, now=self.scene.now, approved_hash=None)
        with pytest.raises(Refused):
            schedule.queue(message, by=self.scene.editor, now=self.scene.now)

    @rule()
    def reply(self) -> None:
        words = self._words()[0]
        asked = self.scene.server.says("sari", "Kapan?", notify=False)
        self.scene.reply(words, asked["id"])
        self.approved.add(f"@sari {words}")

    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        """After the approval: what is not out yet must not go out, in either wording."""
        message = self._one_message(data, ["approved"])
        if message is None:
            return
        variant = message.variants.get()
        said = set(variant.parts if variant.detached else [message.core])
        move(message, "draft", by=self.scene.editor, now=self.scene.now, approved_hash=None)
        message.core += " Diubah."
        message.save(update_fields=["core"])
        Variant.objects.filter(pk=variant.pk).update(
            parts=[f"{one} Diubah." for one in variant.parts]
        )
        self._taken_back(said)

    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        message = self._one_message(data, ["approved", "released"])
        if message is None:
            return
        rows = Delivery.objects.filter(variant__message=message, state__in=["queued", "ready"])
        said = {row.content["text"] for row in rows}
        move(message, "withdrawn", by=self.scene.editor, now=self.scene.now)
        schedule.cancel_waiting(message, by=self.scene.editor, now=self.scene.now)
        self._taken_back(said)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        row = self._one(data, ["queued", "ready", "held", "late", "asked", "failed"])
        if row is None:
            return
        was = row.state
        schedule.cancel(row, by=self.scene.editor, now=self.scene.now)
        if was in ("queued", "ready"):
            self._taken_back({self._out(row)})

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        row = self._one(data, ["published"])
        if row is not None:
            remove.remove(row, reason="Keliru", by=self.scene.editor, now=self.scene.now)

    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        """A person who is asked looks at the network, and says what is there."""
        row = self._one(data, ["asked"])
        if row is None:
            return
        there = [one for one in self.scene.server.posts if one["text"] == self._out(row)]
        if there:
            ask.published(row, link=there[0]["url"], by=self.scene.editor, now=self.scene.now)
        else:
            ask.send_again(row, by=self.scene.editor, now=self.scene.now)

    @rule(data=st.data())
    def still(self, data: st.DataObject) -> None:
        row = self._one(data, ["late", "held"])
        if row is not None:
            ask.still_send(row, by=self.scene.editor, now=self.scene.now)

    @precondition(lambda self: self.hold is None)
    @rule(exempt=st.booleans())
    def place(self, exempt: bool) -> None:
        scene = self.scene
        self.hold = Hold.objects.create(
            agency=scene.agency,
            subtree=scene.agency,
            reason="Gempa",
            emergency_exempt=exempt,
            placed_by=scene.editor,
            placed_at=scene.now,
        )

    @precondition(lambda self: self.hold is not None)
    @rule()
    def release(self) -> None:
        Hold.objects.filter(pk=self.hold.pk).update(lifted_at=self.scene.now)
        self.hold = None

    # --- what machines and networks do -----------------------------------------------------------

    @rule(fault=st.sampled_from(FAULTS), lag=st.sampled_from([0, 0, 1, 2]))
    def misbehave(self, fault: object, lag: int) -> None:
        self.scene.server.knobs.next_post, self.scene.server.knobs.lag = fault, lag

    @rule()
    def tick(self) -> None:
        held = self.hold is not None and not self.hold.emergency_exempt
        before = len(self.scene.server.posts)
        self.scene.send()
        assert not (held and len(self.scene.server.posts) > before), "sent under a hold"

    @rule(wait=st.sampled_from([5, 20, 70]))
    def time(self, wait: int) -> None:
        self.scene.pass_(wait)
        self.scene.look()
        self.scene.sweep()
        remove.tick(self.scene.now)

    @rule()
    def die(self) -> None:
        """A worker claims, and is gone."""
        claim.to_prepare(self.scene.now)
        claim.to_send(self.scene.now, most=3)

    # --- what must hold at every moment ----------------------------------------------------------

    @invariant()
    def nothing_twice(self) -> None:
        copies = Counter(one["text"] for one in self.scene.server.posts)
        assert not {text: count for text, count in copies.items() if count > 1}

    @invariant()
    def nothing_unapproved(self) -> None:
        assert {one["text"] for one in self.scene.server.posts} <= self.approved

    @invariant()
    def nothing_after_its_withdrawal(self) -> None:
        for text, count in self.withdrawn.items():
            copies = sum(one["text"] == text for one in self.scene.server.posts)
            assert copies <= count, f"{text} went out after it was taken back"

    # --- helpers ---------------------------------------------------------------------------------

    def _out(self, row: Delivery) -> str:
        handle = row.content.get("reply_handle", "")
        return f"@{handle} {row.content['text']}" if handle else str(row.content["text"])

    def _taken_back(self, texts: set[str]) -> None:
        """From now on no more copies than there are."""
        for text in texts:
            there = sum(one["text"] == text for one in self.scene.server.posts)
            on_its_way = Delivery.objects.filter(
                content__text=text,
                state__in=["sending", "unknown", "confirming", "asked"],
            ).exists()
            if not on_its_way:
                self.withdrawn[text] = there

    def _one(self, data: st.DataObject, states: list[str]) -> Delivery | None:
        rows = list(Delivery.objects.filter(state__in=states).order_by("pk")[:20])
        return data.draw(st.sampled_from(rows)) if rows else None

    def _one_message(self, data: st.DataObject, states: list[str]) -> Message | None:
        rows = list(Message.objects.filter(state__in=states).order_by("pk")[:20])
        return data.draw(st.sampled_from(rows)) if rows else None


def test_any_order(scene):
    class Here(Office):
        pass

    Here.scene = scene
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=DEEP or 4,
            stateful_step_count=60 if DEEP else 20,
            deadline=None,
            derandomize=not DEEP,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
