"""Step 3: what is due goes out, once, whatever the network does. The server's log decides."""

from __future__ import annotations

import pytest

from tanggap.accounts.models import Account, Bucket
from tanggap.execution.publishing.models import Attempt, Delivery

pytestmark = pytest.mark.long(1)


def test_what_is_due_goes_out_once(scene):
    row = scene.post("Jembatan dibuka kembali pukul 10.")
    assert scene.send() == 2  # made ready, then sent
    assert scene.state(row) == "published"
    assert scene.said() == 1
    assert row.remote_id == scene.server.posts[0]["id"] and row.remote_url
    scene.rounds(3)
    assert scene.said() == 1
    assert scene.outcomes(row) == ["prepare:ready", "send:posted"]


def test_what_is_not_due_waits(scene):
    day = scene.now.date().isoformat()
    row = scene.post("Nanti", at=(f"{day}T23:59", "Pacific/Honolulu"))
    assert scene.send() == 0 and scene.state(row) == "queued" and scene.said() == 0


@pytest.mark.parametrize(
    "fault", ["accept_timeout", "accept_reset", "accept_500", "accept_garbage"]
)
@pytest.mark.parametrize("idempotent", [True, False])
def test_an_answer_that_is_lost_makes_no_second_copy(scene, fault, idempotent):
    scene.server.knobs.idempotent = idempotent
    scene.server.knobs.hang = 0.1
    row = scene.post("Pasar murah Sabtu pukul 08.00")
    scene.server.knobs.next_post = fault
    scene.send()
    assert scene.state(row) == "unknown" and row.sends == 1
    scene.rounds()
    assert scene.state(row) == "published" and scene.said() == 1
    assert row.remote_id == scene.server.posts[0]["id"]
    assert scene.server.count("POST", "/api/v1/statuses") == 1


@pytest.mark.parametrize("fault", ["reset", "timeout", 500, 503, "html_502"])
def test_a_post_that_surely_never_arrived_is_sent_once_more(scene, fault):
    scene.server.knobs.hang = 0.1
    row = scene.post("Air mati di Sukamulya")
    scene.server.knobs.next_post = fault
    scene.send()
    assert scene.state(row) == "unknown"
    scene.pass_(20)
    scene.look()
    assert scene.state(row) == "unknown", "one look is not enough"
    scene.rounds()
    assert scene.state(row) == "published" and scene.said() == 1
    assert scene.outcomes(row).count("confirm:not_found") == 3
    assert row.resent_by_machine


def test_the_machine_sends_again_at_most_once_then_asks(scene):
    row = scene.post("Listrik padam")
    for _ in range(30):
        scene.server.knobs.next_post = 500
        scene.send()
        scene.look()
        scene.pass_(20)
    assert scene.state(row) == "asked"
    assert scene.server.count("POST", "/api/v1/statuses") == 2 and scene.said() == 0


def test_a_post_that_shows_late_is_found_and_not_repeated(scene):
    scene.server.knobs.lag = 2
    row = scene.post("Vaksinasi gratis")
    scene.server.knobs.next_post = "accept_500"
    scene.send()
    scene.rounds()
    assert scene.state(row) == "published" and scene.said() == 1


def test_a_post_that_shows_too_late_is_repeated_at_most_once(scene):
    """The residual risk has a bound: a machine never makes a third copy."""
    scene.server.knobs.lag = 50
    row = scene.post("Vaksinasi gratis")
    scene.server.knobs.next_post = "accept_500"
    scene.send()
    scene.rounds(30)
    assert scene.said() <= 2 and scene.state(row) == "published"


def test_a_bound_post_never_matches_another_delivery(scene):
    """Two answers with the same words to the same person: one is out, one is not."""
    asked = scene.server.says("sari", "Terima kasih", notify=False)["id"]
    first = scene.reply("Sama-sama, Bapak/Ibu.", asked)
    scene.send()
    assert scene.state(first) == "published"
    second = scene.reply("Sama-sama, Bapak/Ibu.", asked)
    scene.server.knobs.next_post = 503
    scene.send()
    assert scene.state(second) == "unknown"
    scene.rounds()
    assert scene.state(second) == "published" and scene.said() == 2
    assert second.remote_id != first.remote_id


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_token_pauses_the_account_and_holds_its_queue(scene, status):
    rows = [scene.post("Satu"), scene.post("Dua")]
    scene.server.knobs.next_post = status
    scene.send()
    account = Account.objects.get()
    assert (account.state, account.paused_code) == ("paused", "credentials")
    assert [scene.state(row) for row in rows] == ["queued", "queued"]
    assert rows[0].sends == 0 and rows[0].trouble == "credentials"
    scene.rounds(3, step=10)
    assert scene.said() == 0 and scene.server.count("POST", "/api/v1/statuses") == 1


