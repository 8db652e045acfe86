"""Yields the command `fill_blacklist`, for the lab: so many tokens that count no more, of no login that there is."""

from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

_FILL: Final = """
    INSERT INTO accounts_blacklistedtoken (key, user_id, reason, blacklisted_at, expires_at)
    SELECT md5(number::text)::uuid, (SELECT min(id) FROM accounts_user), 'rotated', now(), now() + interval '14 days'
    FROM generate_series(1, %s) AS number
"""


class Command(BaseCommand):
    """Adds rows to the blacklist, in the order that real ones come in: with ids that are spread evenly."""

    help = "Adds so many rows to the blacklist."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("rows", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_FILL, [options["rows"]])
            cursor.execute("VACUUM (ANALYZE) accounts_blacklistedtoken")
