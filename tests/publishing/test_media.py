"""Pictures: uploaded ahead, late, forgotten, changed; and exactly one post each."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile

from tanggap.execution.publishing import schedule
from tanggap.messaging.models import Media, VariantMedia

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
    b"\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99"
    b"=\x1d\x00\x00\x00\x00IEND\xaeB`\x82"
)


@pytest.fixture
def pictured(scene, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    message = scene.message(
        "Jembatan dibuka",
    )
    media = Media(
        agency=scene.agency,
        sha256=hashlib.sha256(PNG).digest(),
        mime="image/png",
        size=len(PNG),
        alt="Jembatan baru",
        uploaded_by=scene.editor,
        uploaded_at=scene.now,
    )
    media.file.save("jembatan.png", ContentFile(PNG))
    VariantMedia.objects.create(
        agency=scene.agency, variant=message.variants.get(), media=media, order=0
    )
    return message


def queue(scene, message, at=None):
    return schedule.queue(message, by=scene.editor, now=scene.now, at=at)[0]


def test_a_picture_that_is_processed_late(scene, pictured):
    scene.server.knobs.unprocessed_polls = 3
    row = queue(scene, pictured)
    scene.send()
    assert scene.state(row) == "queued" and row.trouble == "media" and row.tries == 0
    for _ in range(4):
        scene.pass_(6)
        scene.send()
    assert scene.state(row) == "published" and scene.said() == 1
    assert scene.server.posts[0]["media_attachments"][0]["description"] == "Jembatan baru"
    assert len(scene.server.media) == 1, "uploaded once"


def test_a_picture_is_there_before_its_time(scene, pictured):
    due = (scene.now + timedelta(minutes=9)).strftime(schedule.TYPED)
    row = queue(scene, pictured, (due, "UTC"))
    scene.send()
    assert scene.state(row) == "ready" and len(scene.server.media) == 1 and scene.said() == 0


def test_a_picture_that_the_server_forgot_is_uploaded_again(scene, pictured):
    scene.server.knobs.unprocessed_polls = 2
    row = queue(scene, pictured)
    scene.send()
    scene.server.knobs.forgets_media = True
    scene.server.knobs.unprocessed_polls = 0
    for _ in range(4):
        scene.pass_(6)
        scene.send()
    assert scene.state(row) == "published" and scene.said() == 1


def test_a_file_that_is_no_longer_the_approved_one_does_not_go(scene, pictured):
    row = queue(scene, pictured)
    with open(Media.objects.get().file.path, "wb") as file:
        file.write(PNG + b"x")
    scene.send()
    assert scene.state(row) == "failed" and row.trouble_said == "file_changed"
    assert scene.server.mutations() == []


def test_new_alt_text_voids_the_approval(scene, pictured):
    row = queue(scene, pictured)
    Media.objects.update(alt="Lain")
    scene.send()
    assert scene.state(row) == "failed" and row.trouble == "changed" and scene.said() == 0


def test_a_lost_answer_with_a_picture_is_found_again(scene, pictured):
    row = queue(scene, pictured)
    scene.server.knobs.next_post = "accept_reset"
    scene.send()
    scene.rounds(4)
    assert scene.state(row) == "published" and scene.said() == 1
