"""Yields `app`, the Celery application: `celery -A targets.web.background worker`. What it does, the apps' tasks say.

Nothing that serves a request publishes to it: a broker that is away must not be waited for.
"""

import os

from celery import Celery  # type: ignore[import-untyped]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "targets.config.settings")

app = Celery("windtunnel")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
