"""Yields `application`, the project for WSGI servers."""

import os

from django.core.wsgi import get_wsgi_application

from targets.web.content_type import with_plain_content_type
from targets.web.kept_connections import watch

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "targets.config.settings")
os.environ["TARGET_INTERFACE"] = "wsgi"

watch()
application = with_plain_content_type(get_wsgi_application())

from targets.web.cache_store import know_databases  # noqa: E402 - settings can be read from here on

know_databases()
