"""Yields `Customer`, a Locust user that browses the shop and reads every answer. It compares no variants.

From the root of the tree, with a face, and a dataset as large as the one behind the API (scenarios/settings.py):

    FACE=graphql DATASET=small locust -f scenarios/browsing.py --headless -u 5 -t 10s --host http://127.0.0.1:8000
"""

from dataclasses import replace
from typing import Final

from locust import task

from scenarios.operations.browsing import BROWSING
from scenarios.settings import EXPONENT, SHAPE, SIZE
from scenarios.visitor import Visitor

__all__ = ["SHAPE", "Customer"]
"""Locust takes the shape from here."""


WALK: Final = replace(BROWSING, exponent=EXPONENT)


class Customer(Visitor):
    """Visits the shop again and again, without a pause."""

    @task
    def visit(self) -> None:
        """One session of the walk; what one step is answered changes no other step."""
        for operation, parameters in WALK.session(self.random, SIZE):
            self.ask(operation, parameters)
