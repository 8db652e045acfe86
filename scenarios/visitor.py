"""Yields `Visitor`, a Locust user that asks operations and reads every answer. It says nothing of what is asked."""

from collections.abc import Mapping
from random import Random
from typing import Any

from locust import FastHttpUser

from scenarios.operations.operation import Operation, Refusal
from scenarios.settings import FACE


class Visitor(FastHttpUser):
    """Asks through the face of the settings; each visitor draws other parameters."""

    abstract = True

    def on_start(self) -> None:
        self.random = Random()

    def ask(
        self,
        operation: Operation,
        parameters: Any,
        *,
        headers: Mapping[str, str] | None = None,
        expected: tuple[str, ...] = (),
    ) -> Any:
        """What an operation is answered, as it is read; None for an answer that counts as a failure.

        A refusal is one, unless its code is among those `expected`.
        """
        request = operation.request(FACE, parameters)
        body: Any = request.body  # bytes do, though Locust's annotation asks for text
        kind = {"Content-Type": request.content_type} if request.content_type else {}
        with self.client.request(
            request.method,
            request.path,
            data=body,
            headers={**kind, **(headers or {})},
            name=operation.name,
            catch_response=True,
        ) as response:
            # Locust has found a broken connection by itself, and a bad status; there may be no body to read then.
            if response.request_meta["exception"] is not None and not expected:
                return None
            try:
                answer = operation.read(FACE, response.status_code, response.content or b"")
            except Exception as error:  # noqa: BLE001 - whatever an answer holds, its request is counted, as a failure
                response.failure(f"unexpected answer: {error!r}")
                return None
            if isinstance(answer, Refusal) and answer.code not in expected:
                response.failure(f"refused: {answer.code}")
                return None
            response.success()
            return answer
