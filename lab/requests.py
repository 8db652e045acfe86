"""Yields the headers that proof and load alike send. It sends nothing."""

from collections.abc import Mapping

from lab.experiment import Arm
from lab.operations import Request


def request_headers(
    request: Request, *, arm: Arm, credentials: Mapping[str, tuple[str, str]] | None = None
) -> dict[str, str]:
    """The headers with which the proof and the load alike send `request` to `arm`; both add the run's token."""
    headers = {"Accept": "application/json", "Lab-Variant": arm.levels}
    if request.content_type:
        headers["Content-Type"] = request.content_type
    if arm.credentials and credentials:
        name, value = credentials[arm.credentials]
        headers[name] = value
    return headers
