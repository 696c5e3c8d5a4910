"""The thin bar on every page while a story is told: where we are, and the way back."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from tanggap.practice.story import book
from tanggap.practice.story.table import BEATS

BODY = re.compile(rb"<body[^>]*>")
HEAD = b"</head>"


class StoryBar:
    """Middleware of practice mode: puts the bar below <body> of whole pages, and nowhere else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.streaming or "text/html" not in response.get("Content-Type", ""):
            return response
        page = book.read()
        if page is None or request.path.startswith("/cerita/"):
            return response
        where = BODY.search(response.content)
        if where is None:
            return response
        beat = BEATS[page.beat] if 0 <= page.beat < len(BEATS) else None
        bar = render_to_string(
            "practice/bar.html",
            {"beat": beat, "number": page.beat + 1, "total": len(BEATS)},
            request,
        ).encode()
        style = render_to_string("practice/bar_style.html").encode()
        whole = response.content[: where.end()] + bar + response.content[where.end() :]
        response.content = whole.replace(HEAD, style + HEAD, 1)
        if response.has_header("Content-Length"):
            response["Content-Length"] = str(len(response.content))
        return response
