"""What GraphQL reads follows from how it resolves: row by row, in batches, looking ahead. Its answers do not."""

import json
import re
from random import Random
from typing import Any

import pytest
from django.db import connections

from scenarios.operations.catalog import (
    LIST_DOCUMENT,
    PRODUCT_DETAIL,
    PRODUCT_LIST,
    DetailParameters,
    ListParameters,
)
from scenarios.operations.fetching import PRODUCT_CARDS
from scenarios.operations.operation import Request, by_document
from targets.catalog import loaders
from targets.catalog.models import Product
from targets.variants import Variant
from tests.targets.subject import TargetClient
from tests.targets.test_statements import DETAILED, statements

pytestmark = pytest.mark.given_servers

LAZY = {"select_related": "off", "prefetch_related": "off"}
JOINED = {"select_related": "on", "prefetch_related": "off"}
LISTED = {"select_related": "off", "prefetch_related": "on"}
BATCHES = {"resolving": "dataloader"}
AHEAD = Variant(resolving="lookahead")


def noted(client: TargetClient, request: Request, *, variant: Variant) -> tuple[Any, list[str]]:
    """An answer's data, and the statements that it took."""
    found: list[str] = []

    def note(execute: Any, sql: str, parameters: Any, many: Any, context: Any) -> Any:
        found.append(sql)
        return execute(sql, parameters, many, context)

    with connections["default"].execute_wrapper(note):
        status, body = client(request, variant=variant)
    told = json.loads(body)
    assert (status, "errors" in told) == (200, False), body[:400]
    return told["data"], found


def data(client: TargetClient, document: str, variant: Variant = AHEAD, **variables: Any) -> tuple[Any, list[str]]:
    """Likewise, of a document."""
    return noted(client, by_document(document, **variables), variant=variant)


# In batches


@pytest.mark.parametrize("size", [10, 100])
@pytest.mark.parametrize(
    ("levels", "expected"),
    # Products; brands, categories, tags and reviews; authors.
    [(LAZY, 6), (JOINED, 3), (LISTED, 6), ({"select_related": "on", "prefetch_related": "on"}, 3)],
    ids=str,
)
def test_a_page_takes_a_statement_for_each_relation_and_level(
    target_client: TargetClient, levels: dict[str, str], expected: int, size: int
):
    """However many rows it has; what comes along by joins or prefetches is not asked for again."""
    variant = Variant(**levels, **BATCHES)
    found = statements(target_client, PRODUCT_LIST, ListParameters(size=size), face="graphql", variant=variant)
    assert found == {"default": expected}


def test_a_detail_in_batches_takes_a_statement_for_each_relation(target_client: TargetClient):
    """Product, brand, category, tags, reviews, ancestors, and all authors at once."""
    product = Product.objects.using("default").exclude(category__parent=None).order_by("-review_count")[0]
    assert product.review_count > 10
    wanted = DetailParameters(id=product.pk)
    found = statements(target_client, PRODUCT_DETAIL, wanted, face="graphql", variant=Variant(**LAZY, **BATCHES))
    assert found == {"default": 7}


def test_two_pages_of_one_document_share_their_batches(target_client: TargetClient):
    """The second page adds the statement for its own rows alone."""
    items = "items { brand { name } }"
    document = f"{{ a: productList(page: 1) {{ {items} }} b: productList(page: 2) {{ {items} }} }}"
    _, found = data(target_client, document, Variant(**LAZY, **BATCHES))
    assert len(found) == 3


def test_ancestors_in_a_list_are_one_batch(target_client: TargetClient):
    """Of all categories on the page; the answer is that of loading row by row."""
    document = "{ productList(size: 50) { items { category { id ancestors { id name } } } } }"
    singly, many = data(target_client, document, Variant(**LAZY))
    together, few = data(target_client, document, Variant(**LAZY, **BATCHES))
    assert together == singly
    assert (len(few), len(many) > 50) == (3, True)


