"""Yields the errors that a client may see, and their one shape in REST: `{"error": {code, message, fields}}`."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response


class ApiError(Exception):
    """An answer that says no. `fields` tells for each parameter at fault what is wrong with it."""

    code = "internal"
    status = 500

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fields = dict(sorted((fields or {}).items()))


class InvalidError(ApiError):
    """Parameters that cannot be served."""

    code = "invalid"
    status = 400

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("Some parameters are invalid.", fields)


class NotFoundError(ApiError):
    """Something that does not exist."""

    code = "not_found"
    status = 404

    def __init__(self, message: str = "There is no such thing here.") -> None:
        super().__init__(message)


def error_body(*, code: str, message: str, fields: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The body of a refusal, not yet encoded."""
    return {"error": {"code": code, "message": message, "fields": dict(fields or {})}}


def error_response(error: ApiError) -> JsonResponse:
    """The refusal as a response, for code that runs outside REST framework."""
    return JsonResponse(error_body(code=error.code, message=error.message, fields=error.fields), status=error.status)


def answer_exception(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST framework's exception handler; None for an unexpected error, which `internal_error` then answers."""
    if isinstance(error, ApiError):
        body = error_body(code=error.code, message=error.message, fields=error.fields)
        return Response(body, status=error.status)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    fields = {}
    message = str(error.detail)
    if isinstance(error, exceptions.ValidationError):
        message = "Some parameters are invalid."
        if isinstance(error.detail, dict):
            fields = {name: " ".join(map(str, faults)) for name, faults in sorted(error.detail.items())}
    headers = {}
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    body = error_body(code=error.default_code, message=message, fields=fields)
    return Response(body, status=error.status_code, headers=headers)


def bad_request(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Django's answer to a request that it cannot read."""
    return JsonResponse(error_body(code="invalid", message="The request cannot be read."), status=400)


def page_not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Django's answer to an address that leads nowhere."""
    return error_response(NotFoundError())


def internal_error(request: HttpRequest) -> JsonResponse:
    """Django's answer to a defect; it tells the client nothing about it."""
    return error_response(ApiError("Something went wrong on our side."))
