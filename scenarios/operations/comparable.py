"""Yields what compares datasets of any size: products, pages and shelves whose answers are alike. It asks nothing.

As a shop grows, some of its pages grow too: the best known product gets ever more reviews. Whoever wants to know what
more rows cost has to ask for the same amount in every size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fixtures.population.shop import Shop
from fixtures.sizes import Size

Ints = NDArray[np.int64]

PAGE: Final = 20
PAGES: Final = 25
"""How many pages the smallest dataset has: further pages would cost their OFFSET too."""

REVIEWS: Final = 12
"""Reviews of a product that is well known, of which its page shows most, and that there is in the smallest shop too."""

TAGS: Final = 3
LEVEL: Final = 2
"""How deep in the tree its category is: most are."""

SHOWN: Final = 22
"""Reviews that a page shows of twenty products, three of each at most."""

READ: Final = 36
"""Reviews that those products have together."""

SHARE: Final = 0.05
"""The part of all products that a shelf holds; of 500 that is a page and a little more."""

WEIGHTS: Final = {"shown": 1.0, "tags": 0.3, "read": 0.1, "skipped": 0.005, "shelf": 100.0}
"""What one review more on a page weighs, one tag, one review that is read, one row before the page, and e times as much
on the shelf: about in proportion to the time that they take."""

LISTED: Final = 3
CANDIDATES: Final = 12
"""Shelves nearest to the share, of which the one is taken whose page is most like those of other sizes."""

ORDERINGS: Final = ("newest", "price", "-price")


def products_alike(size: Size, *, seed: int, count: int) -> list[int]:
    """The ids of products with as many reviews, tags and categories above them as those of any other size."""
    return _goods(size, seed).products_alike()[:count].tolist()


def pages_alike(size: Size, *, seed: int, count: int) -> list[int]:
    """The numbers of pages of all products, newest first, with as much on them as those of any other size."""
    return _goods(size, seed).pages_alike()[:count]


def shelves_alike(size: Size, *, seed: int, count: int) -> list[tuple[int, str]]:
    """(category, ordering) of shelves that hold the same part of all products, and have as much on their first page."""
    return [shelf for _, shelf in zip(range(count), _goods(size, seed).shelves_alike(), strict=False)]


@lru_cache(maxsize=1)
def _goods(size: Size, seed: int) -> "_Goods":
    """The last one is kept: three operations ask for the same."""
    return _Goods(shop=Shop(size=size, seed=seed))


@dataclass(frozen=True)
class _Goods:
    """What a dataset's products show; arrays have an entry a product, in the order of ids."""

    shop: Shop

    @cached_property
    def reviews(self) -> Ints:
        """How many reviews each product has."""
        found = np.empty(self.shop.size.products, dtype=np.int64)
        found[self.shop.by_popularity - 1] = np.diff(self.shop.review_slots)
        return found

    @cached_property
    def tags(self) -> Ints:
        """How many tags each product has."""
        return np.diff(self.shop.tag_slots)

    @cached_property
    def below(self) -> Ints:
        """How many products each category has, those below it included, in the order of ids."""
        found = np.bincount(self.shop.product_categories - 1, minlength=self.shop.size.categories)
        # Parents have smaller ids than their children.
        for category in range(len(found) - 1, -1, -1):
            if parent := self.shop.category_parents[category]:
                found[parent - 1] += found[category]
        return found

    def products_alike(self) -> Ints:
        levels = self.shop.category_levels[self.shop.product_categories - 1]
        unlike = 3 * abs(np.log((self.reviews + 1) / (REVIEWS + 1)))
        unlike += (abs(self.tags - TAGS) + abs(levels - LEVEL)) / 3
        return np.argsort(unlike, kind="stable") + 1

    def pages_alike(self) -> list[int]:
        newest = np.arange(self.shop.size.products - 1, -1, -1)

        def unlike(page: int) -> float:
            before = (page - 1) * PAGE
            return self._unlike(newest[before : before + PAGE]) + WEIGHTS["skipped"] * before

        return sorted(range(1, min(PAGES, len(newest) // PAGE) + 1), key=unlike)

    def shelves_alike(self) -> Iterator[tuple[int, str]]:
        """By ordering in turn; no category comes twice with one ordering."""
        known: set[tuple[int, str]] = set()
        distance = abs(np.log(np.maximum(self.below, 0.5) / (SHARE * self.shop.size.products)))
        nearest = np.argsort(distance, kind="stable").tolist()
        while len(known) < len(nearest):
            ordering = ORDERINGS[len(known) % len(ORDERINGS)]
            free = [category for category in nearest if (category + 1, ordering) not in known][:CANDIDATES]
            best = min(
                free,
                key=lambda category: (
                    WEIGHTS["shelf"] * distance[category] + self._unlike(self._shelf(category, ordering)[:PAGE])
                ),
            )
            known.add((best + 1, ordering))
            yield best + 1, ordering

    def _shelf(self, category: int, ordering: str) -> Ints:
        """Indices of the products of a category (from 0) and all below it, in an order."""
        inside = np.zeros(self.shop.size.categories, dtype=bool)
        inside[category] = True
        for child in range(category + 1, len(inside)):
            parent = self.shop.category_parents[child]
            inside[child] = bool(parent) and inside[parent - 1]
        found = np.flatnonzero(inside[self.shop.product_categories - 1])
        if ordering == "newest":
            return found[::-1]
        cents = self.shop.product_cents[found]
        dearest_last: Ints = found[np.lexsort((found, cents))]
        return dearest_last if ordering == "price" else dearest_last[::-1]

    def _unlike(self, page: Ints) -> float:
        """How far a page's products are from what a page shows elsewhere."""
        reviews, tags = self.reviews[page], self.tags[page]
        shown = np.minimum(reviews, LISTED).sum()
        return float(
            WEIGHTS["shown"] * abs(shown - SHOWN)
            + WEIGHTS["tags"] * abs(tags.sum() - TAGS * PAGE)
            + WEIGHTS["read"] * abs(reviews.sum() - READ)
        )
