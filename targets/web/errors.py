"""Yields the errors that a client may see, and their one shape in REST: `{"error": {code, message, fields}}`.

What the project did not foresee is told as what it means to a client, or else not at all.
"""

from collections.abc import Mapping
from math import ceil
from typing import Any

import psycopg2
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from psycopg2.errors import QueryCanceled
from rest_framework import exceptions
from rest_framework.response import Response


class ApiError(Exception):
    """An answer that says no. `fields` tells for each parameter at fault what is wrong with it."""

    code = "internal"
    status = 500
    retry_after = 0.0
    """Seconds after which it may be asked again; 0 where waiting does not help."""

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


class MalformedError(ApiError):
    """A body that is not what this address reads."""

    code = "malformed"
    status = 400


class NotFoundError(ApiError):
    """Something that does not exist."""

    code = "not_found"
    status = 404

    def __init__(self, message: str = "There is no such thing here.") -> None:
        super().__init__(message)


class UnauthenticatedError(ApiError):
    """Nobody known asks: credentials are missing, or are none that count."""

    code = "unauthenticated"
    status = 401

    def __init__(self, message: str = "This needs a valid access token.") -> None:
        super().__init__(message)


class ForbiddenError(ApiError):
    """Somebody asks for what they may not do."""

    code = "forbidden"
    status = 403

    def __init__(self, message: str = "You may not do this.") -> None:
        super().__init__(message)


class ConflictError(ApiError):
    """A write to something that was changed meanwhile."""

    code = "conflict"
    status = 409

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("It was changed meanwhile: read it again.", fields)


class SoldOutError(ApiError):
    """More wanted than there is."""

    code = "sold_out"
    status = 409

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("There is not as much as was asked for.", fields)


class TooLargeError(ApiError):
    """A body that nobody will read."""

    code = "too_large"
    status = 413

    def __init__(self, *, limit: int) -> None:
        super().__init__(f"The body must have at most {limit} bytes.")


class TooManyError(ApiError):
    """More requests than a client may send in a while."""

    code = "too_many"
    status = 429

    def __init__(self, *, retry_after: float) -> None:
        super().__init__("Too many requests. Try again later.")
        self.retry_after = retry_after


class TooSlowError(ApiError):
    """A question that the database would have to think about for too long."""

    code = "too_slow"
    status = 503

    def __init__(self) -> None:
        super().__init__("This takes too long to answer. Ask for less.")


class UnavailableError(ApiError):
    """Something that this needs is away for now."""

    code = "unavailable"
    status = 503
    retry_after = 1.0

    def __init__(self) -> None:
        super().__init__("This cannot be served just now. Try again.")


def expected(error: BaseException) -> ApiError | None:
    """What an exception means to a client; None for a defect, of which a client learns nothing."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, ValidationError):
        return InvalidError(_faults(error))
    if isinstance(error, OperationalError) and isinstance(error.__cause__, QueryCanceled):
        return TooSlowError()
    if isinstance(error, OperationalError | InterfaceError) and _is_away(error):
        return UnavailableError()
    if isinstance(error, PermissionDenied):
        return ForbiddenError()
    if isinstance(error, Http404):
        return NotFoundError()
    return None


def _is_away(error: OperationalError | InterfaceError) -> bool:
    """Whether the database was not there, or left: SQLSTATE classes 08 and 57P, or no state where none was reached."""
    cause = error.__cause__
    if not isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError):
        return False
    return cause.pgcode is None or cause.pgcode.startswith(("08", "57P"))


def _faults(error: ValidationError) -> dict[str, str]:
    """What a model or a validator refuses, by field; what concerns no field alone stands under `input`."""
    if not hasattr(error, "error_dict"):
        return {"input": " ".join(error.messages)}
    return {
        "input" if name == NON_FIELD_ERRORS else name: " ".join(faults)
        for name, faults in sorted(error.message_dict.items())
    }


def error_body(*, code: str, message: str, fields: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The body of a refusal, not yet encoded."""
    return {"error": {"code": code, "message": message, "fields": dict(fields or {})}}


def error_headers(error: ApiError) -> dict[str, str]:
    """The headers that go with a refusal: nobody keeps it, and some say what would help."""
    headers = {"Cache-Control": "no-store"}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after:
        headers["Retry-After"] = str(ceil(error.retry_after))
    return headers


def error_response(error: ApiError) -> JsonResponse:
    """The refusal as a response, for code that runs outside REST framework."""
    body = error_body(code=error.code, message=error.message, fields=error.fields)
    return JsonResponse(body, status=error.status, headers=error_headers(error))


def answer_exception(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST framework's exception handler; None for an unexpected error, which `internal_error` then answers."""
    if told := expected(error):
        body = error_body(code=told.code, message=told.message, fields=told.fields)
        return Response(body, status=told.status, headers=error_headers(told))
    if not isinstance(error, exceptions.APIException):
        return None
    body = error_body(code=error.default_code, message=str(error.detail))
    return Response(body, status=error.status_code, headers={"Cache-Control": "no-store"})


def bad_request(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Django's answer to a request that it cannot read."""
    return JsonResponse(error_body(code="invalid", message="The request cannot be read."), status=400)


def page_not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Django's answer to an address that leads nowhere."""
    return error_response(NotFoundError())


def internal_error(request: HttpRequest) -> JsonResponse:
    """Django's answer to a defect; it tells the client nothing about it."""
    return error_response(ApiError("Something went wrong on our side."))
