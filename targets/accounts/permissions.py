"""Yields who may ask for what, by role: one class for both faces. What depends on an object, services decide."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, Final

from graphql import GraphQLResolveInfo
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from targets.accounts.models import BUYS, RUNS_THE_SHOP, SELLS, User
from targets.web.actor import Actor, actor_of
from targets.web.errors import ForbiddenError, UnauthenticatedError

_EVERY_ROLE: Final = frozenset(User.Role.values)


class Permission(BasePermission):
    """Lets through the actors of some roles; nobody, where a subclass names none."""

    roles: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def check(cls, actor: Actor) -> None:
        """Raise UnauthenticatedError or ForbiddenError, unless the actor may."""
        if actor.role in cls.roles:
            return
        raise ForbiddenError if actor.is_known else UnauthenticatedError

    def has_permission(self, request: Request, view: Any) -> bool:
        self.check(actor_of(request))
        return True


class Nobody(Permission):
    """What an action has that names no permission."""


class Anyone(Permission):
    """Users of every role, and who is not known."""

    roles = _EVERY_ROLE | {"anonymous"}


class Known(Permission):
    """Users of every role."""

    roles = _EVERY_ROLE


class Customer(Permission):
    """Those who buy."""

    roles = BUYS


class Merchant(Permission):
    """Those who sell, and the shop's admins."""

    roles = SELLS


class RunsTheShop(Permission):
    """Staff and admins."""

    roles = RUNS_THE_SHOP


def permit(permission: type[Permission]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a resolver answer those that the permission lets through."""

    def decorate(resolve: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(resolve)
        def resolver(root: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
            permission.check(actor_of(info.context))
            return resolve(root, info, **arguments)

        resolver.permission = permission  # type: ignore[attr-defined]
        return resolver

    return decorate
