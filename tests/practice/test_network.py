"""The practice network is a real server: nothing here is imitated."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tanggap.practice import network as net
from tanggap.practice import world

pytest.importorskip("mastodon_mock")
pytestmark = pytest.mark.long(2)

BACK = "http://127.0.0.1:9/kembali"


@pytest.fixture(scope="module")
def running():
    said = []
    network = net.start(
        [net.Profile("tini", "Tini"), net.Profile("karto", "Mbah Karto")],
        [net.Profile("pemkab", "Pemkab Sukamaju")],
        progress=said.append,
    )
    assert said and network.url in said[-1]
    yield network
    net.stop(network)
    with pytest.raises(ProcessLookupError):
        os.kill(network.pid, 0)
    net.stop(network)


@pytest.fixture
def whole_world():
    network = net.start(world.citizens(), world.agencies())
    yield network
    net.stop(network)


@pytest.fixture
def network(running):
    net.reset(running)
    return running


def agency_token(network):
    """The code flow as `accounts/connect` walks it: register, authorise, exchange."""
    app = httpx.post(
        f"{network.url}/api/v1/apps",
        data={"client_name": "Tanggap", "redirect_uris": BACK, "scopes": "read write"},
    ).json()
    query = urlencode(
        {
            "client_id": app["client_id"],
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": "read write",
            "state": "rahasia-7",
        }
    )
    back = net.authorise(network, f"{network.url}/oauth/authorize?{query}", "pemkab")
    assert back.startswith(BACK)
    answer = parse_qs(urlsplit(back).query)
    assert answer["state"] == ["rahasia-7"]
    return httpx.post(
        f"{network.url}/oauth/token",
        data={
            "grant_type": "authorization_code",
            "code": answer["code"][0],
            "client_id": app["client_id"],
            "client_secret": app["client_secret"],
            "redirect_uri": BACK,
        },
    ).json()["access_token"]


def post(network, token, text, **data):
    return httpx.post(
        f"{network.url}/api/v1/statuses",
        data={"status": text, **data},
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
    )


def test_an_officer_authorises_and_citizens_answer(network):
    token = agency_token(network)
    first = post(network, token, "Dukcapil keliling hari ini").json()
    net.say(network, "tini", "Jembatan putus", reply_to=first["id"], mention="pemkab")
    below = net.replies_to(network, first["id"])
    assert [row["account"]["acct"] for row in below] == ["tini"]
    rings = httpx.get(
        f"{network.url}/api/v1/notifications", headers={"Authorization": f"Bearer {token}"}
    ).json()
    assert [ring["type"] for ring in rings] == ["mention"]
    assert [row["id"] for row in net.timeline_of(network, "pemkab")] == [first["id"]]


def test_an_account_that_is_not_there_is_not_authorised(network):
    with pytest.raises(net.NetworkFailed, match="bukan-siapa-siapa"):
        net.authorise(
            network,
            f"{network.url}/oauth/authorize?client_id=x&redirect_uri={BACK}&response_type=code",
            "bukan-siapa-siapa",
        )


def test_timelines_are_read_to_their_end(network):
    for number in range(45):
        net.say(network, "karto", f"Pesan nomor {number}")
    assert len(net.timeline_of(network, "karto")) == 45


def test_private_messages_reach_one_phone_only(network):
    token = agency_token(network)
    post(network, token, "@tini mohon hapus nomor itu", visibility="direct")
    assert len(net.direct_messages(network, "tini")) == 1
    assert net.direct_messages(network, "karto") == []
    assert net.timeline_of(network, "pemkab") == []


def test_a_private_answer_in_a_public_thread_is_seen_by_its_two_people_only(network):
    token = agency_token(network)
    first = net.say(network, "tini", "NIK saya ...", mention="pemkab")
    post(network, token, "@tini mohon hapus", visibility="direct", in_reply_to_id=first["id"])
    seen = {
        who: len(net.replies_to(network, first["id"], seen_by=who)) for who in ("tini", "karto", "")
    }
    assert seen == {"tini": 1, "karto": 0, "": 0}


def test_the_whole_world_writes_and_the_agency_hears_all_of_it(whole_world):
    network, said = whole_world, world.messages()
    token = agency_token(network)
    posts = {
        row["key"]: post(network, token, world.fill(row["text"], date(2026, 11, 23))).json()["id"]
        for row in world.read("posts")
    }
    for one in said:
        net.say(
            network,
            one.citizen,
            one.text,
            reply_to=posts.get(one.to),
            mention="pemkab",
            visibility=one.visibility,
            language=one.language_code,
        )
    rings, last = [], {}
    headers = {"Authorization": f"Bearer {token}"}
    while page := httpx.get(
        f"{network.url}/api/v1/notifications", params={"limit": 40, **last}, headers=headers
    ).json():
        rings += page
        last = {"max_id": page[-1]["id"]}
    assert len(rings) == len(said)
    assert {ring["status"]["account"]["username"] for ring in rings} == {
        one.citizen for one in said
    }
    private = [ring for ring in rings if ring["status"]["visibility"] == "direct"]
    assert [ring["status"]["account"]["username"] for ring in private] == ["tamu_loket3"]
    below = sum(len(net.replies_to(network, status)) for status in posts.values())
    assert below == sum(one.to != "" for one in said)


def test_an_edit_keeps_the_id(network):
    first = net.say(network, "karto", "Hari apa?")
    second = net.edit(network, "karto", first["id"], "Hari apa dan jam berapa?")
    assert second["id"] == first["id"] and second["edited_at"]


def test_a_cut_wire_refuses_and_citizens_go_on(network):
    net.cut(network)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{network.url}/api/v1/instance")
    net.say(network, "karto", "Masih bisa menulis")
    net.mend(network)
    assert httpx.get(f"{network.url}/api/v1/instance").status_code == 200


def test_a_lost_answer_means_posted_but_unknown(network):
    token = agency_token(network)
    net.lose_answers(network)
    with pytest.raises(httpx.TransportError):
        post(network, token, "Sekali saja")
    assert len(net.timeline_of(network, "pemkab")) == 1
    assert post(network, token, "Kedua").status_code == 200


def test_faults_come_and_go(network):
    net.fault(network, status=503, methods=["POST"], path="/api/v1/statuses", count=1)
    with pytest.raises(net.NetworkFailed, match="503"):
        net.say(network, "karto", "Pertama")
    net.say(network, "karto", "Kedua")
    net.fault(network, "ratelimit")
    assert httpx.get(f"{network.url}/api/v1/instance").headers["Retry-After"]
    net.clear_faults(network)
    assert httpx.get(f"{network.url}/api/v1/instance").status_code == 200


def test_a_revoked_token_is_refused(network):
    token = agency_token(network)
    net.revoke(network, token)
    assert post(network, token, "Ditolak").status_code == 401


def test_the_network_keeps_the_practice_time(network):
    net.set_clock(network, timedelta(days=20))
    stamp = datetime.fromisoformat(net.say(network, "karto", "Dua puluh hari lagi")["created_at"])
    assert abs(stamp - datetime.now(UTC) - timedelta(days=20)) < timedelta(minutes=1)


def test_another_process_of_the_demo_finds_it(network, tmp_path):
    network.save(tmp_path / "network.json")
    assert net.Network.load(tmp_path / "network.json") == network


def test_a_port_that_is_taken_says_so():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(net.NetworkFailed) as failed:
            net.start([], [], port=taken.getsockname()[1])
    assert "in use" in failed.value.why


def test_it_ends_when_whoever_started_it_dies(tmp_path):
    program = (
        "import django, os; from pathlib import Path; django.setup()\n"
        "from tanggap.practice import network as net\n"
        f"net.start([], []).save(Path({str(tmp_path / 'network.json')!r}))\n"
        "os._exit(9)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    environment["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    done = subprocess.run([sys.executable, "-c", program], env=environment, timeout=60, check=False)
    assert done.returncode == 9
    network = net.Network.load(tmp_path / "network.json")
    for _ in range(100):
        try:
            httpx.get(f"{network.inside}/health", timeout=2)
        except httpx.TransportError:
            # It has let go of its port; what it tidies up is gone a moment later.
            if not Path(network.folder).exists():
                return
        time.sleep(0.1)
    pytest.fail("The practice network, or its folder, outlived its starter.")
