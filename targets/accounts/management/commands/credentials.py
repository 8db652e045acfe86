"""Yields the command `credentials`, for the lab: headers by which requests say who asks, as JSON."""

import json
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.management.base import BaseCommand, CommandParser

from targets.accounts.models import User
from targets.accounts.tokens import pair_for


class Command(BaseCommand):
    """Prints an access token and a session of the first active customer, each as the name and value of a header.

    Whoever may run it has SECRET_KEY anyway, and could sign tokens without it.
    """

    help = "Prints headers with credentials of a customer, as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=int, default=300, help="how long they count")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(is_active=True, role=User.Role.CUSTOMER).order_by("id")[0]
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.set_expiry(options["seconds"])
        session.save()
        access = pair_for(user, lifetime=timedelta(seconds=options["seconds"])).access
        headers = {
            "token": ("Authorization", f"Bearer {access}"),
            "session": ("Cookie", f"{settings.SESSION_COOKIE_NAME}={session.session_key}"),
        }
        self.stdout.write(json.dumps(headers))