@pytest.mark.parametrize("resolving", ["dataloader", "lookahead"])
@pytest.mark.parametrize("levels", [LAZY, JOINED, LISTED], ids=str)
def test_rest_resolves_as_ever(target_client: TargetClient, levels: dict[str, str], resolving: str):
    """It has no fields to resolve: its statements are those of loading row by row."""
    found = [
        statements(target_client, PRODUCT_LIST, ListParameters(), face="rest", variant=Variant(**levels, **more))
        for more in ({}, {"resolving": resolving})
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize("cache", ["query", "view", "both"])
@pytest.mark.parametrize("levels", [LAZY, JOINED, LISTED], ids=str)
def test_what_was_read_in_batches_is_kept(target_client: TargetClient, levels: dict[str, str], cache: str):
    """The same question again needs no statement, and has the same answer."""
    variant = Variant(**levels, **BATCHES, cache=cache)
    request = PRODUCT_LIST.request("graphql", ListParameters(size=7))
    cold, some = noted(target_client, request, variant=variant)
    warm, none = noted(target_client, request, variant=variant)
    assert warm == cold
    assert (bool(some), none) == (True, [])


def test_a_batch_that_fails_tells_nothing(target_client: TargetClient, monkeypatch: pytest.MonkeyPatch):
    """What must not be null takes the page with it, by one masked error, as it does row by row."""

    def broken(**_: Any) -> list[Any]:
        raise RuntimeError("s3cr3t")

    for name in ("_brand", "_brands"):
        monkeypatch.setattr(loaders, name, broken)
    answers = []
    for variant in (Variant(**LAZY), Variant(**LAZY, **BATCHES)):
        status, body = target_client(PRODUCT_LIST.request("graphql", ListParameters()), variant=variant)
        assert b"s3cr3t" not in body
        told = json.loads(body)
        assert [error["extensions"]["code"] for error in told["errors"]] == ["internal"]
        answers.append((status, told["data"]))
    assert answers == [(200, {"productList": None})] * 2


# Looking ahead

SCALARS = {
    "products": ("id", "sku", "name", "price", "rating", "reviewCount", "createdAt"),
    "named": ("id", "name", "slug"),
    "reviews": ("id", "rating", "title", "createdAt"),
    "author": ("id", "name"),
}
BELOW = {
    "products": {"brand": "named", "category": "named", "tags": "named", "newestReviews": "reviews"},
    "reviews": {"author": "author"},
}


def drawn(rng: Random, kind: str) -> dict[str, Any]:
    """Some fields of a kind, at least one, each with those below it."""
    fields: dict[str, Any] = {name: None for name in SCALARS[kind] if rng.random() < 0.4}
    for name, below in BELOW.get(kind, {}).items():
        if rng.random() < 0.4:
            fields[name] = drawn(rng, below)
    return fields or {rng.choice(SCALARS[kind]): None}


def written(fields: dict[str, Any]) -> str:
    """A selection as a document holds it."""
    return " ".join(name if below is None else f"{name} {{ {written(below)} }}" for name, below in fields.items())


def part(value: Any, fields: dict[str, Any]) -> Any:
    """What a selection leaves of a whole answer."""
    if isinstance(value, list):
        return [part(each, fields) for each in value]
    return {name: value[name] if below is None else part(value[name], below) for name, below in fields.items()}


def columns(sql: str) -> set[str]:
    """The columns that a statement gives back, as table.column."""
    chosen = sql.partition(" FROM ")[0]
    return {f"{table}.{column}" for table, column in re.findall(r'"(\w+)"\."(\w+)"', chosen)}


@pytest.mark.parametrize("seed", range(25))
def test_a_page_reads_what_is_selected_and_nothing_else(target_client: TargetClient, seed: int):
    """Whatever is selected: a statement for the rows, one for each list, and the answer is that part of the whole."""
    fields = drawn(Random(seed), "products")
    whole, _ = noted(target_client, PRODUCT_LIST.request("graphql", ListParameters(size=30)), variant=Variant())
    found, sqls = data(target_client, f"{{ productList(size: 30) {{ items {{ {written(fields)} }} }} }}")
    assert found["productList"]["items"] == part(whole["productList"]["items"], fields)
    assert len(sqls) == 1 + ("tags" in fields) + ("newestReviews" in fields)
    read = columns(sqls[0])
    wanted = {f"catalog_product.{_snake(name)}" for name, below in fields.items() if below is None}
    for name in {"brand", "category"} & fields.keys():
        wanted |= {f"catalog_product.{name}_id", f"catalog_{name}.id"}
        wanted |= {f"catalog_{name}.{_snake(column)}" for column in fields[name]}
    assert read == wanted | {"catalog_product.id"}
    if "newestReviews" in fields:
        below = fields["newestReviews"]
        wanted = {f"catalog_review.{_snake(name)}" for name, own in below.items() if own is None}
        wanted |= {"catalog_review.id", "catalog_review.product_id"}
        if "author" in below:
            wanted |= {"catalog_review.author_id", "accounts_user.id"}
            wanted |= {f"accounts_user.{name}" for name in below["author"]}
        assert _inner_columns(sqls[-1]) == wanted


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda capital: f"_{capital[0].lower()}", name)


