"""What the faces fetch by unlike requests is the same: three fields of many, and a nested answer or two trips."""

import json
from random import Random
from typing import Any

import pytest

from fixtures.sizes import SIZES
from scenarios.operations.catalog import DetailParameters
from scenarios.operations.fetching import PRODUCT_CARDS, PRODUCT_SCREEN, Screen
from scenarios.operations.operation import Operation, Refusal, Request
from scenarios.operations.quotes import QUOTE_LIST
from tests.targets.subject import TargetClient


def asked(target_client: TargetClient, operation: Operation, face: str, parameters: Any) -> tuple[int, bytes, int]:
    """The last status and the bodies of all trips of an operation, as a client puts them together, and their number."""
    trips, status, whole = [operation.request(face, parameters)], 0, b""
    for trip in trips:
        status, body = target_client(trip)
        whole += body
        if status == 200 and trip.follow:
            trips.append(trip.follow(body))
    return status, whole, len(trips)


@pytest.mark.parametrize("operation", [PRODUCT_CARDS, PRODUCT_SCREEN], ids=lambda operation: operation.name)
def test_both_faces_give_the_same(target_client: TargetClient, operation: Operation):
    """Whatever parameters are drawn, the values are equal, and GraphQL takes one trip."""
    random = Random(3)
    for _ in range(5):
        parameters = operation.sample(random, SIZES["small"])
        found = {}
        for face in ("rest", "graphql"):
            status, body, trips = asked(target_client, operation, face, parameters)
            found[face] = operation.read(face, status, body)
            assert trips == (2 if (operation, face) == (PRODUCT_SCREEN, "rest") else 1)
        assert found["rest"] == found["graphql"]
        assert not isinstance(found["rest"], Refusal)


def test_a_card_is_a_part_of_what_rest_sends(target_client: TargetClient):
    """GraphQL sends a fraction of the bytes for the same cards."""
    parameters = PRODUCT_CARDS.sample(Random(1), SIZES["small"])
    _, whole, _ = asked(target_client, PRODUCT_CARDS, "rest", parameters)
    _, part, _ = asked(target_client, PRODUCT_CARDS, "graphql", parameters)
    assert len(part) * 4 < len(whole)


def test_a_screen_holds_a_product_and_others_of_its_category(target_client: TargetClient):
    """They are of the category that the first answer names; of an unknown product there is no second trip."""
    status, body, _ = asked(target_client, PRODUCT_SCREEN, "rest", DetailParameters(id=1))
    screen = PRODUCT_SCREEN.read("rest", status, body)
    assert isinstance(screen, Screen)
    assert 1 <= len(screen.alike.items) <= 5
    status, body, trips = asked(target_client, PRODUCT_SCREEN, "rest", DetailParameters(id=10**9))
    assert (PRODUCT_SCREEN.read("rest", status, body), trips) == (Refusal("not_found"), 1)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"id": 1}{', b'{"items": [], "page": 1, "size": 5, "has_next": false}'], ids=repr
)
def test_a_screen_that_is_none_is_refused(body: bytes):
    """Too few answers, half an answer or another one: ValueError."""
    with pytest.raises(ValueError):
        PRODUCT_SCREEN.read("rest", 200, body)


def test_quotes_are_read_alike_in_both_faces(target_client: TargetClient, settings: Any):
    """Without carriers there is neither a quote nor anybody missing; a parcel that is none is refused."""
    settings.CARRIERS = {}
    parameters = QUOTE_LIST.sample(Random(1), SIZES["small"])
    found = {
        QUOTE_LIST.read(face, *asked(target_client, QUOTE_LIST, face, parameters)[:2]) for face in ("rest", "graphql")
    }
    assert len(found) == 1
    _, body = target_client(Request(method="GET", path="/api/quotes/?country=gb&grams=0"))
    assert set(json.loads(body)["error"]["fields"]) == {"country", "grams"}
