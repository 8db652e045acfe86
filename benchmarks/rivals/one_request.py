"""What people write with pytest-benchmark to time a request: saved for one commit, compared at the other.

`RIVAL_ASK` is JSON: host, port, headers and the paths that are asked in turn.
"""

import http.client
import itertools
import json
import os

from pytest_benchmark.fixture import BenchmarkFixture

ASKED = json.loads(os.environ["RIVAL_ASK"])


def test_request(benchmark: BenchmarkFixture) -> None:
    """One request and its whole answer, on a connection that stays."""
    connection = http.client.HTTPConnection(ASKED["host"], ASKED["port"])
    paths = itertools.cycle(ASKED["paths"])

    def ask() -> int:
        connection.request("GET", next(paths), headers=ASKED["headers"])
        answer = connection.getresponse()
        answer.read()
        return answer.status

    assert benchmark(ask) == 200
    connection.close()
