"""Yields who asks by Django's session, as most sites do it: what tokens are compared with. It begins none."""

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from targets.accounts.models import User
from targets.web.actor import ANONYMOUS, Actor
from targets.web.errors import UnauthenticatedError


def session_actor(request: HttpRequest) -> Actor:
    """The user of the request's session; nobody known without one. Raises UnauthenticatedError for one that ended."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if key is None:
        return ANONYMOUS
    request.session = SessionStore(key)
    user = get_user(request)
    if not isinstance(user, User):
        raise UnauthenticatedError
    return Actor(id=user.pk, role=user.role, generation=user.token_generation)
