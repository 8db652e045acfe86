"""Yields `application`, the project for WSGI servers."""

import os

from django.core.wsgi import get_wsgi_application

from targets.web.content_type import with_plain_content_type

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "targets.config.settings")

application = with_plain_content_type(get_wsgi_application())
