"""Yields what every request of either face goes through first: how large, how often, and who asks."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from targets.accounts import selectors
from targets.accounts.sessions import session_actor
from targets.accounts.tokens import read_access
from targets.web.actor import ANONYMOUS, Actor, actor_of
from targets.web.current import current_variant
from targets.web.errors import ApiError, TooLargeError, UnauthenticatedError, error_response, expected
from targets.web.lab_mode import in_lab_mode
from targets.web.limits import address_of, count
from targets.web.rate import Rate

View = Callable[..., HttpResponseBase]


def entrance(
    *, refuse: Callable[[ApiError], HttpResponseBase] = error_response, is_write: Callable[[HttpRequest], bool]
) -> Callable[[View], View]:
    """Set `request.actor` before a view is asked, or refuse.

    It stands before the cache of whole answers: a token that counts no more gets none of those either.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                _check_size(request)
                actor = _counted_actor(request)
                request.actor = confirmed(actor) if is_write(request) else checked(actor)  # type: ignore[attr-defined]
            except Exception as error:
                told = expected(error)
                if told is None:
                    raise
                return refuse(told)
            response = view(request, *args, **kwargs)
            if is_write(request):
                response.headers["Cache-Control"] = "no-store"
            elif actor is not ANONYMOUS:
                response.headers.setdefault("Cache-Control", "private")
            return response

        return answer

    return decorate


def confirm_actor(request: HttpRequest) -> None:
    """Ask the database, before something is changed, whether the request's token still counts."""
    request.actor = confirmed(actor_of(request))  # type: ignore[attr-defined]


def confirmed(actor: Actor) -> Actor:
    """The actor with the role that the user has now. Raises UnauthenticatedError for a token that counts no more."""
    if not actor.is_known:
        return actor
    found = selectors.current_actor(actor)
    selectors.refuse_blacklisted(actor)
    return found


def checked(actor: Actor) -> Actor:
    """The actor of a read, checked as far as the variant says: by default a token is believed while it lives."""
    level = current_variant().token_check
    if not actor.is_known or level == "stateless":
        return actor
    return confirmed(actor) if level == "blacklist" else selectors.current_actor(actor)


def _counted_actor(request: HttpRequest) -> Actor:
    """Who asks; and one more request counted, of the user, or of the address where nobody known asks."""
    address = address_of(request)
    try:
        actor = _actor(request)
    except UnauthenticatedError:
        _count(request, settings.RATE_ADDRESS, "address", address)
        raise
    if actor.is_known:
        _count(request, settings.RATE_USER, "user", str(actor.id))
    else:
        _count(request, settings.RATE_ADDRESS, "address", address)
    return actor


def _count(request: HttpRequest, rate: Rate, *who: str) -> None:
    # The lab sends more than any client may: that is what it is for.
    if not in_lab_mode(request):
        count(rate, *who)


def _actor(request: HttpRequest) -> Actor:
    """Who the request says that asks. Credentials that are there must count, wherever they are sent."""
    header = request.META.get("HTTP_AUTHORIZATION")
    if header is None:
        # A cookie authenticates nobody but in the lab, which compares what tokens cost with what sessions do.
        return session_actor(request) if request.COOKIES and in_lab_mode(request) else ANONYMOUS
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise UnauthenticatedError
    return read_access(token)


def _check_size(request: HttpRequest) -> None:
    """By the length that is announced: nobody reads more than that, and nothing of what is too long."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if length > limit:
        raise TooLargeError(limit=limit)
