"""Yields what Celery's workers do for accounts: once a day, when beat says so, forget tokens that have expired."""

from targets.accounts.logins import forget_expired
from targets.web.background import app


@app.task(name="accounts.forget_tokens")
def forget_tokens() -> str:
    """Remove what is on the blacklist and has expired; how much it was. Twice does no harm."""
    return f"{forget_expired()} expired rows removed"
