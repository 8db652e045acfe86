"""Yields the headers that proof and load alike send. It sends nothing."""

from lab.experiment import Arm
from lab.operations import Request


def request_headers(request: Request, *, arm: Arm) -> dict[str, str]:
    """The headers with which the proof and the load alike send `request` to `arm`; both add the run's token."""
    content = {"Content-Type": request.content_type} if request.content_type else {}
    return {"Accept": "application/json", "Lab-Variant": arm.levels, **content}
