import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import pytest
import redis
from django.core.cache import caches
from django.db import connections, transaction
from django.test import Client

from scenarios.operations.catalog import PRODUCT_DETAIL, PRODUCT_LIST, DetailParameters, ListParameters
from scenarios.operations.operation import Operation, Request
from targets.accounts.models import User
from targets.catalog import selectors, services
from targets.catalog.inputs import ProductChange
from targets.catalog.models import Product, Review
from targets.variants import KNOBS, Variant
from targets.web import cache_store
from targets.web.actor import Actor
from targets.web.current import serving
from targets.web.pagination import Window
from targets.web.query_cache import cached_rows
from tests.targets.doors import DOORS, Thing, bearer
from tests.targets.subject import TOKEN, TargetClient, get, redis_client, served_by

pytestmark = pytest.mark.given_servers

Seen = list[tuple[str, str]]

ADMIN = Actor(role="admin")
CACHED = ("query", "view", "both")
FACES = ("rest", "graphql")


def entries() -> set[str]:
    """The keys of what is kept now, those of version tokens and of turns to compute left out."""
    client = redis_client()
    prefix = caches["default"].key_prefix
    keys = {key.decode() for key in client.scan_iter(match=f"{prefix}:*", count=1000)}
    return {key for key in keys if ":version:" not in key and ":refill:" not in key}


