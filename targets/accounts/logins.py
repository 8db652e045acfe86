"""Yields logins: a pair of tokens for a password, a new pair for a refresh token, and the end of it.

A refresh token is used by adding it to the blacklist, which only one of many can do. A used one that comes again
soon is a client's second try, which is refused and harms nobody; one that comes later is in two hands, and ends the
whole login.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, router, transaction
from django.utils import timezone

from targets.accounts import selectors
from targets.accounts.inputs import Credentials
from targets.accounts.models import BlacklistedToken, User
from targets.accounts.tokens import RefreshToken, TokenPair, pair_for, read_refresh
from targets.web.actor import Actor
from targets.web.errors import UnauthenticatedError
from targets.web.limits import count, discount

GRACE: Final = timedelta(seconds=10)

_WRONG: Final = "E-mail address or password is wrong."


def token_obtain(credentials: Credentials, *, address: str) -> TokenPair:
    """A pair of a new login. Raises UnauthenticatedError, which does not tell whether there is such a user."""
    count(settings.RATE_LOGIN_ADDRESS, "login from", address)
    counter = ("login to", credentials.email.lower())
    # Counted before it is tried: of many at once no more than the limit are.
    count(settings.RATE_LOGIN, *counter)
    user = selectors.user_by_email(credentials.email)
    if user is None:
        # As much work as for a user, so that the time does not tell either.
        make_password(credentials.password)
        raise UnauthenticatedError(_WRONG)
    if not user.check_password(credentials.password) or not user.is_active:
        raise UnauthenticatedError(_WRONG)
    discount(settings.RATE_LOGIN, *counter)
    return pair_for(user)


def token_refresh(text: str) -> TokenPair:
    """A new pair of the same login. Raises UnauthenticatedError."""
    token, user = _unused(text)
    family = token["family"]
    try:
        with transaction.atomic(using=router.db_for_write(BlacklistedToken)):
            _row(token["jti"], token=token, user=user, reason=BlacklistedToken.Reason.ROTATED).save(force_insert=True)
    except IntegrityError:
        # Another was first, this very moment.
        raise UnauthenticatedError from None
    return pair_for(user, family=family)


def token_revoke(text: str) -> None:
    """End the login that a refresh token belongs to. Raises UnauthenticatedError."""
    token, user = _unused(text)
    _end(token, user=user, reason=BlacklistedToken.Reason.LOGGED_OUT)


def forget_expired() -> int:
    """Remove the rows of the blacklist whose tokens would have expired; how many they were."""
    removed, _ = BlacklistedToken.objects.filter(expires_at__lt=timezone.now()).delete()
    return removed


def _unused(text: str) -> tuple[RefreshToken, User]:
    """A refresh token that still counts, and its user. Raises UnauthenticatedError, and ends a login in two hands."""
    token = read_refresh(text)
    family = token["family"]
    user = selectors.current_user(Actor(id=int(token["sub"]), generation=token["generation"]))
    found = selectors.blacklisted([family, token["jti"]])
    used = found.get(token["jti"])
    if used is not None and family not in found and timezone.now() - used.blacklisted_at > GRACE:
        _end(token, user=user, reason=BlacklistedToken.Reason.REUSED)
    if found:
        raise UnauthenticatedError
    return token, user


def _end(token: RefreshToken, *, user: User, reason: str) -> None:
    """Let no token of a login count from now on."""
    row = _row(token["family"], token=token, user=user, reason=reason)
    BlacklistedToken.objects.bulk_create([row], ignore_conflicts=True)


def _row(key: str, *, token: RefreshToken, user: User, reason: str) -> BlacklistedToken:
    # Until the token itself expires, and one that was made of it this very moment; lifetimes are a setting.
    ends = max(datetime.fromtimestamp(token["exp"], tz=UTC), timezone.now() + RefreshToken.lifetime)
    return BlacklistedToken(key=UUID(key), user=user, reason=reason, expires_at=ends + timedelta(minutes=1))
