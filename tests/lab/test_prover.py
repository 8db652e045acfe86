"""What the proof asks of bytes: the same of all serializers, and nothing of arms that differ otherwise."""

import json
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from lab.asker import Asker, Subject
from lab.errors import LabError
from lab.experiment import Arm
from lab.http import Answer
from lab.operations import Keyed
from lab.prover import Prover
from scenarios.operations.operation import Request, by_query


@dataclass(frozen=True, kw_only=True)
class Reading:
    """An operation whose answer is its JSON, however it is laid out."""

    name: str = "list"
    paged: Any = None
    comparable: Any = None

    def sample(self, random: Random, size: Any, /) -> int:
        return 1

    def request(self, face: str, parameters: int, paging: str = "", /) -> Request:
        return by_query("/list", page=parameters)

    def read(self, face: str, status: int, body: bytes, /) -> Any:
        return json.loads(body)


def subject(**levels: str) -> Subject:
    """The operation at an arm of these levels."""
    arm = Arm(server="target", face="rest", variant=tuple(levels.items()))
    return Subject(index=0, keyed=Keyed(operation=Reading(), keys=(1,)), arm=arm)


def compare(prover: Prover, asked: Subject, body: bytes) -> None:
    """Hold an answer with this body against what was answered before."""
    prover._compare(asked, key=0, answer=Answer(status=200, body=body, seconds=0.0), bodies={})


@pytest.fixture
def prover() -> Prover:
    """A prover that has seen no answer yet, and asks nobody."""
    return Prover(asker=Asker(clients={}, token="", credentials={}), files={}, witnesses={})


def test_serializers_must_write_the_same_bytes(prover: Prover) -> None:
    """The same values with a space more are refused, by the names of both arms."""
    compare(prover, subject(cache="off", serializer="drf"), b'{"a":1}')
    compare(prover, subject(cache="off", serializer="values"), b'{"a":1}')
    with pytest.raises(LabError, match="has the values of .*drf, in other bytes, for 1"):
        compare(prover, subject(cache="off", serializer="database"), b'{"a": 1}')


def test_other_arms_must_write_the_same_values(prover: Prover) -> None:
    """Bytes are a matter of arms that differ in nothing but the serializer."""
    compare(prover, subject(cache="off", serializer="drf"), b'{"a":1}')
    compare(prover, subject(cache="view", serializer="values"), b'{"a": 1}')
    compare(prover, subject(cache="both"), b'{ "a":1}')
    with pytest.raises(LabError, match="differs from"):
        compare(prover, subject(cache="both"), b'{"a":2}')


def test_values_are_counted_however_they_are_nested(prover: Prover) -> None:
    """Names count for nothing: faces name alike things unlike."""
    compare(prover, subject(cache="off"), b'{"items":[{"id":1,"tags":[]},{"id":2,"tags":[null,"x"]}],"hasNext":true}')
    assert prover.values == {("list", "rest", "", 0): 5}
