"""Yields what is read of accounts: who somebody still is, users and addresses, each as the actor may see them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.db.models.functions import Lower

from targets.accounts.models import Address, BlacklistedToken, User
from targets.web.actor import Actor
from targets.web.errors import NotFoundError, UnauthenticatedError
from targets.web.pagination import Page, Window, page_of
from targets.web.parameters import read_id

M = TypeVar("M", bound=Model)


def current_user(actor: Actor) -> User:
    """The user that a token speaks of. Raises UnauthenticatedError, also when all tokens of that time count no more."""
    user = User.objects.filter(id=actor.id, is_active=True, token_generation=actor.generation).first()
    if user is None:
        raise UnauthenticatedError
    return user


def current_actor(actor: Actor) -> Actor:
    """The actor with the role that the user has now. Raises UnauthenticatedError."""
    users = User.objects.filter(id=actor.id, is_active=True, token_generation=actor.generation)
    role = users.values_list("role", flat=True).first()
    if role is None:
        raise UnauthenticatedError
    return replace(actor, role=role)


def blacklisted(keys: Iterable[str]) -> dict[str, BlacklistedToken]:
    """Those of the ids, of tokens and logins, that are on the blacklist."""
    return {row.key.hex: row for row in BlacklistedToken.objects.filter(key__in=[UUID(key) for key in keys])}


def refuse_blacklisted(actor: Actor) -> None:
    """Raise UnauthenticatedError when the actor's login has ended, or its pair of tokens was exchanged for another."""
    if blacklisted(filter(None, (actor.family, actor.pair))):
        raise UnauthenticatedError


def user_by_email(email: str) -> User | None:
    """The user who logs in with an e-mail address, however it is capitalised."""
    return User.objects.annotate(lower_email=Lower("email")).filter(lower_email=email.lower()).first()


def me(*, actor: Actor) -> User:
    """The user who asks. Raises UnauthenticatedError when there is none any more."""
    return current_user(actor)


def user_detail(*, actor: Actor, user_id: str, is_locked: bool = False) -> User:
    """A user whom the actor may see; locked, inside a transaction. Raises NotFoundError."""
    user = _maybe_locked(User.objects.visible_to(actor), is_locked=is_locked).filter(id=read_id(user_id)).first()
    if user is None:
        raise NotFoundError("There is no such user.")
    return user


def address_list(*, actor: Actor, window: Window) -> Page[Address]:
    """A page of the actor's own addresses."""
    rows = Address.objects.filter(user_id=actor.id).order_by("id")
    return page_of(list(rows[window.offset : window.offset + window.limit]), window=window)


def address_detail(*, actor: Actor, address_id: str, is_locked: bool = False) -> Address:
    """An address that the actor may see; locked, inside a transaction. Raises NotFoundError."""
    addresses = _maybe_locked(Address.objects.visible_to(actor), is_locked=is_locked)
    address = addresses.filter(id=read_id(address_id)).first()
    if address is None:
        raise NotFoundError("There is no such address.")
    return address


def _maybe_locked(rows: QuerySet[M], *, is_locked: bool) -> QuerySet[M]:
    return rows.select_for_update() if is_locked else rows
