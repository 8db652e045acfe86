"""Yields the relay: it publishes the mails that are due. It alone talks to the broker, and sends nothing itself.

What is published is only a hint: the outbox says what is to be sent, and whatever is not sent in time comes due again.
So a broker that is away, or that forgets, loses nothing.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.db import connections, transaction
from django.utils import timezone

from targets.orders.mails import LEASE, MOST_PUBLISHED
from targets.orders.models import Mail
from targets.orders.tasks import send_mail

BATCH: Final = 200
AGAIN: Final = timedelta(seconds=1)
"""When a mail comes due again that the broker did not take."""

PATIENCE: Final = 5.0
"""Seconds in which a broker has to say that it has a message."""

_log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Relay:
    """Publishes from the databases named by their aliases; one relay is enough, and many do no harm."""

    databases: tuple[str, ...]
    published: int = 0
    alive: Path | None = None
    """A file that is touched after each look into the outbox that succeeded."""

    def run(self, *, is_over: Callable[[], bool], pause: float) -> None:
        """Publish what is due, and look again after `pause` seconds where nothing is, until it is over."""
        while not is_over():
            try:
                done = sum(self.once(database) for database in self.databases)
            except Exception:  # noqa: BLE001 - whatever it was, mails are due, and nobody else publishes them
                _log.exception("the relay could not look into the outbox")
                for connection in connections.all():
                    connection.close()
                done = 0
            else:
                if self.alive:
                    self.alive.touch()
            if done < BATCH:
                time.sleep(pause)

    def once(self, database: str) -> int:
        """Publish up to a batch of what is due in a database; how many the broker took."""
        mails = self._claimed(database)
        for number, mail in enumerate(mails):
            try:
                send_mail.apply_async(
                    kwargs={"mail": str(mail.pk), "database": database},
                    # The relay tries again itself, and must not hang in an attempt.
                    retry=False,
                    confirm_timeout=PATIENCE,
                )
            except Exception as error:  # noqa: BLE001 - brokers and their clients fail in many ways
                _log.warning("the broker takes nothing: %s", type(error).__name__)
                self._give_back(mails[number:], database=database)
                return number
            self.published += 1
        return len(mails)

    @staticmethod
    def _claimed(database: str) -> list[Mail]:
        """Mails that are due, due again only when whoever is told of them had time to send them."""
        now = timezone.now()
        rows = Mail.objects.using(database)
        with transaction.atomic(using=database):
            due = rows.filter(state=Mail.State.PENDING, due_at__lte=now).order_by("due_at")
            mails = list(due.select_for_update(skip_locked=True)[:BATCH])
            for mail in mails:
                # Later each time: where the queue is long, more hints would only make it longer.
                mail.due_at = now + LEASE * 2 ** min(mail.published, 6)
                mail.published += 1
                mail.published_at = mail.published_at or now
                if mail.published > MOST_PUBLISHED:
                    mail.state, mail.fault = Mail.State.DEAD, "published too often"
            rows.bulk_update(mails, ["due_at", "published", "published_at", "state", "fault"])
        return [mail for mail in mails if mail.state == Mail.State.PENDING]

    @staticmethod
    def _give_back(mails: list[Mail], *, database: str) -> None:
        for mail in mails:
            mail.due_at, mail.published = timezone.now() + AGAIN, mail.published - 1
            mail.published_at = mail.published_at if mail.published else None
        Mail.objects.using(database).bulk_update(mails, ["due_at", "published", "published_at"])
