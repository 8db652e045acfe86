"""Yields lab mode: who may use it, and the middleware that takes a request's variant from its header.

Lab mode exists only in a process booted with TARGET_LAB_TOKEN; elsewhere no header changes anything.
"""

import hmac
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from targets.variants import Variant
from targets.web.current import requested
from targets.web.errors import InvalidError, error_response


def in_lab_mode(request: HttpRequest) -> bool:
    """Whether the request carries the token that this process was booted with."""
    token = settings.TARGET_LAB_TOKEN
    given = request.META.get("HTTP_LAB_TOKEN", "")
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())


class LabMiddleware(ABC):
    """A middleware that exists only in lab mode, for servers of both interfaces."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        if not settings.TARGET_LAB_TOKEN:
            raise MiddlewareNotUsed
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if not self._concerns(request):
            return self.get_response(request)
        return self._awaited(request) if self.is_async else self._answer(request)

    @abstractmethod
    def _concerns(self, request: HttpRequest) -> bool:
        """Whether it has anything to do with a request; others pass."""

    @abstractmethod
    def _answer(self, request: HttpRequest) -> HttpResponse:
        """The answer, of a server that waits for it."""

    @abstractmethod
    async def _awaited(self, request: HttpRequest) -> HttpResponse:
        """The same, of an asynchronous one."""


class VariantMiddleware(LabMiddleware):
    """Serves a request by the variant in its `Lab-Variant` header; knobs not named keep the process default."""

    def _concerns(self, request: HttpRequest) -> bool:
        return True

    def _answer(self, request: HttpRequest) -> HttpResponse:
        variant = _asked(request)
        if isinstance(variant, HttpResponse):
            return variant
        token = requested.set(variant)
        try:
            response: HttpResponse = self.get_response(request)
            return response
        finally:
            requested.reset(token)

    async def _awaited(self, request: HttpRequest) -> HttpResponse:
        variant = _asked(request)
        if isinstance(variant, HttpResponse):
            return variant
        token = requested.set(variant)
        try:
            response: HttpResponse = await self.get_response(request)
            return response
        finally:
            requested.reset(token)


def _asked(request: HttpRequest) -> Variant | HttpResponse | None:
    """The variant that the request asks for, None for that of the process; or a refusal."""
    text = request.META.get("HTTP_LAB_VARIANT")
    if text is None or not in_lab_mode(request):
        return None
    try:
        return servable(_read(settings.TARGET_VARIANT, text))
    except ValueError as error:
        return error_response(InvalidError({"Lab-Variant": str(error)}))


@lru_cache(maxsize=1_000)
def _read(variant: Variant, text: str) -> Variant:
    """The variant with the levels of a header: a lab sends few, and each of them thousands of times."""
    return variant.with_levels(text)


def servable(variant: Variant) -> Variant:
    """The variant; ValueError when this process lacks a service that it needs: to ignore a knob would be a lie."""
    if variant.indexes == "off" and "bare" not in settings.DATABASES:
        raise ValueError("indexes=off needs DATABASE_BARE_URL")
    if variant.cache != "off" and not settings.CACHE_URL:
        raise ValueError(f"cache={variant.cache} needs CACHE_URL")
    if variant.fanout == "async" and settings.INTERFACE != "asgi":
        raise ValueError("fanout=async needs an ASGI server")
    return variant
