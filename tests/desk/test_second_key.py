"""A fresh second factor: who is asked, what counts, that nothing typed is lost, on record."""

from __future__ import annotations

import inspect
import re
import time
from datetime import UTC, datetime
from html import unescape

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY as METHODS
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import cache
from django.http import HttpResponse, JsonResponse
from django.test import Client, override_settings
from django.urls import path, reverse

from tanggap import urls as real
from tanggap.archive.queries import facts_since
from tanggap.core import roles, rules
from tanggap.core.errors import Refused
from tanggap.core.rules_data import CONFIRMED
from tanggap.desk import words
from tanggap.desk.door import desk
from tests.conftest import PASSWORD
from tests.rules.test_doors import DESK

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXP"
TYPED = {"text": "Jl. Melati 3 & 4\r\n“50%” + é", "part": ["b", "a"], "submit": "1", "empty": ""}
ACTS = [(act, verb) for act, verbs in roles.ACTS.items() for verb in sorted(verbs)]
ACTS.append(("sending", "publish"))


def echo(act: str, verb: str, network: bool):
    @desk(verb, act=act, network=network)
    def view(request, pk):
        if request.method == "POST" and request.POST.get("text") == "refuse":
            raise Refused("No.", "Because.", "Do this.")
        return JsonResponse({"did": act, "typed": dict(request.POST.lists())})

    return view


@desk("message.write")
def harmless(request):
    return HttpResponse("done")


urlpatterns = [
    *[
        path(f"t/{act}/{verb}/<int:pk>/", echo(act, verb, False), name="t-act")
        for act, verb in ACTS
    ],
    path("t/network/<int:pk>/", echo("connect", "account.connect", True)),
    path("t/harmless/", harmless),
    *real.urlpatterns,
]


@pytest.fixture(autouse=True)
def for_real():
    with override_settings(ROOT_URLCONF="tests.desk.test_second_key", SECOND_FACTOR=True):
        yield


@pytest.fixture
def everything_asks(agency):
    agency.rules = {f"confirm_{act}": True for act in roles.ACTS}
    agency.save(update_fields=["rules"])
    return agency


@pytest.fixture
def person(member):
    def make(verb: str, *, key: bool = True) -> Client:
        role = next(one for one in roles.ROLES if roles.allows(one, verb))
        client = Client()
        client.person = member(role)
        if key:
            totp.TOTP.activate(client.person, SECRET)
        client.force_login(client.person)
        return client

    return make