@pytest.fixture
def keys_looked_up(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """(level, key) of each look-up."""
    seen: Seen = []
    monkeypatch.setattr(cache_store, "note_cache", lambda **look_up: seen.append((look_up["level"], look_up["key"])))
    return seen


def test_no_variant_face_or_user_shares_a_whole_answer(
    target_client: TargetClient, keys_looked_up: Seen, settings: Any
):
    """Variants that differ in one knob, both faces, nobody known and two users: each has a key of its own."""
    settings.INTERFACE = "asgi"
    customer, staff = User.objects.filter(is_active=True).order_by("id")[:2]
    credentials: list[dict[str, str]] = [{}, bearer(customer), bearer(staff)]
    kept = [Variant(cache=level) for level in ("view", "both")]
    near = [
        replace(each, **{knob: level}) for each in kept for knob in KNOBS if knob != "cache" for level in KNOBS[knob]
    ]
    variants = list(dict.fromkeys((*kept, *near)))
    for variant, face, headers in itertools.product(variants, FACES, credentials):
        status, _ = target_client(PRODUCT_LIST.request(face, ListParameters(size=1)), variant=variant, headers=headers)
        assert status == 200
    views = [key for level, key in keys_looked_up if level == "view"]
    assert len(views) == len(set(views)) == 6 * len(variants)
    assert len(variants) == 2 * (1 + sum(len(levels) - 1 for knob, levels in KNOBS.items() if knob != "cache"))


def test_a_token_that_counts_no_more_gets_no_kept_answer(target_client: TargetClient):
    """Who asks is known before the cache is asked."""
    request = PRODUCT_LIST.request("rest", ListParameters(size=1))
    headers = bearer(User.objects.filter(is_active=True).order_by("id")[0])
    assert target_client(request, variant="cache=both", headers=headers)[0] == 200
    broken = {"Authorization": f"{headers['Authorization'][:-1]}~"}
    assert target_client(request, variant="cache=both", headers=broken)[0] == 401


def test_rows_are_kept_apart_by_face_database_and_loading(fresh_cache: None, keys_looked_up: Seen):
    """Rows differ in what came along, so each of eight variants has a key for each face; the cache level adds none."""
    for face, joined, prefetched, indexes, cache in itertools.product(
        FACES, ("off", "on"), ("off", "on"), ("off", "on"), ("query", "both")
    ):
        variant = Variant(select_related=joined, prefetch_related=prefetched, indexes=indexes, cache=cache)
        with served_by(variant), serving(face):
            selectors.product_list(window=Window(size=1))
    assert len(keys_looked_up) == 32
    assert len(set(keys_looked_up)) == 16


@pytest.mark.parametrize("loading", ["on", "off"])
def test_no_face_is_served_rows_that_the_other_kept(target_client: TargetClient, keys_looked_up: Seen, loading: str):
    """The same question by the same variant: of all the rows that both faces look up, no key is the same."""
    variant = Variant(cache="query", select_related=loading, prefetch_related=loading)
    asked = {}
    for face in FACES:
        keys_looked_up.clear()
        assert target_client(PRODUCT_DETAIL.request(face, DetailParameters(id=1)), variant=variant)[0] == 200
        asked[face] = {key for _, key in keys_looked_up}
    assert len(asked["rest"]) == len(asked["graphql"]) > 0
    assert asked["rest"] & asked["graphql"] == set()


def forget_names() -> None:
    """Have the databases asked for their names again, as by another process."""
    cache_store._database_name.cache_clear()
    cache_store._token_key.cache_clear()


@pytest.fixture
def anew(fresh_cache: None) -> Iterator[None]:
    """A process that does not know its databases yet."""
    forget_names()
    yield
    forget_names()


def test_another_database_behind_the_same_alias_is_another_key(anew: None, monkeypatch: pytest.MonkeyPatch, settings):
    """Two processes that share a cache but not a database never share an entry."""
    here = cache_store.entry_key("x")
    forget_names()
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", settings.DATABASES["bare"]["NAME"])
    assert cache_store.entry_key("x") != here


@pytest.mark.parametrize("alias", ["default", "bare"])
def test_a_write_by_another_way_to_the_same_database_unmakes(
    anew: None, monkeypatch: pytest.MonkeyPatch, settings, alias: str
):
    """What another process writes is seen, though it names the host otherwise, or the database by another alias."""
    key = cache_store.entry_key("x")
    cache_store.keep(cache_store.look_up(key, level="query", domains=("catalog",)), payload=b"rows")
    assert cache_store.look_up(key, level="query", domains=("catalog",)).payload == b"rows"
    way = settings.DATABASES["default"]
    host = {"127.0.0.1": "localhost", "localhost": "127.0.0.1"}.get(way["HOST"], f"{way['HOST']}/")
    with monkeypatch.context() as patch:
        forget_names()
        for name, value in {**way, "HOST": host}.items():
            patch.setitem(settings.DATABASES[alias], name, value)
        cache_store.changed("catalog", using=alias)
    forget_names()
    assert cache_store.look_up(key, level="query", domains=("catalog",)).payload is None


def test_who_may_not_ask_for_the_name_takes_the_way_there(anew: None, monkeypatch: pytest.MonkeyPatch):
    """Entries are kept and found all the same, and two databases are told apart."""
    monkeypatch.setattr(cache_store, "_IDENTITY", "SELECT taken_away()")
    keys = set()
    for indexes in ("on", "off"):
        with served_by(Variant(indexes=indexes)):
            keys.add(cache_store.entry_key("x"))
    assert len(keys) == 2


def test_a_name_is_asked_for_by_no_request(anew: None, settings):
    """A process knows its databases from its start on: requests run no statement for it."""
    settings.CACHE_URL = "given"
    cache_store.know_databases()
    with connections["default"].execute_wrapper(_refuse_statements):
        cache_store.entry_key("x")
    assert cache_store._database_name.cache_info().currsize == len(settings.DATABASES)


def test_another_commit_is_another_key(fresh_cache: None, settings):
    """Code that may answer differently does not serve what older code kept."""
    here = cache_store.entry_key("x")
    settings.TARGET_COMMIT = "another"
    assert cache_store.entry_key("x") != here


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/api/products/?page=1&size=2", "/api/products/?size=2&page=1"),
        ("/api/products/?page=3&page=1", "/api/products/?page=3&page=1"),
    ],
)
def test_the_order_of_parameters_does_not_matter(
    target_client: TargetClient, keys_looked_up: Seen, one: str, other: str
):
    """The same question in another order has the same key."""
    target_client(get(one), variant="cache=view")
    target_client(get(other), variant="cache=view")
    assert keys_looked_up[0] == keys_looked_up[1]


