"""Yields what Celery's workers do for orders: send the mail that a message names, once."""

from targets.orders.mails import mail_send
from targets.web.background import app


@app.task(name="orders.send_mail")
def send_mail(*, mail: str, database: str) -> str:
    """Send a mail of a database, unless it was sent; what became of it, in a word."""
    return mail_send(mail_id=mail, database=database)
