"""Yields what the equivalence proof asks, and where an answer differs from the reference."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from fixtures.sizes import SIZES
from scenarios.operations.catalog import (
    PRODUCT_DETAIL,
    PRODUCT_LIST,
    PRODUCT_SEARCH,
    DetailParameters,
    ListParameters,
    SearchParameters,
)
from scenarios.operations.operation import Operation
from targets.variants import Variant
from tests.equivalence.reference import Reference
from tests.targets.subject import TargetClient

FACES = ("rest", "graphql")
LEVELS = ("off", "on")
VARIANTS = tuple(
    Variant(select_related=joined, prefetch_related=prefetched, indexes=indexes, cache=cache)
    for joined, prefetched, indexes, cache in itertools.product(LEVELS, LEVELS, LEVELS, ("off", "both"))
)
OTHER_CACHES = tuple(
    Variant(select_related=joined, prefetch_related=prefetched, cache=cache)
    for joined, prefetched, cache in itertools.product(LEVELS, LEVELS, ("query", "view"))
)
OTHER_WAYS = tuple(
    Variant(select_related=joined, prefetch_related=prefetched, resolving=resolving, cache=cache)
    for joined, prefetched, resolving, cache in itertools.product(
        LEVELS, LEVELS, ("dataloader", "lookahead"), ("off", "query")
    )
)
SERIALIZERS = tuple(
    Variant(serializer=level, indexes=indexes, cache=cache)
    for level, indexes, cache in itertools.product(("values", "database"), LEVELS, ("off", "both"))
)

_EDGES: tuple[tuple[Operation, Any], ...] = (
    *(
        (PRODUCT_LIST, parameters)
        for parameters in (
            ListParameters(),
            ListParameters(page=25, size=20),
            ListParameters(page=26, size=20),
            ListParameters(page=500, size=1),
            ListParameters(page=167, size=3),
            ListParameters(page=100_000, size=100),
            ListParameters(page=0),
            ListParameters(page=-1, size=0),
            ListParameters(size=101),
            ListParameters(page=100_001, size=100),
            ListParameters(page=10**12, size=10**30),
        )
    ),
    *(
        (PRODUCT_SEARCH, parameters)
        for parameters in (
            SearchParameters(),
            SearchParameters(ordering="-rating", page=25, size=20),
            SearchParameters(category=1, ordering="-rating", size=7),
            SearchParameters(category=2**63 - 1),
            SearchParameters(min_price="99999999.99"),
            SearchParameters(min_price="20", max_price="20.5", ordering="price", size=5),
            SearchParameters(min_price="abc", max_price="1.234", min_rating="5.01"),
            SearchParameters(min_price="-1", max_price="1e3", min_rating="NaN"),
            SearchParameters(min_price="\x00", ordering="price\x00"),
            SearchParameters(min_price="2", max_price="1.99"),
            SearchParameters(category=0, ordering="name", page=0, size=101),
            SearchParameters(category=2**63, min_rating="٣"),
        )
    ),
    *((PRODUCT_DETAIL, DetailParameters(id=key)) for key in (1, 500, 501, 0, -1, 2**31, 2**63 - 1, 2**63, 10**30)),
)


def questions(*, seed: int, sampled: int) -> tuple[tuple[Operation, Any], ...]:
    """The edge cases, and `sampled` parameters of each operation."""
    rng = Random(seed)
    drawn = (
        (operation, operation.sample(rng, SIZES["small"]))
        for operation in (PRODUCT_LIST, PRODUCT_SEARCH, PRODUCT_DETAIL)
        for _ in range(sampled)
    )
    return (*_EDGES, *drawn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An answer that is not the reference's, or that the reader refuses."""

    operation: str
    parameters: Any
    face: str
    variant: str
    found: Any


def differences(
    client: TargetClient,
    reference: Reference,
    *,
    asked: Iterable[tuple[Operation, Any]],
    variants: Iterable[Variant] = VARIANTS,
) -> Iterator[Difference]:
    """Ask each question in each variant of each face, where a cache is on twice, and compare with the reference."""
    right = [(operation, parameters, reference.answer(parameters)) for operation, parameters in asked]
    for variant, face in itertools.product(variants, FACES):
        for operation, parameters, expected in right:
            for _ in range(1 if variant.cache == "off" else 2):
                status, body = client(operation.request(face, parameters), variant=variant)
                try:
                    found = operation.read(face, status, body)
                except ValueError as error:
                    found = error
                if found != expected:
                    yield Difference(
                        operation=operation.name, parameters=parameters, face=face, variant=str(variant), found=found
                    )
