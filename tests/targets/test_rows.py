from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.db.models import Model
from hypothesis import given
from hypothesis import strategies as st

from targets.accounts.models import User
from targets.catalog.models import Brand, Category, Product, Review, Tag
from targets.web.rows import pack_rows, unpack_rows

text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30)
moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]))
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**10), max_value=10**10)


def state(row: Model) -> dict[str, object]:
    return {name: value for name, value in vars(row).items() if name != "_state"}


@given(price=decimals, rating=st.none() | decimals, created_at=moments, name=text, stock=st.integers(-(2**63), 2**63))
def test_values_come_back_as_they_went(price, rating, created_at, name, stock):
    """Decimals keep their places, moments their microsecond, text and large integers every digit."""
    product = Product(id=1, price=price, rating=rating, created_at=created_at, name=name, stock=stock)
    [back] = unpack_rows(pack_rows([product]), database="default")
    assert state(back) == state(product)
    assert str(back.price) == str(price)
    assert back.created_at.utcoffset() == timedelta(0)
    assert back._state.db == "default"
    assert back._state.adding is False


def test_relations_come_back_loaded():
    """Joined rows and prefetched lists are there without a statement; null stays null, deferred stays deferred."""
    author = User.from_db("default", ["id", "name"], [5, "Zoë"])
    product = Product(id=1, name="p", brand=Brand(id=2, name="b"), category=Category(id=3, name="c", parent=None))
    review = Review(id=4, product=product, author=author)
    vars(product).update(listed_reviews=[review], tags_in_order=[Tag(id=6, name="t"), Tag(id=7, name="u")])
    [back] = unpack_rows(pack_rows([product]), database="bare")
    assert (back.brand.name, back.category.name, back.category.parent) == ("b", "c", None)
    assert [tag.name for tag in back.tags_in_order] == ["t", "u"]
    [again] = back.listed_reviews
    assert (again.id, again.product_id, again.author.name) == (4, 1, "Zoë")
    assert again.author.get_deferred_fields() == author.get_deferred_fields() >= {"password", "email"}
    assert {row._state.db for row in (back, back.brand, again, again.author)} == {"bare"}


def test_empty_is_empty():
    """No rows come back as no rows, and an empty list as an empty list."""
    product = Product(id=1)
    vars(product).update(tags_in_order=[])
    assert unpack_rows(pack_rows([]), database="default") == []
    assert unpack_rows(pack_rows([product]), database="default")[0].tags_in_order == []


@pytest.mark.parametrize("value", [object(), {1, 2}, 1 + 2j, datetime(2026, 1, 1)])  # noqa: DTZ001 - the point
def test_a_value_that_cannot_be_told_exactly_is_refused(value):
    """Sets, complex numbers and naive times raise rather than change."""
    with pytest.raises((TypeError, ValueError)):
        pack_rows([Product(id=1, name=value)])


@pytest.mark.parametrize("value", ["text", 5, [1], {"a": 1}])
def test_an_attribute_that_is_no_relation_is_refused(value):
    """An annotation would be lost in silence: it raises."""
    product = Product(id=1)
    vars(product).update(annotation=value)
    with pytest.raises(TypeError):
        pack_rows([product])


def test_decimals_compare_by_text():
    """1.10 stays 1.10."""
    [back] = unpack_rows(pack_rows([Product(id=1, price=Decimal("1.10"))]), database="default")
    assert str(back.price) == "1.10"
