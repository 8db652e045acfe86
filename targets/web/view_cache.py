"""Yields the cache level `view`: whole answers of either face, kept in Redis.

Two users never share an answer, and neither do two roles: who asks is part of what is kept.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.request import QueryDict
from django.template.response import SimpleTemplateResponse

from targets.web.actor import actor_of
from targets.web.cache_store import EVERYTHING, computing, entry_key, look_up
from targets.web.current import current_variant, serving

View = Callable[..., HttpResponseBase]


def rest_question(request: HttpRequest) -> str | None:
    """What a REST request asks: its path and its query, sorted by name; None for a method that may write."""
    if request.method != "GET":
        return None
    # Of a name that is given twice the last value counts: the order within a name must stay.
    query = QueryDict("", mutable=True)
    for name, values in sorted(request.GET.lists()):
        query.setlist(name, values)
    return f"{request.path}?{query.urlencode()}"


def live(request: HttpRequest) -> None:
    """Keep no answer to this request: what it shows changes without a write of either face."""
    request.is_live = True  # type: ignore[attr-defined]


def cached_answers(*, face: str, question: Callable[[HttpRequest], str | None]) -> Callable[[View], View]:
    """Keep the whole answers of a face's view: those with status 200 that do not say `Cache-Control: no-store`.

    It stands at the front of the face, so all that is kept below it, rows too, is kept for this face alone.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        @serving(face)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            variant = current_variant()
            if variant.cache not in {"view", "both"}:
                return view(request, *args, **kwargs)
            asked = question(request)
            if asked is None:
                return view(request, *args, **kwargs)
            actor = actor_of(request)
            who = (actor.id, actor.role, request.META.get("HTTP_ACCEPT", ""))
            lookup = look_up(
                entry_key("view", request.method, asked, who, str(variant)), level="view", domains=(EVERYTHING,)
            )
            if lookup.payload is not None:
                return _read(lookup.payload)
            with computing(lookup) as keep:
                response = view(request, *args, **kwargs)
                if isinstance(response, SimpleTemplateResponse):
                    # REST framework renders later: others wait until what is rendered is kept.
                    response.render()
                if isinstance(response, HttpResponse) and _is_kept(request, response):
                    keep(response.serialize())
            return response

        return answer

    return decorate


def _read(kept: bytes) -> HttpResponse:
    """The answer that was kept as it goes over the wire: its headers, an empty line and its body."""
    head, _, body = kept.partition(b"\r\n\r\n")
    return HttpResponse(body, headers=dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")))


def _is_kept(request: HttpRequest, response: HttpResponse) -> bool:
    return (
        response.status_code == 200
        and not getattr(request, "is_live", False)
        and "no-store" not in response.headers.get("Cache-Control", "")
    )
