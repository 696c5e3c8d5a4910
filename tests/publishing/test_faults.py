"""A bounded, seeded loop over everything that may go wrong: never two copies, never one lost."""

from __future__ import annotations

import random

import pytest

from tanggap.execution.publishing import claim, deliver
from tanggap.execution.publishing.models import Delivery

FAULTS = (
    "accept_reset",
    "accept_500",
    "accept_garbage",
    "reset",
    500,
    502,
    503,
    "html_502",
    429,
    None,
    None,
)


@pytest.mark.long(15)
@pytest.mark.parametrize("seed", [83, 2012])
def test_a_few_dozen_faults(scene, seed):
    dice = random.Random(seed)
    knobs = scene.server.knobs
    knobs.idempotent = dice.random() < 0.5
    rows: list[Delivery] = []
    for number in range(16):
        if dice.random() < 0.3 and scene.server.posts:
            rows.append(scene.reply(f"Jawaban {number}", dice.choice(scene.server.posts)["id"]))
        else:
            rows.append(scene.post(f"Kabar {number}"))
        knobs.next_post = dice.choice(FAULTS)
        knobs.lag = dice.choice([0, 0, 1, 2])
        if dice.random() < 0.2:
            # A worker that dies after its claim and leaves the row as it is.
            claim.to_send(scene.now)
        deliver.tick(scene.now)
        scene.look()
        scene.sweep()
        scene.pass_(dice.choice([5, 20, 60]))
    knobs.next_post, knobs.lag = None, 0
    Delivery.objects.filter(state="late").update(late_accepted=True)
    scene.rounds(30, step=40)
    states = [scene.state(row) for row in rows]
    assert set(states) <= {"published", "late", "asked"}, states
    for row in rows:
        copies = sum(
            post["text"].removeprefix("@sari ") == row.content["text"]
            for post in scene.server.posts
        )
        assert copies == (1 if row.state == "published" else copies), row.content
        assert copies <= 1
    assert states.count("published") >= 14
