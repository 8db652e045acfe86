"""Yields the command `forget_tokens`, to be run once a day: what is on the blacklist and has expired is removed."""

from typing import Any

from django.core.management.base import BaseCommand

from targets.accounts.logins import forget_expired


class Command(BaseCommand):
    """Removes expired rows of the blacklist, and says how many."""

    help = "Removes what is on the blacklist of tokens and has expired."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{forget_expired()} expired rows removed")