def _inner_columns(sql: str) -> set[str]:
    """The columns that a statement gives back which ranks its rows inside."""
    return {f"{table}.{column}" for table, column in re.findall(r'"(\w+)"\."(\w+)" AS "col\d+"', sql)}


def test_the_whole_document_takes_what_everything_on_takes(target_client: TargetClient):
    """Three statements, and the same answer."""
    request = PRODUCT_LIST.request("graphql", ListParameters())
    everything, usual = noted(target_client, request, variant=Variant())
    ahead, selected = noted(target_client, request, variant=AHEAD)
    assert ahead == everything
    assert len(selected) == len(usual) == 3


def test_cards_take_one_statement_of_three_columns(target_client: TargetClient):
    """Three fields of many: neither a join nor a list is read for them."""
    _, sqls = noted(target_client, PRODUCT_CARDS.request("graphql", ListParameters()), variant=AHEAD)
    [sql] = sqls
    assert columns(sql) == {"catalog_product.id", "catalog_product.name", "catalog_product.price"}
    assert "JOIN" not in sql


@pytest.mark.parametrize(
    ("levels", "expected"), [(LAZY, 1 + 20 + 20), (JOINED, 1 + 20), (LISTED, 2 + 20)], ids=["lazy", "joined", "listed"]
)
def test_looking_ahead_leaves_the_other_knobs_their_say(
    target_client: TargetClient, levels: dict[str, str], expected: int
):
    """What is selected comes along as they say; the loaders fetch the rest, and no column one by one."""
    document = "{ productList { items { name brand { name } tags { name } } } }"
    found, sqls = data(target_client, document, Variant(**levels, resolving="lookahead"))
    usual, _ = data(target_client, document, Variant())
    assert found == usual
    assert len(sqls) == expected


