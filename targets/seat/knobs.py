"""Yields the knobs of the developer's seat: a cookie that names levels, and the middleware that serves requests by it.

It holds for both faces. Outside the seat nothing of it is installed, and the cookie is one like any other.
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from targets.variants import KNOBS, Variant
from targets.web.current import requested
from targets.web.lab_mode import servable

COOKIE: Final = "seat_knobs"


class KnobsMiddleware:
    """Serves a request by the levels in its cookie; knobs that it does not name keep the process default."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not (settings.DEBUG and settings.SEAT):
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = requested.set(chosen(request))
        try:
            return self.get_response(request)
        finally:
            requested.reset(token)


def chosen(request: HttpRequest) -> Variant | None:
    """The variant that the cookie asks for; None where there is none, or one that cannot be served any more."""
    levels = dict(parse_qsl(request.COOKIES.get(COOKIE, "")))
    try:
        return _with(levels) if levels else None
    except ValueError:
        return None


def levels_of(variant: Variant) -> list[dict[str, Any]]:
    """Each knob with its levels, which of them the variant has, and why one cannot be had here."""
    return [
        {
            "knob": knob,
            "levels": [
                {"level": level, "is_on": getattr(variant, knob) == level, "missing": _missing(knob, level)}
                for level in levels
            ],
        }
        for knob, levels in KNOBS.items()
    ]


def changes_of(variant: Variant) -> list[str]:
    """The levels in which a variant is another than the process default, as `knob=level`."""
    return [
        f"{knob}={getattr(variant, knob)}"
        for knob in KNOBS
        if getattr(variant, knob) != getattr(settings.TARGET_VARIANT, knob)
    ]


@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Keep a knob's level in the cookie, or forget all of them; then back to the page of the click."""
    if urlsplit(request.META.get("HTTP_ORIGIN", "")).netloc not in {"", request.get_host()}:
        raise PermissionDenied
    back = request.META.get("HTTP_REFERER", "")
    is_own = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    response = HttpResponseRedirect(back if is_own else "/")
    if "reset" in request.POST:
        response.delete_cookie(COOKIE)
        return response
    knob, _, level = request.POST.get("switch", "").partition("=")
    before = chosen(request)
    levels = dict(part.split("=") for part in changes_of(before)) if before else {}
    levels[knob] = level
    try:
        variant = _with(levels)
    except ValueError as error:
        return HttpResponse(str(error), status=400, content_type="text/plain")
    # A full setting, not the changes alone: the click for the process default is one too.
    response.set_cookie(COOKIE, urlencode({name: getattr(variant, name) for name in KNOBS}), samesite="Strict")
    return response


def _with(levels: dict[str, str]) -> Variant:
    return servable(settings.TARGET_VARIANT.with_levels(";".join(f"{knob}={level}" for knob, level in levels.items())))


def _missing(knob: str, level: str) -> str:
    """What a level needs that this process has not; empty where it can be served."""
    try:
        _with({knob: level})
    except ValueError as error:
        return str(error)
    return ""
