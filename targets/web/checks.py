"""Yields what `python -m targets check --deploy` asks beyond Django's own checks."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error


def check_lab_token(**_: Any) -> list[CheckMessage]:
    """A server with a token of the lab serves whoever knows it as the lab: by another variant, by another database.

    What such a server listens on does not matter here: a proxy before it may make any address public.
    """
    if not settings.TARGET_LAB_TOKEN:
        return []
    return [
        Error(
            "TARGET_LAB_TOKEN is set: whoever knows it has lab mode",
            hint="Unset it. The service web-lab of docker-compose.yml, on the loopback alone, is where it belongs.",
            id="windtunnel.E001",
        )
    ]


def check_seat(**_: Any) -> list[CheckMessage]:
    """The developer's seat shows statements, settings and rows to whoever asks, and takes knobs from a cookie."""
    if not settings.SEAT:
        return []
    return [
        Error(
            "TARGET_SEAT is set: the developer's seat is there for everybody",
            hint="Unset it, and DEBUG with it. ./noxw -s serve sets both, for a server on the loopback.",
            id="windtunnel.E002",
        )
    ]
