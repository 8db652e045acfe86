"""Yields `BROWSING`, what a customer does in one visit: list, search, detail; and `FIRST_PAGE`. It sends nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from fixtures.sizes import Size
from scenarios.operations.catalog import PRODUCT_DETAIL, PRODUCT_LIST, PRODUCT_SEARCH, ListParameters
from scenarios.operations.operation import Operation
from scenarios.operations.popularity import USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Operations that one customer does in this order; each draws its parameters, by Zipf's law, on its own."""

    name: str
    steps: tuple[Operation, ...]
    exponent: float = USUAL

    def session(self, random: Random, size: Size) -> Iterator[tuple[Operation, Any]]:
        """One visit: every step with the parameters that `random` draws for it."""
        return ((step, step.sample(random, size, exponent=self.exponent)) for step in self.steps)


BROWSING: Final = Walk(name="browsing", steps=(PRODUCT_LIST, PRODUCT_SEARCH, PRODUCT_DETAIL))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """One operation with the same parameters, visit after visit."""

    name: str
    operation: Operation
    parameters: Any

    def session(self, random: Random, size: Size) -> Iterator[tuple[Operation, Any]]:
        """One visit; `random` has no part in it."""
        yield self.operation, self.parameters


FIRST_PAGE: Final = Reload(name="first_page", operation=PRODUCT_LIST, parameters=ListParameters(page=1))
