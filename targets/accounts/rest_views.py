"""Yields `GuardedViewSet`, what every REST view is: behind the entrance, with a permission for each of its actions."""

from typing import Any, ClassVar

from django.http import HttpRequest
from rest_framework.viewsets import ViewSet

from targets.accounts.entrance import entrance
from targets.accounts.permissions import Anyone, Nobody, Permission

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class GuardedViewSet(ViewSet):
    """`permissions` name a class for each action; what is not named is for nobody."""

    lookup_value_regex = "[^/]+"
    permissions: ClassVar[dict[str, type[Permission]]] = {}

    @classmethod
    def as_view(cls, actions: Any = None, **initkwargs: Any) -> Any:
        # Around the whole view: also before what decorates `dispatch`, as the cache of answers does.
        return entrance(is_write=_is_write)(cls.unguarded(actions, **initkwargs))

    @classmethod
    def unguarded(cls, actions: Any = None, **initkwargs: Any) -> Any:
        """The view alone, for who stands before it themselves."""
        return super().as_view(actions, **initkwargs)

    def get_permissions(self) -> list[Any]:
        # Without an action the method is not allowed, whoever asks.
        return [self.permissions.get(self.action, Nobody)() if self.action else Anyone()]


def _is_write(request: HttpRequest) -> bool:
    return request.method not in _READS
