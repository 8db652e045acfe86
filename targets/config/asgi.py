"""Yields `application`, the project for ASGI servers."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

from targets.web.kept_connections import watch

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "targets.config.settings")
os.environ["TARGET_INTERFACE"] = "asgi"

watch()
_django: Any = get_asgi_application()

from django.conf import settings  # noqa: E402 - they can be read from here on

from targets.web.asgi_guard import guarded  # noqa: E402 - as above
from targets.web.cache_store import know_databases  # noqa: E402 - as above

know_databases()

application = guarded(_django, limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