def test_of_a_parameter_given_twice_the_order_matters(target_client: TargetClient):
    """The last one counts, cached or not."""
    for path, page in (("/api/products/?size=2&page=1&page=2", 2), ("/api/products/?size=2&page=2&page=1", 1)):
        for _ in range(2):
            assert json.loads(target_client(get(path), variant="cache=view")[1])["page"] == page


def test_the_layout_of_a_document_does_not_matter_but_its_variables_do(
    target_client: TargetClient, keys_looked_up: Seen
):
    """White space and commas are no difference; variables and operation names are."""

    def post(query: str, **more: Any) -> None:
        body = json.dumps({"query": query, **more}).encode()
        request = Request(method="POST", path="/graphql", body=body, content_type="application/json")
        assert target_client(request, variant="cache=view")[0] == 200

    query = "query A($page: WholeNumber) { productList(page: $page, size: 1) { page } }"
    post(query, variables={"page": 1})
    post(query.replace(" ", "  \n"), variables={"page": 1})
    post(query, variables={"page": 2})
    post(query, variables={"page": 1}, operationName="A")
    keys = [key for _, key in keys_looked_up]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("operation", [PRODUCT_LIST, PRODUCT_DETAIL], ids=["list", "detail"])
def test_a_hit_has_the_headers_of_a_miss(fresh_cache: None, face: str, operation: Operation):
    """Whoever is answered from the cache sees no other header than who is answered without one: `Allow`, for one."""
    parameters = ListParameters(size=2) if operation is PRODUCT_LIST else DetailParameters(id=1)
    request = operation.request(face, parameters)

    def answer(level: str) -> Any:
        headers = {"Lab-Token": TOKEN, "Lab-Variant": f"cache={level}"}
        kind = request.content_type or "application/octet-stream"
        return Client().generic(request.method, request.path, request.body or b"", kind, headers=headers)

    plain, miss, hit = answer("off"), answer("view"), answer("view")
    assert dict(hit.headers) == dict(miss.headers) == dict(plain.headers)
    assert hit.content == miss.content == plain.content
    assert ("Allow" in hit.headers) == (face == "rest")


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("parameters", [ListParameters(page=0), DetailParameters(id=10**9)], ids=str)
def test_a_refusal_is_never_kept(target_client: TargetClient, face: str, parameters: Any):
    """Neither bad parameters nor an unknown id leave an answer behind."""
    operation = PRODUCT_LIST if isinstance(parameters, ListParameters) else PRODUCT_DETAIL
    for _ in range(2):
        target_client(operation.request(face, parameters), variant="cache=view")
    assert entries() == set()


@pytest.mark.parametrize("indexes", ["on", "off"])
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("cache", CACHED)
def test_a_write_is_visible_to_the_next_read(target_client: TargetClient, cache: str, face: str, indexes: str):
    """A new price and a new review show in list and detail at once, whatever was kept before."""
    variant = Variant(cache=cache, indexes=indexes)
    alias = "default" if indexes == "on" else "bare"
    newest = Product.objects.using(alias).order_by("-created_at", "-id")[0]
    reviewed = Review.objects.using(alias).filter(product=newest).values("author")
    author = User.objects.using(alias).exclude(id__in=reviewed)[0]

    def shown() -> tuple[Any, Any]:
        answers = []
        for operation, parameters in (
            (PRODUCT_LIST, ListParameters()),
            (PRODUCT_DETAIL, DetailParameters(id=newest.id)),
        ):
            answers.append(operation.read(face, *target_client(operation.request(face, parameters), variant=variant)))
        return answers[0].items[0], answers[1]

    review = None
    try:
        before = shown()
        assert shown() == before
        with served_by(variant):
            change = ProductChange(version=newest.version, fields={"price": newest.price + 1})
            services.product_update(actor=ADMIN, product_id=str(newest.id), change=change)
        assert [product.price for product in shown()] == [str(newest.price + 1)] * 2
        with served_by(variant):
            customer = Actor(id=author.id, role="customer")
            fields = {"rating": 1, "title": "New"}
            review = services.review_create(actor=customer, product_id=str(newest.id), fields=fields)
        for product in shown():
            assert product.review_count == newest.review_count + 1
            assert product.newest_reviews[0].title == "New"
        with served_by(variant):
            services.review_delete(actor=ADMIN, review_id=str(review.id))
            change = ProductChange(version=newest.version + 1, fields={"price": newest.price})
            services.product_update(actor=ADMIN, product_id=str(newest.id), change=change)
        first, detail = shown()
        assert (first, replace(detail, version=newest.version)) == before
    finally:
        if review is not None:
            Review.objects.using(alias).filter(title="New", product=newest).delete()
        newest.save(using=alias)


