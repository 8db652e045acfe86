"""Yields the sending of mails: what is written, how often it is tried, and when nobody tries any more.

A mail may be tried by several at once, and by those who died on the way: the row's lock lets one of them send.
"""

import logging
import random
from datetime import timedelta
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from targets.orders.models import Mail

LEASE: Final = timedelta(seconds=settings.MAIL_LEASE_SECONDS)
"""How long a mail that was published may be under way before it is published again."""

MOST_ATTEMPTS: Final = 20
"""How often a mail is tried at most: over some eight hours."""

MOST_PUBLISHED: Final = 100
"""How often a mail is published at most: one that ends whoever sends it must not be tried for ever."""

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 3600.0

_log = logging.getLogger(__name__)


def mail_send(*, mail_id: str, database: str) -> str:
    """Send a mail, unless it was sent or is being sent; what became of it, in a word."""
    with transaction.atomic(using=database):
        pending = Mail.objects.using(database).filter(id=mail_id, state=Mail.State.PENDING)
        mail = (
            pending.select_for_update(skip_locked=True, of=("self",))
            .select_related("order__customer", "order__address")
            .first()
        )
        if mail is None:
            return "nothing to do"
        try:
            message_of(mail).send()
        except (SMTPException, OSError) as error:
            _failed(mail, error)
        else:
            mail.state, mail.sent_at, mail.fault = Mail.State.SENT, timezone.now(), ""
        mail.save(using=database, update_fields=["state", "sent_at", "attempts", "due_at", "fault"])
    return mail.state


def message_of(mail: Mail) -> EmailMultiAlternatives:
    """The message, as text and as HTML."""
    order = mail.order
    shown = {
        "order": order, "customer": order.customer, "address": order.address,
        # Of the mail's own database: no request is served here that would name one.
        "lines": order.lines.using(mail._state.db).order_by("id").select_related("product"),
    }  # fmt: skip
    message = EmailMultiAlternatives(
        subject=f"Your order {order.pk}",
        body=render_to_string("orders/confirmation.txt", shown),
        to=[order.customer.email],
        headers={"Message-ID": mail.message_id},
    )
    message.attach_alternative(render_to_string("orders/confirmation.html", shown), "text/html")
    return message


def pause(attempts: int) -> timedelta:
    """How long to wait after so many attempts: twice as long each time, and never all at once."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempts)
    return timedelta(seconds=longest * random.uniform(0.5, 1.5))


def _failed(mail: Mail, error: Exception) -> None:
    mail.attempts += 1
    # What a server said may hold addresses; a code and a kind are enough to know what to do.
    mail.fault = f"{type(error).__name__} {_code(error) or ''}".strip()
    mail.due_at = timezone.now() + pause(mail.attempts)
    # Only of the mail itself a server can say that it will never be taken: its own faults are over some day.
    is_refused = isinstance(error, SMTPRecipientsRefused | SMTPDataError) and _code(error) >= 500
    if mail.attempts >= MOST_ATTEMPTS or is_refused:
        mail.state = Mail.State.DEAD
        _log.error("the mail of order %s is given up: %s", mail.order_id, mail.fault)


def _code(error: Exception) -> int:
    """The reply code of the server; 0 where there was no reply."""
    if isinstance(error, SMTPRecipientsRefused):
        return min((code for code, _ in error.recipients.values()), default=0)
    return error.smtp_code if isinstance(error, SMTPResponseException) else 0
