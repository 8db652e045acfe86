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


def in_event_loop(
    view: View,
    *,
    guard: Guard,
    awaited: Callable[[HttpRequest], Awaitable[HttpResponse]],
    is_awaited: Callable[[HttpRequest], bool] = lambda _: True,
    refuse: Callable[[ApiError], HttpResponseBase] = error_response,
) -> Callable[..., Awaitable[HttpResponseBase]]:
    """`awaited` where the variant says so and `is_awaited` lets it, behind `guard`; else `view`, in a thread."""
    passed = HttpResponse()
    let_in = sync_to_async(guard(lambda *_, **__: passed))
    in_thread = sync_to_async(view)

    @csrf_exempt
    @wraps(view)
    async def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "OPTIONS" or current_variant().fanout != "async" or not is_awaited(request):
            return await in_thread(request, *args, **kwargs)
        if (stopped := await let_in(request)) is not passed:
            return stopped
        try:
            return await awaited(request)
        except Exception as error:
            told = expected(error)
            if told is None:
                raise
            return refuse(told)

    return answer