def test_a_write_unmakes_nothing_of_another_database(target_client: TargetClient):
    """What was kept from the bare database stays when the other one changes."""
    request = PRODUCT_LIST.request("rest", ListParameters())
    target_client(request, variant="cache=view; indexes=off")
    with connections["bare"].execute_wrapper(_refuse_statements):
        cache_store.changed("catalog", using="default")
        assert target_client(request, variant="cache=view; indexes=off")[0] == 200


def test_a_write_that_is_rolled_back_unmakes_nothing(target_client: TargetClient):
    """Only what is committed counts."""
    request = PRODUCT_LIST.request("rest", ListParameters())
    target_client(request, variant="cache=view")
    with transaction.atomic(using="default"):
        cache_store.changed("catalog", using="default")
        transaction.set_rollback(True, using="default")
    with connections["default"].execute_wrapper(_refuse_statements):
        assert target_client(request, variant="cache=view")[0] == 200


def test_what_is_read_inside_a_transaction_is_not_kept(fresh_cache: None):
    """A read there may see rows that are never committed."""
    with served_by(Variant(cache="query")):
        with transaction.atomic(using="default"):
            selectors.product_list(window=Window(size=1))
        assert entries() == set()
        selectors.product_list(window=Window(size=1))
        assert len(entries()) == 1


def test_an_entry_of_older_rows_that_is_kept_late_is_never_served(fresh_cache: None):
    """A reader that was overtaken by a write keeps its rows under the old version."""
    key = cache_store.entry_key("late")
    lookup = cache_store.look_up(key, level="query", domains=("catalog",))
    cache_store.changed("catalog", using="default")
    cache_store.keep(lookup, payload=b"old")
    assert cache_store.look_up(key, level="query", domains=("catalog",)).payload is None


@pytest.mark.parametrize("lose", ["delete", "expire"])
def test_a_lost_version_token_unmakes_its_entries(fresh_cache: None, lose: str):
    """When Redis drops a token or lets it expire, what was kept under it is gone too, and a new one starts."""
    key, token = cache_store.entry_key("x"), cache_store._token_key("catalog", database="default")
    cache_store.keep(cache_store.look_up(key, level="query", domains=("catalog",)), payload=b"rows")
    kept = cache_store.look_up(key, level="query", domains=("catalog",))
    assert kept.payload == b"rows"
    if lose == "delete":
        caches["default"].delete(token)
    else:
        redis_client().expire(caches["default"].make_key(token), 0)
    found = cache_store.look_up(key, level="query", domains=("catalog",))
    assert found.payload is None
    assert found.stamp not in {None, kept.stamp}
    assert cache_store.look_up(key, level="query", domains=("catalog",)).payload is None


@pytest.mark.parametrize("cache", CACHED)
def test_without_redis_the_answers_stay_right(target_client: TargetClient, monkeypatch: pytest.MonkeyPatch, cache: str):
    """A cache that is away costs one failed call, then nobody asks it for a while."""
    request = PRODUCT_LIST.request("rest", ListParameters(size=3))
    expected = target_client(request, variant="cache=off")
    calls = []

    def away(*args: object, **kwargs: object) -> None:
        calls.append(args)
        raise redis.exceptions.ConnectionError

    monkeypatch.setattr(caches["default"], "get_many", away)
    monkeypatch.setattr(caches["default"], "set", away)
    assert [target_client(request, variant=f"cache={cache}") for _ in range(3)] == [expected] * 3
    assert len(calls) == 1


