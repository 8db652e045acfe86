"""Yields `Customer`, a Locust user that browses the shop and reads every answer. It compares no variants.

From the root of the tree, with a face, and a dataset as large as the one behind the API:

    FACE=graphql DATASET=small locust -f scenarios/browsing.py --headless -u 5 -t 10s --host http://127.0.0.1:8000

SHAPE, with SHAPE_USERS and SHAPE_SECONDS, takes the place of -u, -r and -t: steady, ramp, spike or ladder.
"""

import math
import os
import sys
from collections.abc import Collection
from random import Random
from typing import Any, Final

from locust import FastHttpUser, task

from fixtures.sizes import SIZES
from lab.shapes import ProfileShape
from scenarios.operations.browsing import BROWSING
from scenarios.operations.operation import Operation, Refusal


def _choice(name: str, choices: Collection[str], *, default: str) -> str:
    """What the environment names, or the default."""
    given = os.environ.get(name) or default
    if given not in choices:
        sys.exit(f"{name} is {given[:40]!r}: choose one of {', '.join(choices)}")
    return given


def _number(name: str, *, whole: bool) -> float:
    """A number above 0 that the environment has to give."""
    given = os.environ.get(name, "")
    try:
        number = int(given) if whole else float(given)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        sys.exit(f"{name} is {given[:40]!r}: SHAPE needs it, a{' whole' if whole else ''} number above 0")
    return number


def _shape() -> type[ProfileShape] | None:
    """The load shape that the environment asks for; without one, Locust's own options hold."""
    if not os.environ.get("SHAPE"):
        return None
    shape = _choice("SHAPE", ProfileShape.names, default="")
    users = int(_number("SHAPE_USERS", whole=True))
    return ProfileShape.of(shape, users=users, seconds=_number("SHAPE_SECONDS", whole=False))


FACE: Final = _choice("FACE", ("rest", "graphql"), default="rest")
SIZE: Final = SIZES[_choice("DATASET", SIZES, default="small")]
SHAPE: Final = _shape()
"""Locust runs the shape that it finds here; it cannot find None."""


class Customer(FastHttpUser):
    """Visits the shop again and again, without a pause; each customer draws other parameters."""

    def on_start(self) -> None:
        self.random = Random()

    @task
    def visit(self) -> None:
        """One session of the walk; what one step is answered changes no other step."""
        for operation, parameters in BROWSING.session(self.random, SIZE):
            self._ask(operation, parameters)

    def _ask(self, operation: Operation, parameters: Any) -> None:
        request = operation.request(FACE, parameters)
        body: Any = request.body  # bytes do, though Locust's annotation asks for text
        with self.client.request(
            request.method,
            request.path,
            data=body,
            headers={"Content-Type": request.content_type} if request.content_type else {},
            name=operation.name,
            catch_response=True,
        ) as response:
            # Locust has found a broken connection or a bad status by itself; there may be no body to read then.
            if response.request_meta["exception"] is None and (fault := _fault(operation, response)):
                response.failure(fault)


def _fault(operation: Operation, response: Any) -> str | None:
    """What is wrong with an answer. The dataset holds all that is asked for, so a refusal is wrong too."""
    try:
        answer = operation.read(FACE, response.status_code, response.content or b"")
    except Exception as error:  # noqa: BLE001 - whatever an answer holds, its request is counted, as a failure
        return f"unexpected answer: {error!r}"
    return f"refused: {answer.code}" if isinstance(answer, Refusal) else None
