"""An agency's public words as feeds: RSS 2.0, Atom and JSON Feed, for websites, readers and hubs.

Each names the other forms and, where the operator named one, the hub at which to subscribe.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import translation
from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed, SyndicationFeed
from django.utils.translation import gettext as _
from django.views.decorators.http import conditional_page, require_safe

from tanggap.core.membership import tenant_ids
from tanggap.core.models import Agency
from tanggap.core.scope import Scope, enter
from tanggap.execution.followup.feed import Entry, entries

AGE = 300
"""Seconds for which a reader need not ask again."""
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class Rss(Rss201rev2Feed):
    """RSS with the hub's link, as WebSub wants it in a feed."""

    def add_root_elements(self, handler: Any) -> None:
        super().add_root_elements(handler)
        if settings.WEBSUB_HUB:
            handler.addQuickElement("atom:link", None, {"rel": "hub", "href": settings.WEBSUB_HUB})


class Atom(Atom1Feed):
    """Atom with the hub's link."""

    def add_root_elements(self, handler: Any) -> None:
        super().add_root_elements(handler)
        if settings.WEBSUB_HUB:
            handler.addQuickElement("link", None, {"rel": "hub", "href": settings.WEBSUB_HUB})


FORMS: dict[str, tuple[str, type[SyndicationFeed] | None]] = {
    "rss": ("application/rss+xml; charset=utf-8", Rss),
    "atom": ("application/atom+xml; charset=utf-8", Atom),
    "json": ("application/feed+json; charset=utf-8", None),
}


@require_safe
@conditional_page
def feed(request: HttpRequest, agency: str, form: str) -> HttpResponse:
    """The newest public words of an agency."""
    if form not in FORMS:
        raise Http404
    owner = get_object_or_404(Agency, slug=agency, autonomous=True)
    kind, shape = FORMS[form]
    here = settings.PUBLIC_URL + reverse("public:feed", args=[agency, form])
    # One feed for everybody, whatever language a browser asked for.
    with translation.override(settings.LANGUAGE_CODE):
        with enter(Scope(readable=tenant_ids(owner))):
            rows = entries(owner)
        body = _json(owner, here, rows) if shape is None else _xml(shape, owner, here, rows)
    answer = HttpResponse(body, content_type=kind)
    answer["Cache-Control"] = f"public, max-age={AGE}"
    links = [f'<{here}>; rel="self"']
    if settings.WEBSUB_HUB:
        links.append(f'<{settings.WEBSUB_HUB}>; rel="hub"')
    answer["Link"] = ", ".join(links)
    return answer


def _title(owner: Agency) -> str:
    return _("What %(name)s says") % {"name": owner.name}


def _home(owner: Agency) -> str:
    return settings.PUBLIC_URL + reverse("public:results", args=[owner.slug])


def _page(owner: Agency, one: Entry) -> str:
    """Where it can be read: our own page, else the first post, else the agency's page."""
    if one.slug:
        return settings.PUBLIC_URL + reverse("public:result", args=[owner.slug, one.slug])
    return one.urls[0] if one.urls else _home(owner)


def _xml(shape: type[SyndicationFeed], owner: Agency, here: str, rows: list[Entry]) -> bytes:
    made = shape(
        title=_clean(_title(owner)),
        link=_home(owner),
        description=_clean(_("Posts and announcements of %(name)s") % {"name": owner.name}),
        language=settings.LANGUAGE_CODE,
        author_name=_clean(owner.name),
        feed_url=here,
        feed_guid=here,
    )
    for one in rows:
        made.add_item(
            title=_clean(one.title),
            link=_page(owner, one),
            description=_clean(one.text),
            pubdate=one.at,
            updateddate=one.at,
            unique_id=one.id,
            unique_id_is_permalink=False,
            author_name=_clean(owner.name),
        )
    # A feed is as new as its newest entry; an empty one stays the same from day to day.
    made.latest_post_date = lambda: max((one.at for one in rows), default=EPOCH)  # type: ignore[method-assign]
    return made.writeString("utf-8").encode()


def _json(owner: Agency, here: str, rows: list[Entry]) -> bytes:
    found: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": _title(owner),
        "home_page_url": _home(owner),
        "feed_url": here,
        "language": settings.LANGUAGE_CODE,
        "authors": [{"name": owner.name}],
        "items": [
            {
                "id": one.id,
                "url": _page(owner, one),
                "title": one.title,
                "content_text": one.text,
                "date_published": one.at.astimezone(UTC).isoformat(),
                **({"language": one.language} if one.language else {}),
                **({"_posts": list(one.urls)} if one.urls else {}),
            }
            for one in rows
        ],
    }
    if settings.WEBSUB_HUB:
        found["hubs"] = [{"type": "WebSub", "url": settings.WEBSUB_HUB}]
    return json.dumps(found, ensure_ascii=False).encode()


def _clean(text: str) -> str:
    """Without the control letters that XML cannot hold."""
    return "".join(one for one in text if one >= " " or one in "\t\n\r")


urlpatterns = [path("<slug:agency>/umpan.<slug:form>", feed, name="feed")]
