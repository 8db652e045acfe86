"""Yields the command `prepare_seat`: what the seat needs in its databases, and who may enter the admin site."""

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.core.management.base import BaseCommand

from targets.accounts.models import User

EMAIL = "admin@windtunnel.example"


class Command(BaseCommand):
    """Makes the tables of the admin site and its first user, in every database; prints its e-mail and password."""

    help = "Prepares the databases of a developer's seat; prints its admin's log-in."

    def handle(self, *args: Any, **options: Any) -> None:
        password = secrets.token_urlsafe(9)
        # One hash for all: a session that holds in one database holds in the other.
        hashed = make_password(password)
        for alias in settings.DATABASES:
            call_command("migrate", database=alias, verbosity=0)
            User.objects.using(alias).filter(email=EMAIL).delete()
            User(email=EMAIL, name="Admin", role=User.Role.ADMIN, is_superuser=True, password=hashed).save(using=alias)
        self.stdout.write(f"{EMAIL} {password}")
