"""Yields views for an event loop: what can be awaited is, behind the same entrance; all else is done in a thread.

Only an ASGI server has a loop that outlives a request: no WSGI process uses this.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from targets.web.current import current_variant
from targets.web.errors import ApiError, error_response, expected

View = Callable[..., HttpResponseBase]
Guard = Callable[[View], View]


def is_awaiting(request: HttpRequest) -> bool:
    """Whether an event loop awaits what answers this request."""
    return getattr(request, "is_awaiting", False)


def in_event_loop(
    view: View,
    *,
    guard: Guard,
    awaited: Callable[[HttpRequest], Awaitable[HttpResponse]],
    is_awaited: Callable[[HttpRequest], bool] = lambda _: True,
    refuse: Callable[[ApiError], HttpResponseBase] = error_response,
) -> Callable[..., Awaitable[HttpResponseBase]]:
    """`awaited` where the variant says so and `is_awaited` lets it, else `view` in a thread; both behind `guard`.

    Who asks, and how often, is looked at first, and in the thread too: only what is waited for is done in the loop.
    """

    def before(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if current_variant().fanout != "async" or not is_awaited(request):
            return view(request, *args, **kwargs)
        request.is_awaiting = True  # type: ignore[attr-defined]
        return HttpResponse()

    in_thread = sync_to_async(guard(before))

    @csrf_exempt
    @wraps(view)
    async def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        first = await in_thread(request, *args, **kwargs)
        if not is_awaiting(request):
            return first
        try:
            response: HttpResponseBase = await awaited(request)
        except Exception as error:
            told = expected(error)
            if told is None:
                raise
            return refuse(told)
        if "Cache-Control" in first.headers:
            response.headers.setdefault("Cache-Control", first.headers["Cache-Control"])
        return response

    return answer
