"""The door: who comes in, who is told why not, and what a page may see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path

from tanggap import urls as real
from tanggap.activities import crisis
from tanggap.core.errors import Refused, Stale
from tanggap.core.models import Membership
from tanggap.desk.door import desk

pytestmark = pytest.mark.django_db


@desk("message.write")
def write(request):
    return HttpResponse(f"{request.agency.slug} {len(request.scope.readable)}")


@desk("decide")
def decide(request):
    return HttpResponse("decided")


@desk("today")
def refuse(request):
    Membership.objects.filter(person=request.user).update(decree_number="changed")
    raise Stale("Somebody was first.", "It changed.", "Look again.")


@desk("today")
def late(request):
    return TemplateResponse(request, "desk/more.html")


@desk("today")
def wrong(request):
    raise Refused("No.", "Because.", "Do this.")


urlpatterns = [
    path("t/write/", write),
    path("t/decide/", decide),
    path("t/refuse/", refuse),
    path("t/late/", late),
    path("t/wrong/", wrong),
    *real.urlpatterns,
]
at_test_urls = override_settings(ROOT_URLCONF="tests.desk.test_door")


@pytest.fixture
def signed_in(client: Client, member):
    def make(role: str, **fields) -> Client:
        person = member(role, valid_from=(datetime.now(UTC) - timedelta(days=2)).date(), **fields)
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        client.person = person
        return client

    return make


@at_test_urls
def test_nobody_is_sent_to_sign_in(client):
    answer = client.get("/t/write/")
    assert answer.status_code == 302
    assert answer.url == "/masuk/login/?next=/t/write/"


@at_test_urls
def test_a_holder_comes_in_with_a_scope(signed_in):
    answer = signed_in("editor").get("/t/write/")
    assert answer.content == b"lumbung 1"
    assert answer["Cache-Control"] == "no-store"


@at_test_urls
def test_others_read_who_may_and_whom_to_ask(signed_in, member):
    member("lead", name="Ratna Dewi")
    answer = signed_in("responder").get("/t/write/")
    assert answer.status_code == 403
    assert "Ratna Dewi" in answer.content.decode()


@at_test_urls
def test_the_session_ends_with_the_membership(signed_in):
    client = signed_in("editor")
    client.get("/t/write/")
    Membership.objects.filter(person=client.person).update(ended_at=datetime.now(UTC))
    assert client.get("/t/write/").status_code == 403
    assert client.get("/t/write/").status_code == 302


@at_test_urls
def test_another_membership_does_not_inherit_the_session(signed_in, member, other):
    client = signed_in("editor")
    client.get("/t/write/")
    Membership.objects.filter(person=client.person).update(ended_at=datetime.now(UTC))
    Membership.objects.create(
        agency=other,
        person=client.person,
        role="lead",
        decree_number="SK/9",
        valid_from=datetime.now(UTC).date() - timedelta(days=2),
    )
    assert client.get("/t/write/").status_code == 403


@at_test_urls
@override_settings(SECOND_FACTOR=True)
def test_a_weighty_verb_asks_for_a_second_key(signed_in):
    answer = signed_in("head").get("/t/decide/")
    assert answer.status_code == 403
    assert "/masuk/kunci/totp/activate/" in answer.content.decode()


@at_test_urls
def test_a_refusal_is_a_page_and_changes_nothing(signed_in):
    client = signed_in("editor")
    answer = client.get("/t/refuse/")
    assert answer.status_code == 409
    assert "Look again." in answer.content.decode()
    assert Membership.objects.get(person=client.person).decree_number != "changed"
    assert client.get("/t/wrong/").status_code == 422


@at_test_urls
def test_lazy_templates_render_inside_the_scope(signed_in):
    assert signed_in("editor").get("/t/late/").status_code == 200


def test_an_unknown_verb_fails_at_import():
    with pytest.raises(KeyError):
        desk("fly")


def test_today_opens(signed_in):
    answer = signed_in("lead").get("/")
    assert answer.status_code == 200
    assert 'style="' not in answer.content.decode()


@pytest.mark.parametrize("page", ["", "lainnya/", "tombol/"])
def test_own_desk_opens(signed_in, page):
    assert signed_in("auditor").get(f"/meja/{page}").status_code == 200


def test_preferences_are_kept(signed_in):
    client = signed_in("editor")
    answer = client.post("/meja/", {"language": "en", "theme": "dark"})
    assert answer.status_code == 302
    client.person.refresh_from_db()
    assert (client.person.language, client.person.letter_keys) == ("en", False)
    assert 'data-theme="dark"' in client.get("/meja/").content.decode()


def test_the_frame_costs_few_queries(signed_in, django_assert_max_num_queries):
    client = signed_in("lead")
    client.get("/meja/lainnya/")
    # Session, person, memberships, agency, tenant, and what enter() sets: 3 + savepoints.
    with django_assert_max_num_queries(18):
        client.get("/meja/lainnya/")


def test_every_page_says_the_oldest_hold_in_force(signed_in, agency, member):
    lead, client, begun = member("lead"), signed_in("responder"), datetime.now(UTC)
    assert "Gempa di Cikaret" not in client.get("/meja/lainnya/").content.decode()
    first = crisis.place(agency, reason="Gempa di Cikaret", by=lead, now=begun)
    crisis.place(agency, reason="Listrik padam", by=lead, now=begun + timedelta(seconds=1))
    said = client.get("/meja/lainnya/").content.decode()
    assert "Gempa di Cikaret" in said and "Listrik padam" not in said
    crisis.lift(first, reason="Aman", by=lead, now=begun + timedelta(seconds=2))
    assert "Listrik padam" in client.get("/meja/lainnya/").content.decode()


@at_test_urls
def test_a_refusal_counts_nothing_and_still_says_the_hold(signed_in, agency, member):
    client = signed_in("responder")
    crisis.place(agency, reason="Gempa di Cikaret", by=member("lead"), now=datetime.now(UTC))
    with CaptureQueriesContext(connection) as asked:
        answer = client.get("/t/write/")
    assert answer.status_code == 403
    assert "Gempa di Cikaret" in answer.content.decode()
    assert not [one["sql"] for one in asked if "inbox_conversation" in one["sql"]]


def test_switching_to_a_strange_agency_is_refused(signed_in, other):
    answer = signed_in("lead").post("/meja/instansi/", {"agency": other.slug})
    assert answer.status_code == 422


def test_a_redirect_never_leaves_the_site(signed_in):
    answer = signed_in("lead").post("/meja/warna/", {"theme": "dark", "next": "//evil.example/"})
    assert answer.url == "/"


def test_request_factory_is_untouched_by_the_context_processor(rf: RequestFactory):
    from tanggap.desk.context import shell

    assert not shell(rf.get("/"))["shell"]
