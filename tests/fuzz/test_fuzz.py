"""Whatever the contracts allow, and what they do not, is answered: soon, in our shape, and without a defect.

`FUZZ_REQUESTS` says how many requests each face gets; `./noxw -s fuzz` asks for thousands, the suite for a few.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, cast

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.graphql import nodes

from targets.accounts.models import User
from tests.targets.doors import PASSWORD, person
from tests.targets.live import live
from tests.targets.subject import ServiceUrls

TREE = Path(__file__).resolve().parents[2]
WANTED = int(os.environ.get("FUZZ_REQUESTS", "150"))
MOST_PASSES = 10
SLOWEST = 2.0
"""Seconds that any answer may take."""

TELLING = ("Traceback", "Exception", "Error at", "psycopg2", "django.", "targets/", "site-packages", "SELECT ")
ROLES = ("", *User.Role.values)

odd_text = st.text(max_size=12) | st.sampled_from(["\x00", "\ud800", "1e400", "-0", "9" * 40, "1.00", "\u202e"])
schemathesis.graphql.scalar("DecimalText", (odd_text | st.decimals(0, 999, places=2).map(str)).map(nodes.String))
schemathesis.graphql.scalar("WholeNumber", st.integers(-(10**25), 10**25).map(nodes.Int))


@dataclass(slots=True)
class Seen:
    """What came back: how many answers of each status, and the slowest one in seconds."""

    url: str
    session: requests.Session
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0

    def send(self, case: Any, *, token: str) -> None:
        """Send a case and look at the answer."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = case.call(base_url=self.url, session=self.session, headers=headers, timeout=30)
        seconds = answer.elapsed
        self.statuses[answer.status_code] += 1
        self.slowest = max(self.slowest, seconds)
        assert answer.status_code < 500, f"{answer.status_code}: {case.as_curl_command()}\n{answer.text[:500]}"
        assert answer.status_code != 429, "the fuzz is meant to meet no limit of rates"
        # GraphQL tells a defect, masked, with 200.
        assert '"code":"internal"' not in answer.text, f"{case.as_curl_command()}\n{answer.text[:500]}"
        assert seconds < SLOWEST, f"{seconds:.2f} s: {case.as_curl_command()}"
        # What a client sends may be told to it again.
        told = [word for word in TELLING if word in answer.text and word not in case.as_curl_command()]
        assert not told, f"{told}: {case.as_curl_command()}\n{answer.text[:500]}"

    def token_of(self, role: str) -> str:
        """The access token of a new user with a role, got as any client gets one; none for nobody."""
        if not role:
            return ""
        told = {"email": person(role).email, "password": PASSWORD}
        answer = self.session.post(f"{self.url}/api/tokens/", json=told, timeout=30)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access"])


@pytest.fixture
def seen(people: None, service_urls: ServiceUrls, tmp_path: Path) -> Iterator[Seen]:
    """A live server, and a client that keeps no cookies and knows no proxies."""
    with live(service_urls, name="fuzz", logs=tmp_path) as url, requests.Session() as session:
        session.trust_env = False
        yield Seen(url=url, session=session)


def fuzz(seen: Seen, operations: list[Any], modes: tuple[GenerationMode, ...]) -> None:
    """Send WANTED requests: of each operation as many, of each role in turn, as the contract has it and not."""
    each = -(-WANTED // (len(operations) * len(modes)))
    roles = cycle(ROLES)
    # An operation without parameters has few cases, and none that breaks its contract: others are asked again for it.
    for _ in range(MOST_PASSES):
        for operation in operations:
            for mode in modes:
                if seen.statuses.total() < WANTED:
                    with suppress(Unsatisfiable):
                        _ask(seen, operation.as_strategy(generation_mode=mode), count=each, role=next(roles))


def _ask(seen: Seen, cases: st.SearchStrategy[Any], *, count: int, role: str) -> None:
    token = seen.token_of(role)

    @seed(seen.statuses.total())
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases)
    def ask(case: Any) -> None:
        seen.send(case, token=token)

    ask()


def told(seen: Seen, face: str) -> None:
    """What a person wants to know of it, in one line."""
    statuses = ", ".join(f"{count} x {status}" for status, count in sorted(seen.statuses.items()))
    print(f"\n{face}: {seen.statuses.total()} requests, slowest {seen.slowest:.3f} s; {statuses}")  # noqa: T201 - the result


def test_rest_answers_whatever_comes(seen: Seen):
    """No 5xx, no trace, nothing slow; and enough was asked."""
    schema = schemathesis.openapi.from_path(TREE / "docs" / "api" / "openapi.yaml")
    operations = [cast(Ok[Any], operation).ok() for operation in schema.get_all_operations()]
    fuzz(seen, operations, (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))
    told(seen, "REST")
    assert seen.statuses[200] + seen.statuses[201] > WANTED / 100
    assert seen.statuses.total() >= WANTED


def test_graphql_answers_whatever_comes(seen: Seen):
    """No 5xx, no trace, nothing slow; and enough was asked."""
    schema = schemathesis.graphql.from_path(TREE / "docs" / "api" / "schema.graphql")
    schema.location = f"{seen.url}/graphql"
    operations = [cast(Ok[Any], operation).ok() for operation in schema.get_all_operations()]
    fuzz(seen, operations, (GenerationMode.POSITIVE,))
    told(seen, "GraphQL")
    assert seen.statuses[200] > WANTED / 10
    assert seen.statuses.total() >= WANTED
