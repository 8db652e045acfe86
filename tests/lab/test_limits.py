"""A request that a limit ended is told from a wrong answer, in either face."""

import json

import pytest

from lab.http import Answer
from lab.limits import limit_met
from scenarios.operations.catalog import PRODUCT_DETAIL

REFUSED = {
    "rest": (503, {"error": {"code": "too_slow", "message": "This takes too long.", "fields": {}}}),
    "graphql": (
        200,
        {"data": None, "errors": [{"message": "This takes too long.", "path": ["product"],
                                   "extensions": {"code": "too_slow", "fields": {}}}]},
    ),
}  # fmt: skip


def answer(status: int, body: object, *, seconds: float) -> Answer:
    """An answer that took so long."""
    return Answer(status=status, body=json.dumps(body).encode(), seconds=seconds)


@pytest.mark.parametrize("face", ["rest", "graphql"])
def test_a_statement_that_was_cut_is_told_with_what_it_took(face: str) -> None:
    """The target refuses it as too slow: so long it takes at the least."""
    met = limit_met(PRODUCT_DETAIL, face, answer(*REFUSED[face], seconds=2.04))
    assert met is not None
    assert met.seconds == 2.04
    assert met.reason == "after 2.0 s a statement met the time limit of the database"


def test_a_request_above_the_limit_takes_that_at_the_least() -> None:
    """Whatever it answers: it is not asked again."""
    met = limit_met(PRODUCT_DETAIL, "rest", answer(200, {}, seconds=6.24))
    assert met is not None
    assert met.seconds == 5.0
    assert met.reason == "one request took 6.2 s, above the limit of 5 s"


@pytest.mark.parametrize("body", [{}, {"error": {"code": "not_found", "message": "No.", "fields": {}}}])
def test_any_other_answer_met_no_limit(body: object) -> None:
    """A wrong one is the proof's business."""
    assert limit_met(PRODUCT_DETAIL, "rest", answer(404, body, seconds=0.1)) is None
