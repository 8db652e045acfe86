"""Yields what accounts write: users, their passwords and addresses. Logins are in `logins`."""

from typing import Any, Final

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, router, transaction

from targets.accounts import selectors
from targets.accounts.inputs import PasswordChange, Registration
from targets.accounts.models import RUNS_THE_SHOP, Address, User
from targets.accounts.tokens import TokenPair, pair_for
from targets.web.actor import Actor
from targets.web.cache_store import changed
from targets.web.errors import ForbiddenError, InvalidError, UnauthenticatedError
from targets.web.limits import count, discount

MAX_ADDRESSES: Final = 20


def user_register(registration: Registration, *, address: str) -> User:
    """A new customer. Raises InvalidError, also for an e-mail address that is taken, and TooManyError."""
    # Before anything is hashed, which is what costs.
    count(settings.RATE_REGISTER, "register from", address)
    user = User(email=User.objects.normalize_email(registration.email), name=registration.name)
    taken = InvalidError({"email": "is taken"})
    if selectors.user_by_email(user.email):
        raise taken
    user.full_clean(exclude={"password"}, validate_unique=False, validate_constraints=False)
    _check_password(registration.password, user=user, name="password")
    user.set_password(registration.password)
    try:
        with transaction.atomic(using=router.db_for_write(User)):
            user.save(force_insert=True)
            changed("accounts", using=router.db_for_write(User))
    except IntegrityError:
        # Somebody registered it between the look and the insert.
        raise taken from None
    return user


def user_update(*, actor: Actor, user_id: str, changes: dict[str, Any]) -> User:
    """The user with another name or role: the name is one's own or an admin's to change, the role an admin's only."""
    with transaction.atomic(using=router.db_for_write(User)):
        user = _locked_user(actor, user_id)
        is_admin = actor.role == User.Role.ADMIN
        if not is_admin and (user.pk != actor.id or "role" in changes):
            raise ForbiddenError
        if changes.get("role", user.role) != user.role:
            user.token_generation += 1
        for name, value in changes.items():
            setattr(user, name, value)
        user.full_clean(exclude={"password", "email", "token_generation"}, validate_unique=False)
        user.save(update_fields=["name", "role", "token_generation"])
        changed("accounts", using=router.db_for_write(User))
    return user


def user_deactivate(*, actor: Actor, user_id: str) -> User:
    """End a user's access: one's own, or as staff that of customers and merchants, or as admin anybody's."""
    with transaction.atomic(using=router.db_for_write(User)):
        user = _locked_user(actor, user_id)
        if user.pk != actor.id and actor.role != User.Role.ADMIN and user.role in RUNS_THE_SHOP:
            raise ForbiddenError
        user.is_active = False
        user.token_generation += 1
        user.save(update_fields=["is_active", "token_generation"])
        changed("accounts", using=router.db_for_write(User))
    return user


def password_change(*, actor: Actor, change: PasswordChange) -> TokenPair:
    """Another password, and a pair of a new login; all other logins have ended. Raises InvalidError.

    What fails counts, as attempts to log in do: a stolen access token must not be a way to guess.
    """
    user = selectors.current_user(actor)
    counter = ("password of", str(user.pk))
    count(settings.RATE_LOGIN, *counter)
    if not user.check_password(change.current):
        raise InvalidError({"current": "is not the password"})
    _check_password(change.new, user=user, name="new")
    with transaction.atomic(using=router.db_for_write(User)):
        # Of two at once only one finds the generation that it was checked against.
        locked = User.objects.select_for_update().filter(id=user.pk, token_generation=actor.generation).first()
        if locked is None:
            raise UnauthenticatedError
        locked.set_password(change.new)
        locked.token_generation += 1
        locked.save(update_fields=["password", "token_generation"])
        changed("accounts", using=router.db_for_write(User))
    discount(settings.RATE_LOGIN, *counter)
    return pair_for(locked)


def address_create(*, actor: Actor, fields: dict[str, str]) -> Address:
    """A new address of the actor. Raises InvalidError above MAX_ADDRESSES."""
    with transaction.atomic(using=router.db_for_write(Address)):
        # The user's row is the lock: of many at once, none slips in above the limit.
        if not User.objects.select_for_update().filter(id=actor.id).values_list("id").first():
            raise UnauthenticatedError
        if Address.objects.filter(user_id=actor.id).count() >= MAX_ADDRESSES:
            raise InvalidError({"input": f"There may be at most {MAX_ADDRESSES} addresses."})
        address = Address(user_id=actor.id, **fields)
        address.full_clean(exclude={"user"})
        address.save()
        changed("accounts", using=router.db_for_write(Address))
    return address


def address_update(*, actor: Actor, address_id: str, fields: dict[str, str]) -> Address:
    """The actor's own address with other parts. Raises NotFoundError, ForbiddenError."""
    with transaction.atomic(using=router.db_for_write(Address)):
        address = _own_address(actor, address_id)
        for name, value in fields.items():
            setattr(address, name, value)
        address.full_clean(exclude={"user"})
        address.save()
        changed("accounts", using=router.db_for_write(Address))
    return address


def address_delete(*, actor: Actor, address_id: str) -> None:
    """Remove the actor's own address. Raises NotFoundError, ForbiddenError, InvalidError where an order needs it."""
    try:
        with transaction.atomic(using=router.db_for_write(Address)):
            _own_address(actor, address_id).delete()
            changed("accounts", using=router.db_for_write(Address))
    except IntegrityError:
        # Also an order that is placed meanwhile: the database looks when the transaction ends.
        raise InvalidError({"id": "is the address of an order"}) from None


def _locked_user(actor: Actor, user_id: str) -> User:
    return selectors.user_detail(actor=actor, user_id=user_id, is_locked=True)


def _own_address(actor: Actor, address_id: str) -> Address:
    """The address, locked. Who runs the shop sees the addresses of others, and changes none of them."""
    address = selectors.address_detail(actor=actor, address_id=address_id, is_locked=True)
    if address.user_id != actor.id:
        raise ForbiddenError
    return address


def _check_password(password: str, *, user: User, name: str) -> None:
    """Raises InvalidError for a password that is too easy to guess."""
    try:
        validate_password(password, user=user)
    except ValidationError as error:
        raise InvalidError({name: " ".join(error.messages)}) from None
