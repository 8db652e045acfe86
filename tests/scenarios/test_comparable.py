"""Keys that compare datasets ask for as much at every size, whatever else a shop has grown by."""

import numpy as np
import pytest

from fixtures.population.shop import Shop
from fixtures.sizes import SIZES
from scenarios.operations.catalog import PRODUCT_DETAIL, PRODUCT_LIST, PRODUCT_SEARCH
from scenarios.operations.comparable import ORDERINGS, PAGES, pages_alike, products_alike, shelves_alike

NAMES = ["small", "x4", "x20", "medium"]


def reviews_of(shop: Shop) -> np.ndarray:
    """How many reviews each product has, counted from the reviews themselves."""
    _, counts = shop.review_sums
    return counts


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_products_have_as_many_reviews(name: str, seed: int) -> None:
    """Well known, and not the few that grow with the shop: twelve reviews and three tags, give or take."""
    shop = Shop(size=SIZES[name], seed=seed)
    chosen = np.array(products_alike(SIZES[name], seed=seed, count=3))
    assert len(set(chosen.tolist())) == 3
    assert np.all(abs(reviews_of(shop)[chosen - 1] - 12) <= 5)
    assert np.all(abs(np.diff(shop.tag_slots)[chosen - 1] - 3) <= 2)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_pages_hold_as_many_reviews(name: str, seed: int) -> None:
    """Among the first 25 pages, whose OFFSET every size has: some 22 reviews are shown of 20 products."""
    counts, total = reviews_of(Shop(size=SIZES[name], seed=seed)), SIZES[name].products
    pages = pages_alike(SIZES[name], seed=seed, count=3)
    assert len(set(pages)) == 3
    for page in pages:
        assert 1 <= page <= PAGES
        newest = np.arange(total - 20 * page, total - 20 * (page - 1))
        assert 18 <= np.minimum(counts[newest], 3).sum() <= 26
        assert counts[newest].sum() <= 60


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_shelves_hold_the_same_part_of_all_products(name: str, seed: int) -> None:
    """A twentieth, within a tenth of it, so that what reads a shelf reads as much more as the shop has grown."""
    shop = Shop(size=SIZES[name], seed=seed)
    shelves = shelves_alike(SIZES[name], seed=seed, count=3)
    assert [ordering for _, ordering in shelves] == list(ORDERINGS)
    for category, _ in shelves:
        inside = {category}
        for child in range(1, SIZES[name].categories + 1):
            if shop.category_parents[child - 1] in inside:
                inside.add(child)
        share = np.isin(shop.product_categories, list(inside)).mean()
        assert 0.045 <= share <= 0.055


@pytest.mark.parametrize("operation", [PRODUCT_LIST, PRODUCT_SEARCH, PRODUCT_DETAIL], ids=lambda each: each.name)
def test_operations_give_them_in_one_order(operation) -> None:
    """Fewer keys are the first ones of more, and the same each time; all of them differ."""
    size = SIZES["small"]
    assert operation.comparable is not None
    three = list(operation.comparable(size, 1, 3))
    assert three == list(operation.comparable(size, 1, 3))
    assert three[:2] == list(operation.comparable(size, 1, 2))
    assert len(set(three)) == 3
