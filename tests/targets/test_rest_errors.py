import json

import pytest

from scenarios.operations.operation import Request
from tests.targets.subject import TargetClient, get


@pytest.mark.parametrize(
    ("request_", "status", "code", "fields"),
    [
        (get("/api/products/?page=0&size=101"), 400, "invalid", ["page", "size"]),
        (get("/api/products/?page="), 400, "invalid", ["page"]),
        (get("/api/products/?page=%00"), 400, "invalid", ["page"]),
        (get("/api/products/?page=%D9%A3"), 400, "invalid", ["page"]),
        (get("/api/products/?page=99999999999999999999999999"), 400, "invalid", ["page"]),
        (get("/api/products/?after="), 400, "invalid", ["after"]),
        (get("/api/products/?after=%00"), 400, "invalid", ["after"]),
        (get("/api/products/search/?ordering=%00&category=x"), 400, "invalid", ["category", "ordering"]),
        (get("/api/products/search/?min_price=2&max_price=1"), 400, "invalid", ["max_price", "min_price"]),
        (get("/api/products/search/?min_price=1e5"), 400, "invalid", ["min_price"]),
        (get("/api/products/0/"), 404, "not_found", []),
        (get("/api/products/abc/"), 404, "not_found", []),
        (get("/api/products/%00/"), 404, "not_found", []),
        (get("/api/products/99999999999999999999999999/"), 404, "not_found", []),
        (get("/api/nothing/"), 404, "not_found", []),
        (get("/"), 404, "not_found", []),
        (Request(method="PUT", path="/api/products/"), 405, "method_not_allowed", []),
        (Request(method="DELETE", path="/api/products/1/"), 405, "method_not_allowed", []),
    ],
    ids=lambda value: value.path if isinstance(value, Request) else str(value),
)
@pytest.mark.parametrize("cache", ["off", "both"])
def test_every_refusal_has_the_one_shape(  # noqa: PLR0917 - pytest passes names
    target_client: TargetClient, request_: Request, status: int, code: str, fields: list[str], cache: str
):
    """{"error": {"code", "message", "fields"}}, with the names of the parameters at fault, cached or not."""
    found, body = target_client(request_, variant=f"cache={cache}")
    error = json.loads(body)["error"]
    assert (found, error["code"], list(error["fields"])) == (status, code, fields)
    assert set(error) == {"code", "message", "fields"}


def test_a_page_past_the_end_is_empty(target_client: TargetClient):
    """It is 200 with no items and no next page."""
    status, body = target_client(get("/api/products/?page=1000"))
    assert (status, json.loads(body)) == (
        200,
        {"items": [], "page": 1000, "size": 20, "has_next": False, "next": None},
    )
