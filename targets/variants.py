"""Yields `Variant`, a full setting of the optimisation knobs, and the knobs with their levels.

It imports no Django, so that an experiment can name variants without booting the project.
"""

from dataclasses import dataclass, replace
from typing import Final

KNOBS: Final[dict[str, tuple[str, ...]]] = {
    "select_related": ("off", "on"),
    "prefetch_related": ("off", "on"),
    "indexes": ("off", "on"),
    "cache": ("off", "query", "view", "both"),
    "token_check": ("blacklist", "user", "stateless"),
    "fanout": ("sync", "threads", "async"),
    "resolving": ("rows", "dataloader", "lookahead"),
    "refill": ("all", "one"),
    "serializer": ("drf", "values", "database"),
}
"""Each knob with its levels, the unoptimised one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A level for every knob; the default is the well-built API without a cache.

    `token_check` is what a read asks the database about an access token: nothing, its user, or the blacklist too.
    A write asks all of it, whatever the level. `fanout` is how several services are asked: in turn, by threads, or all
    at once in an event loop, which needs an ASGI server. `resolving` is how GraphQL gets what did not come along: row
    by row, or in batches for all rows of a level; or it looks ahead, and no more comes along than a document selects.
    `refill` is who computes what the cache lacks: all who ask for it, or one of them, while the others wait for its
    answer.
    `serializer` is how REST writes what it reads of the catalog: by REST framework from models, by orjson from plain
    rows, or by PostgreSQL itself. With the last two `select_related`, `prefetch_related` and the cache level `query`
    have nothing to do there.

    Raises ValueError when a level is not one of its knob's.
    """

    select_related: str = "on"
    prefetch_related: str = "on"
    indexes: str = "on"
    cache: str = "off"
    token_check: str = "stateless"  # noqa: S105 - a level
    fanout: str = "threads"
    resolving: str = "rows"
    refill: str = "one"
    serializer: str = "drf"

    def __post_init__(self) -> None:
        for knob, levels in KNOBS.items():
            level = getattr(self, knob)
            if level not in levels:
                raise ValueError(f"knob {knob!r} has no level {level!r}; it has {', '.join(levels)}")

    def __str__(self) -> str:
        return "; ".join(f"{knob}={getattr(self, knob)}" for knob in KNOBS)

    def with_levels(self, text: str) -> "Variant":
        """This variant with the levels that `text` names, as in `cache=off; indexes=on`.

        Raises ValueError for a part without `=`, an unknown knob, an unknown level or a knob named twice.
        """
        levels: dict[str, str] = {}
        for part in filter(None, (part.strip() for part in text.split(";"))):
            knob, equals, level = (piece.strip() for piece in part.partition("="))
            if not equals:
                raise ValueError(f"{part!r} is not of the form knob=level")
            if knob not in KNOBS:
                raise ValueError(f"unknown knob {knob!r}; the knobs are {', '.join(KNOBS)}")
            if knob in levels:
                raise ValueError(f"knob {knob!r} is named twice")
            levels[knob] = level
        return replace(self, **levels)
