"""Yields the hasher of passwords: PBKDF2 with SHA-256, at a cost that is a setting."""

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher


class CostedHasher(PBKDF2PasswordHasher):
    """Hashes PASSWORD_ITERATIONS times; a hash of another cost is made anew at the next login."""

    iterations = settings.PASSWORD_ITERATIONS
