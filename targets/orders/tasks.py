"""Yields what Celery's workers do for orders: send the mail that a message names, once."""

from typing import Any

from targets.orders.mails import mail_send
from targets.web.background import app


@app.task(name="orders.send_mail", bind=True)
def send_mail(self: Any, *, mail: str, database: str) -> str:
    """Send a mail of a database, unless it was sent; what became of it, in a word.

    A message that comes again has perhaps ended who had it first: the relay will say when to try again, and how often.
    """
    if self.request.delivery_info.get("redelivered"):
        return "left to the relay"
    return mail_send(mail_id=mail, database=database)
