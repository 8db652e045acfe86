"""Yields `Actor`, who asks, as far as the credentials of a request tell. It authenticates nobody."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A user's id and role, and of which login, which of its pairs and which generation of logins the credentials are.

    Somebody unknown has 0, which is nobody's id.
    """

    id: int = 0
    role: str = "anonymous"
    family: str = ""
    pair: str = ""
    generation: int = 0

    @property
    def is_known(self) -> bool:
        """Whether credentials said who asks."""
        return self.id > 0


ANONYMOUS: Final = Actor()


def actor_of(request: object) -> Actor:
    """Who asks by a request, Django's or REST framework's: nobody known, unless `entrance` said otherwise."""
    actor: Actor = getattr(request, "actor", ANONYMOUS)
    return actor
