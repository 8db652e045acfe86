"""Yields the header `Cache-Status`: what the cache had for a request, told to the lab alone, and only where it asks.

It is that of RFC 9211: a member for each level that was looked up, the one nearest to the client last. A request that
does not carry `Lab-Tell: Cache-Status` and the lab's token pays nothing.
"""

from contextvars import ContextVar
from typing import Final

from django.http import HttpRequest, HttpResponse

from targets.web.lab_mode import LabMiddleware, in_lab_mode

HEADER: Final = "Cache-Status"
_STATES: Final = {
    "hit": "hit",
    "miss": "fwd=miss",
    "waited": "fwd=miss; collapsed",
    "away": "fwd=bypass; detail=away",
}

_told: ContextVar[dict[str, list[str]] | None] = ContextVar("told", default=None)


def note_look_up(*, level: str, outcome: str) -> None:
    """Keep what a look-up of this request came to: "hit"; "miss", or "waited" where another computed; "away"."""
    if (told := _told.get()) is not None:
        told.setdefault(level, []).append(outcome)


class CacheStatusMiddleware(LabMiddleware):
    """Tells the lab what the cache had for the request; nothing where nothing was looked up."""

    def _concerns(self, request: HttpRequest) -> bool:
        return request.META.get("HTTP_LAB_TELL") == HEADER and in_lab_mode(request)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        told: dict[str, list[str]] = {}
        token = _told.set(told)
        try:
            response: HttpResponse = self.get_response(request)
        finally:
            _told.reset(token)
        return _tell(response, told)

    async def _awaited(self, request: HttpRequest) -> HttpResponse:
        told: dict[str, list[str]] = {}
        token = _told.set(told)
        try:
            response: HttpResponse = await self.get_response(request)
        finally:
            _told.reset(token)
        return _tell(response, told)


def _tell(response: HttpResponse, told: dict[str, list[str]]) -> HttpResponse:
    if told:
        # The level nearest to the client was looked up first.
        members = [f"{level}; {_state(outcomes)}" for level, outcomes in reversed(told.items())]
        response.headers[HEADER] = ", ".join(members)
    return response


def _state(outcomes: list[str]) -> str:
    """Of several look-ups of a level the first is that of what was asked for, the others of what belongs to it."""
    first = outcomes[0]
    if first == "hit" and any(outcome != "hit" for outcome in outcomes):
        return "fwd=partial"
    return _STATES[first]