@pytest.mark.parametrize(
    "headers", [{}, {"Retry-After": "40"}, {"X-RateLimit-Reset": "2099-01-01T00:00:00Z"}]
)
def test_too_many_requests_waits_and_counts_as_no_try(scene, headers):
    row = scene.post("Pelan-pelan")
    scene.server.knobs.next_post = 429
    scene.server.knobs.next_headers = headers
    scene.send()
    assert scene.state(row) == "queued" and row.trouble == "limited"
    assert (row.sends, row.tries) == (0, 0)
    bucket = Bucket.objects.get(scope="posts")
    assert bucket.blocked_until == row.retry_at > scene.now
    scene.send()
    assert scene.server.count("POST", "/api/v1/statuses") == 1
    if "X-RateLimit-Reset" not in headers:
        scene.pass_((row.retry_at - scene.now).total_seconds() + 1)
        scene.send()
        assert scene.state(row) == "published" and scene.said() == 1


def test_a_network_that_is_down_loses_nothing(scene):
    row = scene.post("Tetap antre")
    scene.server.http.shutdown()
    scene.server.http.server_close()
    for _ in range(6):
        scene.send()
        scene.pass_(60)
    assert scene.state(row) == "queued" and row.trouble == "unreachable" and row.tries >= 4
    assert row.sends == 0


def test_words_that_the_network_refuses_go_back_to_the_writer(scene):
    row = scene.post("x" * 501)
    scene.send()
    assert scene.state(row) == "failed" and row.trouble == "rejected"
    assert scene.server.count("POST", "/api/v1/statuses") == 0


def test_the_emergency_lane_goes_first(scene):
    day = scene.now
    scene.post("Biasa")
    Delivery.objects.update(due_at=day)
    scene.post("Darurat", emergency=True)
    scene.send()
    assert [post["text"] for post in scene.server.posts] == ["Darurat", "Biasa"]


def test_an_edit_after_approval_stops_at_the_claim(scene):
    message = scene.message("Buka pukul 10")
    from tanggap.execution.publishing import schedule

    row = schedule.queue(message, by=scene.editor, now=scene.now)[0]
    message.core = "Buka pukul 11"
    message.save()
    scene.send()
    assert scene.state(row) == "failed" and row.trouble == "changed"
    assert scene.server.mutations() == []


def test_a_voided_approval_stops_at_the_claim(scene):
    message = scene.message("Buka pukul 10")
    from tanggap.archive.move import move
    from tanggap.execution.publishing import schedule

    row = schedule.queue(message, by=scene.editor, now=scene.now)[0]
    move(message, "draft", by=scene.editor, now=scene.now, approved_hash=None)
    scene.send()
    assert scene.state(row) == "failed" and row.trouble == "changed" and scene.said() == 0


def test_sending_releases_the_message(scene):
    message = scene.message("Rilis")
    from tanggap.execution.publishing import schedule

    schedule.queue(message, by=scene.editor, now=scene.now)
    scene.send()
    message.refresh_from_db()
    assert message.state == "released"


def test_a_thread_goes_out_in_order_each_below_the_one_before(scene):
    rows = scene.thread("Satu dari tiga", "Dua dari tiga", "Tiga dari tiga")
    scene.send()
    assert [scene.state(row) for row in rows] == ["published"] * 3
    posts = scene.server.posts
    assert [post["text"][:4] for post in posts] == ["Satu", "Dua ", "Tiga"]
    assert [post["in_reply_to_id"] for post in posts] == [None, posts[0]["id"], posts[1]["id"]]


def test_a_thread_stops_where_a_part_fails_and_asks(scene):
    rows = scene.thread("Satu dari dua", "x" * 501, "Tiga")
    scene.send()
    assert [scene.state(row) for row in rows] == ["published", "failed", "held"]
    assert scene.said() == 1


def test_a_lost_answer_inside_a_thread_keeps_its_order(scene):
    rows = scene.thread("Bagian satu", "Bagian dua")
    scene.server.knobs.next_post = "accept_reset"
    scene.send()
    assert [scene.state(row) for row in rows] == ["unknown", "ready"]
    scene.rounds()
    assert [scene.state(row) for row in rows] == ["published", "published"]
    assert scene.said() == 2 and scene.server.posts[1]["in_reply_to_id"] == rows[0].remote_id


def test_every_try_is_kept(scene):
    row = scene.post("Catat")
    scene.server.knobs.next_post = 503
    scene.send()
    last = Attempt.objects.filter(delivery=row, act="send").get()
    assert last.outcome == "unknown" and last.facts == {"code": "http_503", "status": 503}


def test_an_exception_that_no_channel_names_is_unknown(scene, monkeypatch):
    from tanggap.channels.mastodon.channel import Mastodon

    def broken(self, ready, key):
        raise ZeroDivisionError

    row = scene.post("Kejutan")
    monkeypatch.setattr(Mastodon, "publish", broken)
    scene.send()
    assert scene.state(row) == "unknown"
