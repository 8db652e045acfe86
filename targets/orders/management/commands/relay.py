"""Yields the command `relay`: it publishes the mails that are due, until it is told to stop."""

import signal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from targets.orders.relay import Relay


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT, and then ends with what it has begun."""

    help = "Publishes the mails that are due to Celery's workers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--pause", type=float, default=0.1, help="seconds between looks at an outbox with nothing")
        parser.add_argument("--alive", type=Path, metavar="FILE", help="touched after each look, for a health check")

    def handle(self, *args: Any, **options: Any) -> None:
        ended: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: ended.append(number))
        relay = Relay(databases=tuple(settings.DATABASES), alive=options["alive"])
        relay.run(is_over=lambda: bool(ended), pause=options["pause"])
        self.stdout.write(f"published {relay.published}")
