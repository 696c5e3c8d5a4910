"""Pictures of a message: take one in, say what it shows, take it away."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from tanggap.core.errors import Refused
from tanggap.core.scope import scoped
from tanggap.desk.door import desk
from tanggap.desk.forms import refuse
from tanggap.desk.messaging import compose, view
from tanggap.desk.messaging.picture_form import PictureForm
from tanggap.messaging import draft, media, queries
from tanggap.messaging.models import Media


@desk("message.read")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """A picture of this agency, for staff; never guessed to be something else by a browser."""
    row = scoped(Media, request.scope).filter(pk=pk).first()
    if row is None:
        raise Http404
    try:
        with row.file.open("rb") as opened:
            response = HttpResponse(opened.read(), content_type=row.mime)
    except FileNotFoundError:
        raise Http404 from None
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Disposition"] = "inline"
    response["Cache-Control"] = "private, max-age=3600"
    return response


@require_POST
@desk("message.write")
def upload(request: HttpRequest, pk: int) -> HttpResponse:
    message, form = view.find(request, pk), PictureForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            kept = media.upload(
                request.agency, by=request.scope.person, now=request.now, **form.cleaned_data
            )
            draft.illustrate(
                message,
                [*queries.media_of(message), kept],
                by=request.scope.person,
                now=request.now,
            )
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, gettext("The picture is in."))
            return redirect("desk:messaging-one", pk)
    return compose.show(request, message, picture=form, status=422)


@require_POST
@desk("message.write")
def describe(request: HttpRequest, pk: int, picture: int) -> HttpResponse:
    """Keep a picture's description, or with `drop` take the picture away."""
    message = view.find(request, pk)
    row = next((one for one in queries.media_of(message) if one.pk == picture), None)
    if row is None:
        raise Http404
    try:
        if "drop" in request.POST:
            draft.illustrate(
                message,
                [one for one in queries.media_of(message) if one.pk != row.pk],
                by=request.scope.person,
                now=request.now,
            )
            messages.success(request, gettext("The picture was taken away."))
        else:
            media.describe(
                row, request.POST.get("alt", "")[:1500], by=request.scope.person, now=request.now
            )
            messages.success(request, gettext("The description is saved."))
    except Refused as refusal:
        return compose.show(request, message, refusal=refusal, status=422)
    return redirect("desk:messaging-one", pk)