def test_no_password_reaches_the_cache(target_client: TargetClient):
    """Of authors only the name is read, so nothing else about them can be kept."""
    for face, variant in itertools.product(
        FACES, ("cache=query", "cache=query; select_related=off; prefetch_related=off")
    ):
        target_client(PRODUCT_DETAIL.request(face, DetailParameters(id=1)), variant=variant)
    client = redis_client()
    kept = b"".join(cast(bytes, client.get(key)) for key in entries())
    user = User.objects.using("default").get(id=1)
    assert b"password" not in kept
    assert user.email.split("@")[1].encode() not in kept


def test_entries_expire(target_client: TargetClient, settings):
    """Every entry lives for CACHE_SECONDS at most."""
    target_client(PRODUCT_LIST.request("rest", ListParameters(size=1)), variant="cache=both")
    client = redis_client()
    lives = [client.ttl(key) for key in entries()]
    assert len(lives) == 2
    assert all(0 < life <= settings.CACHE_SECONDS for life in lives)


def test_version_tokens_outlive_every_entry_and_expire(target_client: TargetClient, settings):
    """A token lives for a day, or ten times as long as entries where that is longer; a write lets it begin anew."""
    client, store = redis_client(), caches["default"]
    target_client(PRODUCT_LIST.request("rest", ListParameters(size=1)), variant="cache=both")
    tokens = list(client.scan_iter(match=f"{store.key_prefix}:*:version:*", count=1000))
    day = 86_400
    assert len(tokens) == 3
    assert all(settings.CACHE_SECONDS < day - 60 < client.ttl(token) <= day for token in tokens)
    settings.CACHE_SECONDS = day
    cache_store.changed("catalog", using="default")
    lives = sorted(client.ttl(token) for token in tokens)
    assert lives[0] <= day
    assert all(10 * day - 60 < life <= 10 * day for life in lives[1:])


def _refuse_statements(execute, sql, parameters, many, context):
    raise AssertionError(f"a statement: {sql}")


def test_the_summary_rounds_half_up(fresh_cache: None):
    """4.125 is 4.13, as PostgreSQL rounds; a product without reviews has no rating."""
    product = Product.objects.using("default").get(id=11)
    kept = list(Review.objects.using("default").filter(product=product))
    authors = list(User.objects.using("default").order_by("id")[:8])
    try:
        Review.objects.using("default").filter(product=product).delete()
        made = [
            services.review_create(
                actor=Actor(id=author.id, role="customer"), product_id="11", fields={"rating": rating, "title": "t"}
            )
            for author, rating in zip(authors, (4, 4, 4, 4, 4, 4, 4, 5), strict=True)
        ]
        found = Product.objects.using("default").get(id=11)
        assert (found.rating, found.review_count) == (Decimal("4.13"), 8)
        for review in made:
            services.review_delete(actor=ADMIN, review_id=str(review.id))
        found = Product.objects.using("default").get(id=11)
        assert (found.rating, found.review_count) == (None, 0)
    finally:
        Review.objects.using("default").filter(product=product).delete()
        Review.objects.using("default").bulk_create(kept)
        product.save(using="default")


def test_cached_reads_take_keyword_arguments_only(fresh_cache: None):
    """A positional argument would be missing from the key."""

    @cached_rows("catalog")
    def read(key: int) -> list[Product]:
        raise AssertionError

    with served_by(Variant(cache="query")), pytest.raises(TypeError):
        read(1)


@pytest.mark.parametrize("cache", ["view", "both"])
def test_a_mutation_is_not_looked_up(target_client: TargetClient, keys_looked_up: Seen, cache: str):
    """What changes something is never kept: two who ask for the same change do not wait for one another."""
    change = DOORS["product_update"].graphql(Thing(id=1, told={"version": 1, "stock": 7}))
    assert target_client(change, variant=f"cache={cache}")[0] == 401
    document = "query A { productList(size: 1) { page } } mutation B { reviewDelete(id: 1) }"
    body = json.dumps({"query": document, "operationName": "A"}).encode()
    request = Request(method="POST", path="/graphql", body=body, content_type="application/json")
    assert target_client(request, variant=f"cache={cache}")[0] == 200
    assert [level for level, _ in keys_looked_up if level == "view"] == []
