"""Yields the Django settings, each read from the environment or `.env`; `.env.example` lists them.

It has no per-environment variants: what differs between machines is an environment variable.
"""

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry

from targets.variants import Variant

BASE_DIR = Path(__file__).resolve().parents[2]

env = environ.Env()
env.read_env(BASE_DIR / ".env")


def database(name: str) -> dict[str, Any]:
    """The database that the variable `name` holds a libpq URL of, by TCP or by `?host=/socket/dir&port=5432`."""
    settings = dict(env.db_url(name))
    options = dict(settings.pop("OPTIONS", {}))
    settings["HOST"] = options.pop("host", settings["HOST"])
    settings["PORT"] = str(options.pop("port", settings["PORT"]))
    # Kept for the life of the process: a connection per request costs more than most requests.
    return {**settings, "OPTIONS": options, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": False}


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="insecure-and-for-debugging-only" if DEBUG else environ.Env.NOTSET)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])

ROOT_URLCONF = "targets.config.urls"
WSGI_APPLICATION = "targets.config.wsgi.application"
ASGI_APPLICATION = "targets.config.asgi.application"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "rest_framework",
    "graphene_django",
    "targets.accounts",
    "targets.catalog",
    "targets.orders",
]
MIDDLEWARE = [
    "targets.web.lab_mode.VariantMiddleware",
    "targets.web.evidence.EvidenceMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
AUTH_USER_MODEL = "accounts.User"

DATABASES = {"default": database("DATABASE_URL")}
if env.str("DATABASE_BARE_URL", default=""):
    DATABASES["bare"] = database("DATABASE_BARE_URL")
DATABASE_ROUTERS = ["targets.web.routing.VariantRouter"]

CACHE_URL = env.str("CACHE_URL", default="")
CACHE_SECONDS = env.int("CACHE_SECONDS", default=300)
CACHES: dict[str, dict[str, Any]] = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
if CACHE_URL:
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": env.str("CACHE_PREFIX", default="windtunnel"),
        "TIMEOUT": CACHE_SECONDS,
        "OPTIONS": {
            "serializer": "targets.web.cache_store.BytesSerializer",
            # A cache that answers later than the database would is no cache; redis-py's own default
            # retries for seconds. One retry outlives a restarted server's stale connections.
            "socket_timeout": 0.25,
            "socket_connect_timeout": 0.25,
            "retry": Retry(NoBackoff(), 1),
        },
    }

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "EXCEPTION_HANDLER": "targets.web.errors.answer_exception",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}

TARGET_COMMIT = env.str("TARGET_COMMIT", default="")
TARGET_EVIDENCE = env.str("TARGET_EVIDENCE", default="")
TARGET_LAB_TOKEN = env.str("TARGET_LAB_TOKEN", default="")
if TARGET_LAB_TOKEN and len(TARGET_LAB_TOKEN) < 32:
    raise ImproperlyConfigured("TARGET_LAB_TOKEN must have at least 32 characters")
try:
    TARGET_VARIANT = Variant().with_levels(env.str("TARGET_VARIANT", default=""))
except ValueError as error:
    raise ImproperlyConfigured(f"TARGET_VARIANT: {error}") from error
if TARGET_VARIANT.indexes == "off" and "bare" not in DATABASES:
    raise ImproperlyConfigured("TARGET_VARIANT has indexes=off, which needs DATABASE_BARE_URL")
if TARGET_VARIANT.cache != "off" and not CACHE_URL:
    raise ImproperlyConfigured(f"TARGET_VARIANT has cache={TARGET_VARIANT.cache}, which needs CACHE_URL")
