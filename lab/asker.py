"""Yields `Asker`, which sends what a cell asks, trip by trip, to its server. It judges no answer."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from lab.errors import LabError
from lab.experiment import Arm
from lab.http import Answer, Client
from lab.operations import Keyed, Request
from lab.requests import request_headers

Sent = tuple[str, str, bytes | None]

HINT: Final = "ask for it by hand, as its client would"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A cell to prove: an operation with its keys, at an arm."""

    index: int
    keyed: Keyed
    arm: Arm

    def request(self, key: int) -> Request:
        """The request with which a client begins."""
        return self.keyed.operation.request(self.arm.face, self.keyed.asked(key), self.arm.paging)


@dataclass(kw_only=True)
class Asker:
    """Sends requests to the servers' `clients`, with the run's token, and with the `credentials` of a cell's arm.

    A prelude is sent once for each key of a cell: what its answer led to is what is asked.
    """

    clients: Mapping[str, Client]
    token: str
    credentials: Mapping[str, tuple[str, str]]
    _trips: dict[tuple[int, int], tuple[Sent, ...]] = field(default_factory=dict)
    _learnt: dict[tuple[int, int], Request] = field(default_factory=dict)

    def prepare(self, subject: Subject, *, key: int) -> Request:
        """The first request that counts. Raises LabError where a prelude's answer does not tell it."""
        at, request = (subject.index, key), subject.request(key)
        if not request.is_prelude:
            return request
        if at not in self._learnt:
            answer = self._one(subject, request)
            name = subject.keyed.operation.name
            if answer.status != 200 or request.follow is None:
                raise LabError(f"{name} cannot be asked: status {answer.status} to what comes before it", hint=HINT)
            try:
                self._learnt[at] = request.follow(answer.body)
            except ValueError as error:
                raise LabError(f"{name} cannot be asked: {error}", hint=HINT) from error
        return self._learnt[at]

    def send(self, subject: Subject, *, key: int, mark: str = "") -> Answer:
        """The answer to all trips of a request together: the last status, or the first that is no success.

        With a `mark` each trip's evidence is asked for, under the mark and the trip's number.
        """
        found = Answer(status=200, body=b"", seconds=0.0)
        trips = [self.prepare(subject, key=key)]
        for number, trip in enumerate(trips):
            answer = self._one(subject, trip, mark=f"{mark}.{number}" if mark else "")
            found = Answer(
                status=answer.status, body=found.body + answer.body, seconds=found.seconds + answer.seconds
            )  # fmt: skip
            if answer.status == 200 and trip.follow:
                # What cannot be followed is a wrong answer, and is told as such by its reader.
                with suppress(ValueError):
                    trips.append(trip.follow(answer.body))
        self._trips[subject.index, key] = tuple((trip.method, trip.path, trip.body) for trip in trips)
        return found

    def trips(self, subject: Subject, *, key: int) -> int:
        """How many trips the key took when it was sent last."""
        return len(self._trips[subject.index, key])

    def learnt(self, subject: Subject, *, key: int) -> tuple[Sent, ...]:
        """What was sent last beyond the request with which a client begins, which is known by itself."""
        trips = self._trips[subject.index, key]
        return trips if subject.request(key).is_prelude else trips[1:]

    def _one(self, subject: Subject, request: Request, *, mark: str = "") -> Answer:
        headers = request_headers(request, arm=subject.arm, credentials=self.credentials)
        headers |= {"Lab-Token": self.token} | ({"Lab-Request": mark} if mark else {})
        client = self.clients[subject.arm.server]
        return client.send(request.method, request.path, headers=headers, body=request.body)
