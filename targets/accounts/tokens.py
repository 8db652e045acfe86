"""Yields the two kinds of token: what is in them, how they are signed, and what makes one count.

They are simplejwt's, signed by the first of JWT_KEYS and read by any of them. It reads no database: what makes a
sound token count no more is `selectors`' and `services`' business.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from hashlib import sha256
from typing import Any, Final, cast
from uuid import uuid4

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import Token

from targets.accounts.models import User
from targets.web.actor import Actor
from targets.web.errors import UnauthenticatedError
from targets.web.parameters import read_id

MAX_LENGTH: Final = 4_096
"""In characters; a token of ours has some 400."""

_ID: Final = re.compile(r"[0-9a-f]{32}")
_CLAIMS: Final = ["exp", "iat", "nbf", "jti", "sub", "aud", "iss", "token_type", "family", "role", "generation"]


class RotatingBackend(TokenBackend):
    """Signs with the first key and verifies with any; the algorithm is ours, whatever a token's header says."""

    def __init__(self, keys: list[str]) -> None:
        super().__init__(
            api_settings.ALGORITHM, signing_key=keys[0],
            audience=api_settings.AUDIENCE, issuer=api_settings.ISSUER, leeway=0,
        )  # fmt: skip
        self._keys = keys

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - simplejwt calls it so
        """The claims of a sound token. Raises TokenBackendError."""
        for key in self._keys:
            try:
                return jwt.decode(
                    token, key, algorithms=[self.algorithm], audience=self.audience, issuer=self.issuer,
                    options={"require": _CLAIMS, "strict_aud": True},
                )  # fmt: skip
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidTokenError as error:
                raise TokenBackendError("the token does not count") from error
        raise TokenBackendError("no key of ours has signed the token")


@cache
def backend() -> RotatingBackend:
    """The one backend of this process."""
    return RotatingBackend([_derived(key) for key in settings.JWT_KEYS])


def _derived(key: str) -> str:
    """A key for tokens alone, as long as the hash that signs: what signs other things too must not sign these."""
    return sha256(b"windtunnel.accounts.tokens" + key.encode()).hexdigest()


class _OurToken(Token):
    @property
    def token_backend(self) -> TokenBackend:
        return backend()


class AccessToken(_OurToken):
    """Says for a few minutes who asks."""

    token_type = "access"  # noqa: S105 - the claim's value, as simplejwt has it
    lifetime = api_settings.ACCESS_TOKEN_LIFETIME


class RefreshToken(_OurToken):
    """Is exchanged, once, for a new pair."""

    token_type = "refresh"  # noqa: S105 - as above
    lifetime = api_settings.REFRESH_TOKEN_LIFETIME


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """What a login or a refresh gives: both tokens as text, and the seconds that the access token counts."""

    access: str
    refresh: str
    expires_in: int


def pair_for(user: User, *, family: str = "", lifetime: timedelta = AccessToken.lifetime) -> TokenPair:
    """A new pair for a user, of a new login where no `family` is named; `lifetime` is that of the access token."""
    family = family or uuid4().hex
    refresh = _token(RefreshToken, user=user, family=family, lifetime=RefreshToken.lifetime)
    access = _token(AccessToken, user=user, family=family, lifetime=lifetime)
    # Whoever exchanges the one has done with the other.
    access["pair"] = refresh["jti"]
    return TokenPair(access=str(access), refresh=str(refresh), expires_in=int(lifetime.total_seconds()))


def read_access(text: str) -> Actor:
    """Who an access token says that asks. Raises UnauthenticatedError."""
    token = _read(AccessToken, text)
    return Actor(
        id=int(token["sub"]), role=token["role"], family=token["family"], pair=token["pair"],
        generation=token["generation"],
    )  # fmt: skip


def read_refresh(text: str) -> RefreshToken:
    """A sound refresh token, used or not. Raises UnauthenticatedError."""
    return cast(RefreshToken, _read(RefreshToken, text))


def _token(kind: type[Token], *, user: User, family: str, lifetime: timedelta) -> Token:
    token = kind.for_user(user)
    token.set_exp(lifetime=lifetime)
    token["nbf"] = token["iat"]
    token["family"] = family
    token["role"] = user.role
    token["generation"] = user.token_generation
    return token


def _read(kind: type[Token], text: str) -> Token:
    if len(text) > MAX_LENGTH:
        raise UnauthenticatedError
    try:
        token = kind(text)  # type: ignore[arg-type]
    except TokenError:
        # One sentence for all of them: which check failed helps nobody but those who try.
        raise UnauthenticatedError from None
    if not _is_ours(token):
        raise UnauthenticatedError
    return token


def _is_ours(token: Token) -> bool:
    """Whether the claims are of the kind that ours are: a key may be in other hands as well."""
    ids = ("jti", "family", "pair") if isinstance(token, AccessToken) else ("jti", "family")
    return (
        isinstance(token["generation"], int)
        and read_id(token["sub"]) > 0
        and token["role"] in User.Role.values
        and all(_is_id(token.get(name)) for name in ids)
    )


def _is_id(claim: object) -> bool:
    return isinstance(claim, str) and _ID.fullmatch(claim) is not None
