"""Yields the settings that the developer's seat adds to the project's own. No answer depends on one."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

PANELS: Final = [
    "targets.seat.panel.KnobsPanel",
    "debug_toolbar.panels.history.HistoryPanel",
    "debug_toolbar.panels.timer.TimerPanel",
    "debug_toolbar.panels.headers.HeadersPanel",
    "debug_toolbar.panels.request.RequestPanel",
    "debug_toolbar.panels.sql.SQLPanel",
    "debug_toolbar.panels.cache.CachePanel",
    "debug_toolbar.panels.templates.TemplatesPanel",
    "debug_toolbar.panels.settings.SettingsPanel",
    "debug_toolbar.panels.versions.VersionsPanel",
    "debug_toolbar.panels.profiling.ProfilingPanel",
]

_BEFORE: Final = [
    # Outermost: what the panels say of a request, they say by its variant.
    "targets.seat.knobs.KnobsMiddleware",
    # Outside the toolbar: what finds out who is logged in to the admin site is no evidence of the API.
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "targets.seat.pages.ActorMiddleware",
    "debug_toolbar.middleware.DebugToolbarMiddleware",
    # Outside the project's own: it makes a page of the answer that a client gets.
    "targets.seat.pages.PagesMiddleware",
]
_APPS: Final = [
    "django.contrib.admin",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "debug_toolbar",
    "drf_spectacular_sidecar",
    "graphene_django_graphiql_static",
    "targets.seat",
]
_CONTEXT: Final = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]


def settings_added(
    *, apps: Sequence[str], middleware: Sequence[str], spectacular: Mapping[str, Any], logging: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings by name, made of those that the project has."""
    # The toolbar would ask whether a parameter is a place, and Django look for GDAL in 0.2 s of each start.
    sys.modules.setdefault("django.contrib.gis.db.backends.postgis.adapter", None)  # type: ignore[arg-type]
    return {
        "INSTALLED_APPS": [*apps, *_APPS],
        "MIDDLEWARE": [*_BEFORE, *middleware],
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
                "OPTIONS": {"context_processors": _CONTEXT},
            },
        ],
        "STATIC_URL": "static/",
        "INTERNAL_IPS": ["127.0.0.1", "::1"],
        # In the cookie itself: whoever is logged in stays so in either database.
        "SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies",
        "SESSION_COOKIE_SECURE": False,
        "SESSION_COOKIE_NAME": "seat_session",
        "DEBUG_TOOLBAR_PANELS": PANELS,
        # Folded: unfolded it lies over the buttons of Swagger UI and GraphiQL.
        "DEBUG_TOOLBAR_CONFIG": {
            "UPDATE_ON_FETCH": True, "RESULTS_CACHE_SIZE": 100, "SHOW_TEMPLATE_CONTEXT": False, "SHOW_COLLAPSED": True,
        },
        "SPECTACULAR_SETTINGS": {
            **spectacular, "SWAGGER_UI_DIST": "SIDECAR", "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
            "SWAGGER_UI_SETTINGS": {"persistAuthorization": True},
        },
        # Its terminal shows each request, as runserver writes it.
        "LOGGING": {**logging, "loggers": {**logging["loggers"], "django.server": {"level": "INFO"}}},
    }  # fmt: skip