def code(ago: int = 0) -> str:
    """The code of this half minute, or of the one so many before it."""
    return totp.format_hotp_value(totp.hotp_value(SECRET, int(time.time()) // 30 - ago))


def wrong() -> str:
    """Six digits that are right in none of the half minutes around."""
    near = int(time.time()) // 30
    right = {totp.format_hotp_value(totp.hotp_value(SECRET, near + n)) for n in range(-3, 4)}
    return next(
        one for one in ("000000", "111111", *map(str, range(222222, 222240))) if one not in right
    )


def body_of(page) -> str:
    return unescape(re.search(r'name="second-key-body" value="([^"]*)"', page.content.decode())[1])


def confirm(client: Client, page, given: str, again: str = ""):
    sent = {"second-key-body": body_of(page), "second-key-again": again, "second-key-code": given}
    return client.post(page.request["PATH_INFO"], sent)


def age(client: Client, minutes: float) -> None:
    """Make what the session remembers older."""
    session = client.session
    session[METHODS] = [{**one, "at": one["at"] - minutes * 60} for one in session[METHODS]]
    session.save()


def on_record(agency) -> list[dict]:
    return facts_since(agency, ["act.confirmed"], datetime(2020, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(("act", "verb"), ACTS, ids=[f"{act}-{verb}" for act, verb in ACTS])
def test_each_sensitive_verb_asks_keeps_what_was_typed_and_stands_on_record(
    act, verb, person, everything_asks
):
    client, address = person(verb), f"/t/{act}/{verb}/7/"
    asked = client.post(address, TYPED)
    assert asked.status_code == 403
    assert b'"did"' not in asked.content and 'id="second-key"' in asked.content.decode()
    assert on_record(everything_asks) == []

    refused = confirm(client, asked, wrong())
    assert refused.status_code == 422
    assert body_of(refused) == body_of(asked)
    assert on_record(everything_asks) == []

    done = confirm(client, refused, code())
    assert done.json() == {
        "did": act,
        "typed": {key: one if isinstance(one, list) else [one] for key, one in TYPED.items()},
    }
    (fact,) = on_record(everything_asks)
    assert fact.pop("seconds_ago") < 60
    assert fact == {"act": act, "needs": verb, "page": "t-act", "ids": {"pk": 7}, "how": "totp"}

    assert client.post(address, TYPED).json()["did"] == act, "fresh: passes"
    assert len(on_record(everything_asks)) == 2
    age(client, 16)
    assert client.post(address, TYPED).status_code == 403, "stale: asks again"


def test_a_code_works_once_and_a_recovery_code_is_named(person, everything_asks):
    client = person("hold")
    spare = RecoveryCodes.activate(client.person).get_unused_codes()[0]
    page = client.post("/t/hold/hold/1/", TYPED)
    right = code()
    assert confirm(client, page, right).status_code == 200
    age(client, 16)
    page = client.post("/t/hold/hold/1/", TYPED)
    assert confirm(client, page, right).status_code == 422
    assert confirm(client, page, spare).status_code == 200
    assert [one["how"] for one in on_record(everything_asks)] == ["totp", "recovery_codes"]


def test_a_code_of_the_half_minute_before_is_taken_once(person, everything_asks):
    client = person("hold")
    before = code(1)
    assert confirm(client, client.post("/t/hold/hold/1/", TYPED), before).status_code == 200
    age(client, 16)
    # allauth's own memory of it lasts for thirty seconds: what then?
    cache.delete(f"allauth.mfa.totp.used?user={client.person.pk}&code={before}")
    assert confirm(client, client.post("/t/hold/hold/1/", TYPED), before).status_code == 422
    assert confirm(client, client.post("/t/hold/hold/1/", TYPED), code(3)).status_code == 422


def test_reading_asks_only_where_it_is_the_act(person, everything_asks):
    for act, verb in ACTS:
        status = 403 if act in roles.READING_IS_THE_ACT else 200
        assert person(verb).get(f"/t/{act}/{verb}/7/").status_code == status, (act, verb)


def test_the_export_comes_after_the_question(person, agency):
    client = person("export")
    address = reverse("desk:monitoring-export") + "?from=2026-11-01"
    asked = client.get(address)
    assert asked.status_code == 403
    sent = {"second-key-body": "", "second-key-again": "1", "second-key-code": code()}
    back = client.post(address, sent)
    assert (back.status_code, back.url) == (302, address)
    file = client.get(address)
    assert file["Content-Type"].startswith("text/csv")
    (fact,) = on_record(agency)
    assert (fact["act"], fact["page"]) == ("export", "desk:monitoring-export")


def test_rules_are_changed_after_the_question_with_what_was_typed(person, agency):
    client = person("rules.write")
    page = client.get(reverse("desk:rules-list"))
    assert page.status_code == 200
    form = page.context["form"]
    typed = {
        one.html_name: "on" if one.value() is True else one.value() for one in form if one.value()
    }
    asked = client.post(reverse("desk:rules-list"), {**typed, "handover_days": "9"})
    assert asked.status_code == 403
    agency.refresh_from_db()
    assert agency.rules == {}
    assert confirm(client, asked, code()).status_code == 302
    agency.refresh_from_db()
    assert agency.rules == {"handover_days": 9}


def test_an_agency_from_before_the_rule_asks_for_what_reaches_far(person, agency):
    """Rules of an older release name nothing of this; so do its sessions."""
    assert agency.rules == {}
    asks = {
        act for act, verb in ACTS if person(verb).post(f"/t/{act}/{verb}/7/").status_code == 403
    }
    assert asks == {"connect", "export", "reveal", "sending", "team", "rules"}
    assert {act for act, on, _label, _help in CONFIRMED if on} == asks


def test_a_unit_follows_its_agency(everything_asks, unit):
    assert rules.fresh_minutes(unit, "hold") == 15


@pytest.mark.parametrize("off", ["minutes", "practice"])
def test_off_asks_nothing_and_records_nothing(person, everything_asks, settings, off):
    if off == "minutes":
        everything_asks.rules["confirm_minutes"] = 0
        everything_asks.save(update_fields=["rules"])
    else:
        settings.SECOND_FACTOR = False
    assert person("export").post("/t/export/export/7/", TYPED).status_code == 200
    assert on_record(everything_asks) == []


def test_other_verbs_ask_nothing(person, everything_asks):
    assert person("message.write").post("/t/harmless/", TYPED).status_code == 200


def test_a_password_is_no_second_factor(person, agency):
    client = person("account.connect")
    client.post("/masuk/reauthenticate/", {"password": PASSWORD})
    assert client.post("/t/connect/account.connect/7/", TYPED).status_code == 403


def test_a_password_alone_adds_no_second_key(person, agency):
    client = person("account.connect")
    answer = client.post("/masuk/reauthenticate/", {"password": PASSWORD})
    assert answer.url.startswith("/masuk/kunci/reauthenticate/")
    assert client.get("/masuk/kunci/recovery-codes/generate/").status_code == 302
    client.post("/masuk/kunci/reauthenticate/", {"code": code()})
    assert client.get("/masuk/kunci/recovery-codes/generate/").status_code == 200


def test_signing_in_with_a_code_is_fresh(person, agency):
    client = person("account.connect")
    client.logout()
    client.post("/masuk/login/", {"login": client.person.email, "password": PASSWORD})
    client.post("/masuk/kunci/authenticate/", {"code": code()})
    assert client.post("/t/connect/account.connect/7/", TYPED).status_code == 200


def test_what_the_network_views_do_is_on_record_too(person, agency):
    client = person("account.connect")
    assert confirm(client, client.post("/t/network/5/", TYPED), code()).status_code == 200
    assert [one["ids"] for one in on_record(agency)] == [{"pk": 5}]


def test_a_refused_act_is_not_on_record(person, agency):
    client = person("account.connect")
    page = client.post("/t/connect/account.connect/7/", {"text": "refuse"})
    assert confirm(client, page, code()).status_code == 422
    assert on_record(agency) == []


def test_who_has_no_key_yet_is_told_and_loses_nothing(person, agency):
    client = person("rules.write", key=False)
    page = client.post("/t/rules/rules.write/7/", TYPED)
    assert "/masuk/kunci/totp/activate/" in page.content.decode()
    totp.TOTP.activate(client.person, SECRET)
    assert confirm(client, page, code()).json()["typed"]["part"] == ["b", "a"]


def test_a_guesser_is_stopped_here_and_at_sign_in(person, agency):
    client, address = person("account.connect"), "/t/connect/account.connect/7/"
    page = client.post(address, TYPED)
    for _ in range(10):
        assert confirm(client, page, wrong()).status_code == 422
    kept = confirm(client, page, code())
    assert kept.status_code == 422 and body_of(kept) == body_of(page)
    login = {"login": client.person.email, "password": PASSWORD}
    assert Client().post("/masuk/login/", login).status_code == 429


def test_wrong_codes_at_sign_in_count_too(person, agency):
    client = person("account.connect")
    client.logout()
    client.post("/masuk/login/", {"login": client.person.email, "password": PASSWORD})
    statuses = [
        client.post("/masuk/kunci/authenticate/", {"code": wrong()}).status_code for _ in range(10)
    ]
    assert statuses == [200] * 9 + [429]
    client.post("/masuk/kunci/authenticate/", {"code": code()})
    assert "_auth_user_id" not in client.session


def test_a_body_that_no_text_can_hold_is_refused(person, agency):
    sent = {"second-key-body": "text=%00", "second-key-again": "", "second-key-code": code()}
    assert person("account.connect").post("/t/connect/account.connect/7/", sent).status_code == 400


def test_htmx_gets_the_whole_page(person, agency):
    page = person("account.connect").post(
        "/t/connect/account.connect/7/", TYPED, headers={"HX-Request": "true"}
    )
    assert page["HX-Retarget"] == "body"


def test_each_act_has_a_rule_and_words():
    assert {act for act, *_rest in CONFIRMED} == set(roles.ACTS) == set(words.tables()["act"])
    assert set().union(*roles.ACTS.values()) <= set(roles.VERBS)
    with pytest.raises(KeyError):
        desk("today", act="fly")


def test_acts_that_their_verb_does_not_tell_are_named():
    acts = {entry.name: entry.callback.desk_act for entry in DESK}
    assert acts["inbox-sealed-reporter"] == "reveal"
    assert acts["publishing-start"] == "sending"


def test_no_sensitive_act_takes_files():
    """What was typed travels in the page that asks; files cannot."""
    for entry in DESK:
        if entry.callback.desk_act:
            assert "FILES" not in inspect.getsource(inspect.unwrap(entry.callback)), entry.name
