"""The practice server's quick lists say word for word what mastodon_mock's own say."""

from __future__ import annotations

import pytest

pytest.importorskip("mastodon_mock")

from fastapi.testclient import TestClient
from mastodon_mock.app import create_app
from mastodon_mock.config import MastodonMockConfig
from mastodon_mock.routers import conversations
from mastodon_mock.serializers import accounts, notifications, statuses

from tanggap.practice import batched

PEOPLE = ("pemkab", "tini", "karto")
LISTS = ("/api/v1/notifications", "/api/v1/notifications?limit=2", "/api/v1/conversations")


def asked(client: TestClient, who: str, method: str, path: str, **data: object):
    answer = client.request(
        method, path, headers={"Authorization": f"Bearer token-{who}"}, data=data or None
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch):
    for module, name in (
        (statuses, "serialize_status"),
        (accounts, "serialize_account"),
        (conversations, "serialize_status"),
        (notifications, "serialize_account"),
    ):
        # Put back at the end, whatever is installed meanwhile.
        monkeypatch.setattr(module, name, getattr(module, name))
    seed = {"accounts": [{"username": one, "access_token": f"token-{one}"} for one in PEOPLE]}
    with TestClient(create_app(MastodonMockConfig.model_validate({"seed": seed}))) as client:
        yield client


def test_the_lists_are_the_same(server: TestClient):
    post = asked(server, "pemkab", "POST", "/api/v1/statuses", status="Pasar murah #pangan")
    for who, text in (("tini", "Jam berapa?"), ("karto", "Di mana?")):
        asked(
            server,
            who,
            "POST",
            "/api/v1/statuses",
            status=f"@pemkab {text}",
            in_reply_to_id=post["id"],
        )
    asked(
        server, "karto", "POST", "/api/v1/statuses", status="@pemkab rahasia", visibility="direct"
    )
    quoted = asked(server, "tini", "POST", "/api/v1/statuses", status="@pemkab lihat ini")
    asked(server, "karto", "POST", f"/api/v1/statuses/{quoted['id']}/reblog")
    for verb in ("favourite", "bookmark"):
        asked(server, "pemkab", "POST", f"/api/v1/statuses/{quoted['id']}/{verb}")
    asked(server, "karto", "POST", f"/api/v1/statuses/{post['id']}/favourite")
    asked(server, "tini", "POST", f"/api/v1/accounts/{post['account']['id']}/follow")

    plain = [asked(server, who, "GET", path) for who in PEOPLE for path in LISTS]
    batched.install()
    assert [asked(server, who, "GET", path) for who in PEOPLE for path in LISTS] == plain
    rings, _two, talks = plain[:3]
    assert {ring["type"] for ring in rings} >= {"mention", "favourite", "follow"}
    assert len(talks) == 1 and any(ring["status"]["favourited"] for ring in rings if ring["status"])