DOCUMENTS = {
    "a fragment": "query { productList { items { ...F } } } fragment F on ListedProduct { name tags { slug } }",
    "fragments in fragments": (
        "query { productList { ...P } } fragment P on ProductPage { items { ...F } } "
        "fragment F on ListedProduct { name ...G } fragment G on ListedProduct { tags { slug } }"
    ),
    "an inline fragment": "{ productList { items { ... on ListedProduct { name } ... { tags { slug } } } } }",
    "aliases": "{ mine: productList { rows: items { title: name mine: tags { text: slug } } } }",
    "one field twice": "{ productList { items { name tags { slug } } items { tags { slug } } } }",
    "a directive that lets through": (
        "query($yes: Boolean = true) { productList { items { name tags @include(if: $yes) { slug } } } }"
    ),
    "a directive on a fragment": (
        "query($no: Boolean = false) { productList { items { name ...F @skip(if: $no) } } } "
        "fragment F on ListedProduct { tags { slug } }"
    ),
    "its type's name": "{ productList { __typename items { __typename name tags { __typename slug } } } }",
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_selection_is_seen_however_it_is_written(target_client: TargetClient, document: str):
    """Names and tags: two statements and no join, and the answer of loading everything."""
    found, sqls = data(target_client, document)
    usual, _ = data(target_client, document, Variant())
    assert found == usual
    assert len(sqls) == 2
    assert columns(sqls[0]) == {"catalog_product.id", "catalog_product.name"}
    assert {"catalog_tag.id", "catalog_tag.slug"} <= columns(sqls[1])
    assert "catalog_tag.name" not in columns(sqls[1])


@pytest.mark.parametrize(
    "document",
    [
        "query($no: Boolean = false) { productList { items { name tags @include(if: $no) { slug } } } }",
        "query($y: Boolean! = true) { productList { items { name brand @skip(if: $y) { id } } } }",
        "query($no: Boolean = false) { productList { items { name ... @include(if: $no) { tags { slug } } } } }",
    ],
)  # fmt: skip
def test_what_a_directive_leaves_out_is_not_read(target_client: TargetClient, document: str):
    """One statement, for the names."""
    _, sqls = data(target_client, document)
    [sql] = sqls
    assert columns(sql) == {"catalog_product.id", "catalog_product.name"}


def test_a_page_without_its_rows_reads_next_to_nothing(target_client: TargetClient):
    """Whether there is a next page takes the ids; its cursor takes the times too, of which no field was selected."""
    _, sqls = data(target_client, "{ productList { hasNext } }")
    assert [columns(sql) for sql in sqls] == [{"catalog_product.id"}]
    found, sqls = data(target_client, "{ productList { next items { name } } }")
    assert len(sqls) == 1
    assert columns(sqls[0]) == {"catalog_product.id", "catalog_product.name", "catalog_product.created_at"}
    assert found["productList"]["next"] == data(target_client, LIST_DOCUMENT, Variant())[0]["productList"]["next"]


def test_each_alias_of_a_page_looks_ahead_for_itself(target_client: TargetClient):
    """What one selects is not read for the other."""
    document = "{ a: productList(page: 1) { items { name } } b: productList(page: 2) { items { tags { name } } } }"
    _, sqls = data(target_client, document)
    assert [columns(sql) for sql in sqls[:2]] == [
        {"catalog_product.id", "catalog_product.name"}, {"catalog_product.id"},
    ]  # fmt: skip
    assert len(sqls) == 3


def test_one_relation_under_two_aliases_is_read_once_with_all_that_they_select(target_client: TargetClient):
    """A column that the second alias alone wants is no statement of its own for each row."""
    document = "{ productList { items { brand { name } maker: brand { slug } } } }"
    found, sqls = data(target_client, document)
    assert len(sqls) == 1
    assert found == data(target_client, document, Variant())[0]


@pytest.mark.parametrize(
    ("selected", "expected"),
    [
        ("name", 1),
        ("description stock version weightGrams", 1),
        ("category { slug ancestors { name } }", 2),
        ("newestReviews { body author { name } }", 2),
        ("brand { country } tags { name } newestReviews { id }", 3),
        ("alike(size: 3) { items { name } }", 3),
        ("alike(size: 3) { items { name tags { name } } next }", 4),
    ],
)
def test_a_detail_reads_what_is_selected(target_client: TargetClient, selected: str, expected: int):
    """A statement for the product, for each list, for ancestors; others of its category are a page of their own."""
    document = f"query($id: ID!) {{ product(id: $id) {{ {selected} }} }}"
    category = Product.objects.using("default").select_related("category").get(id=DETAILED).category
    assert category.path.count("/") > 2
    found, sqls = data(target_client, document, id=str(DETAILED))
    assert found == data(target_client, document, Variant(), id=str(DETAILED))[0]
    assert len(sqls) == expected


@pytest.mark.parametrize("cache", ["query", "both"])
def test_rows_of_a_narrow_selection_are_never_served_to_a_wider_one(target_client: TargetClient, cache: str):
    """Each selection has rows of its own in the cache, and none is that of those who do not look ahead."""
    variant = Variant(resolving="lookahead", cache=cache)
    narrow = "{ productList(size: 9) { items { name } } }"
    wide = "{ productList(size: 9) { items { name price brand { name slug } tags { name } newestReviews { title } } } }"
    right = data(target_client, wide, Variant())[0]
    for _ in range(2):
        data(target_client, narrow, variant)
        found, sqls = data(target_client, wide, variant)
        assert found == right
    assert sqls == []
    _, sqls = data(target_client, narrow, variant)
    assert sqls == []
    found, sqls = data(target_client, wide, Variant(cache=cache))
    assert found == right
    assert len(sqls) == 3


def test_the_same_selection_has_one_entry_however_it_is_written(target_client: TargetClient):
    """Order, aliases and fragments make no other rows: what one document had read serves the other."""
    variant = Variant(resolving="lookahead", cache="query")
    data(target_client, "{ productList { items { name tags { slug name } } } }", variant)
    other = "{ p: productList { items { ...F n: name } } } fragment F on ListedProduct { tags { name slug } }"
    assert data(target_client, other, variant)[1] == []


def test_drawn_selections_meet_every_field():
    """The drawing above would else say less than it seems to."""
    met = "".join(written(drawn(Random(seed), "products")) for seed in range(25))
    names = {*SCALARS["products"], *SCALARS["named"], *SCALARS["reviews"], "brand", "category", "tags", "author"}
    assert {name for name in names if name not in met} == set()
