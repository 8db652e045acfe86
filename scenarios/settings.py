"""Yields what the environment of a locustfile asks for; a wrong setting ends the process in one line.

FACE is rest or graphql, DATASET the size that the API holds, EXPONENT how unequal popularity is (0 is uniform). SHAPE,
with SHAPE_USERS and SHAPE_SECONDS, takes the place of Locust's -u, -r and -t: steady, ramp, spike or ladder.
"""

import math
import os
import sys
from collections.abc import Collection
from typing import Final

from fixtures.sizes import SIZES
from lab.shapes import ProfileShape
from scenarios.operations.popularity import MOST, USUAL


def _choice(name: str, choices: Collection[str], *, default: str) -> str:
    """What the environment names, or the default."""
    given = os.environ.get(name) or default
    if given not in choices:
        sys.exit(f"{name} is {given[:40]!r}: choose one of {', '.join(choices)}")
    return given


def _exponent() -> float:
    """The exponent of popularity that the environment gives, or the usual one."""
    given = os.environ.get("EXPONENT") or str(USUAL)
    try:
        exponent = float(given)
    except ValueError:
        exponent = math.nan
    if not 0 <= exponent <= MOST:
        sys.exit(f"EXPONENT is {given[:40]!r}: give a number from 0 to {MOST:g}")
    return exponent


def _number(name: str, *, whole: bool) -> float:
    """A number above 0 that the environment has to give."""
    given = os.environ.get(name, "")
    try:
        number = int(given) if whole else float(given)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        sys.exit(f"{name} is {given[:40]!r}: SHAPE needs it, a{' whole' if whole else ''} number above 0")
    return number


def _shape() -> type[ProfileShape] | None:
    """The load shape that the environment asks for; without one, Locust's own options hold."""
    if not os.environ.get("SHAPE"):
        return None
    shape = _choice("SHAPE", ProfileShape.names, default="")
    users = int(_number("SHAPE_USERS", whole=True))
    return ProfileShape.of(shape, users=users, seconds=_number("SHAPE_SECONDS", whole=False))


FACE: Final = _choice("FACE", ("rest", "graphql"), default="rest")
SIZE: Final = SIZES[_choice("DATASET", SIZES, default="small")]
EXPONENT: Final = _exponent()
SHAPE: Final = _shape()
"""Locust runs the shape that it finds in a locustfile that imports this; it cannot find None."""
