"""Yields answers to single requests over one kept connection, for proof and probes. It is no load generator."""

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from lab.errors import LabError


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status, a body, and the seconds from sending to the last byte."""

    status: int
    body: bytes
    seconds: float


class Client:
    """A kept connection to one server at `url` (http://host:port, or https with a certificate that holds)."""

    def __init__(self, url: str, *, timeout: float = 60.0) -> None:
        self.url = url
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=timeout)

    def send(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """The answer to one request. Raises LabError when none comes."""
        start = time.perf_counter()
        try:
            self._connection.request(method, path, body=body, headers=dict(headers))
            response = self._connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise LabError(
                f"{self.url}{path} did not answer: {error!r}", hint="see the server's log under .lab/logs"
            ) from error
        return Answer(status=response.status, body=data, seconds=time.perf_counter() - start)

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()
