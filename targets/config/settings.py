"""Yields the Django settings, each read from the environment or `.env`; `.env.example` lists them.

It has no per-environment variants: what differs between machines is an environment variable.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from kombu.entity import Queue
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from targets.variants import Variant
from targets.web.rate import Rate

BASE_DIR = Path(__file__).resolve().parents[2]

env = environ.Env()
# The developer's seat: `serve` sets it for its own server. It is read before .env is, where it has no place.
SEAT = env.bool("TARGET_SEAT", default=False)
env.read_env(BASE_DIR / ".env")

# By which kind of server the project is served: its entry point says so.
INTERFACE = env.str("TARGET_INTERFACE", default="")


def database(name: str) -> dict[str, Any]:
    """The database that the variable `name` holds a libpq URL of, by TCP or by `?host=/socket/dir&port=5432`."""
    settings = dict(env.db_url(name))
    options = dict(settings.pop("OPTIONS", {}))
    settings["HOST"] = options.pop("host", settings["HOST"])
    settings["PORT"] = str(options.pop("port", settings["PORT"]))
    timeout = env.float("DATABASE_TIMEOUT_SECONDS", default=10.0)
    # What is planned once is planned for all values: PostgreSQL would else go on to look at each.
    options["options"] = f"-c plan_cache_mode=force_generic_plan -c statement_timeout={round(timeout * 1000)}"
    # Kept for the life of the process: a connection per request costs more than most requests. Under ASGI each request
    # has a thread of its own, which takes its connection with it.
    kept = 0 if INTERFACE == "asgi" else None
    return {**settings, "OPTIONS": options, "CONN_MAX_AGE": kept, "CONN_HEALTH_CHECKS": False}


def rate(name: str, *, default: str) -> Rate:
    """How often something may happen, as the variable `name` says it: `600/60` is 600 times in 60 seconds."""
    try:
        return Rate.parse(env.str(name, default=default))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from error


def broker_of(url: str) -> str:
    """The Redis or Valkey at `url` as Celery's broker: a socket has a scheme of its own there."""
    if not url.startswith("unix://"):
        return url
    parts = urlsplit(url)
    number = parse_qs(parts.query).get("db", ["0"])[0]
    login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"redis+socket://{login}{parts.path}?virtual_host={number}"


DEBUG = env.bool("DEBUG", default=False)
if SEAT and not DEBUG:
    raise ImproperlyConfigured("TARGET_SEAT is on, which needs DEBUG on")
SECRET_KEY = env.str("SECRET_KEY", default="insecure-and-for-debugging-only" if DEBUG else environ.Env.NOTSET)
if SECRET_KEY.startswith("change-me") and not DEBUG:
    raise ImproperlyConfigured("SECRET_KEY is the one of .env.example: make one of your own, as it says there")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])

ROOT_URLCONF = "targets.config.urls"
WSGI_APPLICATION = "targets.config.wsgi.application"
ASGI_APPLICATION = "targets.config.asgi.application"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "rest_framework",
    "drf_spectacular",
    "graphene_django",
    "targets.web",
    "targets.accounts",
    "targets.catalog",
    "targets.orders",
]
MIDDLEWARE = [
    "targets.web.lab_mode.VariantMiddleware",
    "targets.web.evidence.EvidenceMiddleware",
    "targets.web.cache_status.CacheStatusMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.common.CommonMiddleware",
]
# No cookie authenticates anybody here, so there is nothing that a forged request could use.
SILENCED_SYSTEM_CHECKS = ["security.W003"]
# Bodies are a few hundred bytes; a longer one is refused by its announced length, before it is read.
DATA_UPLOAD_MAX_MEMORY_SIZE = 100_000

# What mails say is rendered from templates; no answer of either face is.
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

# Behind a proxy that ends TLS, which must set X-Forwarded-Proto itself.
HTTPS = env.bool("HTTPS", default=False)
SECURE_SSL_REDIRECT = HTTPS
# Asked from within, by whoever runs the server, where there is no proxy.
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
# No session is ever begun here: the lab alone reads them, to compare them with tokens.
SESSION_COOKIE_SECURE = True
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["targets.accounts.hashing.CostedHasher"]
PASSWORD_ITERATIONS = env.int("PASSWORD_ITERATIONS", default=600_000)
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
     "OPTIONS": {"user_attributes": ("email", "name")}},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]  # fmt: skip

# The first one signs, every one verifies: put a new key in front, and drop the old one when its tokens are over.
JWT_KEYS = env.list("JWT_KEYS", default=[]) or [SECRET_KEY]
if JWT_KEYS != [SECRET_KEY] and min(map(len, JWT_KEYS)) < 32:
    raise ImproperlyConfigured("each of JWT_KEYS must have at least 32 characters")
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "AUDIENCE": "windtunnel",
    "ISSUER": "windtunnel",
    "USER_ID_CLAIM": "sub",
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=env.int("ACCESS_TOKEN_SECONDS", default=300)),
    "REFRESH_TOKEN_LIFETIME": timedelta(seconds=env.int("REFRESH_TOKEN_SECONDS", default=14 * 86_400)),
}

RATE_USER = rate("RATE_USER", default="1200/60")
RATE_ADDRESS = rate("RATE_ADDRESS", default="600/60")
RATE_LOGIN = rate("RATE_LOGIN", default="10/900")
RATE_LOGIN_ADDRESS = rate("RATE_LOGIN_ADDRESS", default="100/900")
RATE_REGISTER = rate("RATE_REGISTER", default="20/3600")

DATABASES = {"default": database("DATABASE_URL")}
if env.str("DATABASE_BARE_URL", default=""):
    DATABASES["bare"] = database("DATABASE_BARE_URL")
DATABASE_ROUTERS = ["targets.web.routing.VariantRouter"]

CACHE_URL = env.str("CACHE_URL", default="")
CACHE_SECONDS = env.int("CACHE_SECONDS", default=300)
CACHE_REFILL_SECONDS = env.float("CACHE_REFILL_SECONDS", default=5.0)
if CACHE_REFILL_SECONDS < 0.1:
    raise ImproperlyConfigured(f"CACHE_REFILL_SECONDS is {CACHE_REFILL_SECONDS}: it must be at least 0.1")
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
    # What limits are counted in where no Redis counts for all processes.
    "own_rates": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 100_000}},
}
if CACHE_URL:
    CACHES["default"] = {
        "BACKEND": "targets.web.kept_client.KeptRedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": env.str("CACHE_PREFIX", default="windtunnel"),
        "TIMEOUT": CACHE_SECONDS,
        "OPTIONS": {
            "serializer": "targets.web.cache_store.BytesSerializer",
            # A cache that answers later than the database would is no cache; redis-py's own default
            # retries for seconds. One retry outlives a restarted server's stale connections; a slow one has none.
            "socket_timeout": 0.25,
            "socket_connect_timeout": 0.25,
            "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        },
    }
CACHES["rates"] = CACHES["default" if CACHE_URL else "own_rates"]

# Whether a server sends mails itself, or the relay has Celery's workers send them.
TASKS = env.str("TASKS", default="celery")
if TASKS not in {"inline", "celery"}:
    raise ImproperlyConfigured(f"TASKS is {TASKS}: it must be inline or celery")
MAIL_LEASE_SECONDS = env.float("MAIL_LEASE_SECONDS", default=30.0)
EMAIL = env.email_url("EMAIL_URL", default="consolemail://" if DEBUG else "smtp://localhost:25")
EMAIL_BACKEND = EMAIL["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = EMAIL["EMAIL_HOST"] or "localhost", EMAIL["EMAIL_PORT"] or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = EMAIL["EMAIL_HOST_USER"] or "", EMAIL["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = EMAIL.get("EMAIL_USE_TLS", False), EMAIL.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = env.float("EMAIL_TIMEOUT_SECONDS", default=5.0)
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="shop@windtunnel.example")

CELERY_BROKER_URL = env.str("BROKER_URL", default="") or broker_of(CACHE_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 2.0
# On Redis a task whose worker died comes again after this long; on RabbitMQ at once, and publishing is confirmed.
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": 60, "socket_timeout": 5.0, "global_keyprefix": env.str("BROKER_PREFIX", default="")}
    if "redis" in CELERY_BROKER_URL.partition("://")[0]
    else {"confirm_publish": True}
)
CELERY_TASK_DEFAULT_QUEUE = env.str("BROKER_QUEUE", default="windtunnel")
# RabbitMQ forgets a queue that nobody used for a day: what is in it are hints, and the outbox has more of them.
CELERY_TASK_QUEUES = [Queue(CELERY_TASK_DEFAULT_QUEUE, queue_arguments={"x-expires": 86_400_000})]
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# What wants a schedule; mails want none, as the relay looks for those that are due all the time.
CELERY_BEAT_SCHEDULE = {"forget-tokens": {"task": "accounts.forget_tokens", "schedule": timedelta(days=1)}}
# Beat answers `celery inspect ping` as workers do, as long as it goes round.
CELERY_BEAT_ENABLE_REMOTE_CONTROL = True

# To standard error, also in production: a defect of which a client learns nothing must be told somewhere.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    # What is refused is no defect.
    "loggers": {"django": {"handlers": [], "level": "INFO"}, "django.request": {"level": "ERROR"}},
}

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["targets.web.bodies.ObjectParser"],
    "DEFAULT_SCHEMA_CLASS": "targets.web.openapi.ContractSchema",
    # Who asks is known before a view is: `accounts.entrance` stands before both faces.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["targets.accounts.permissions.Nobody"],
    "EXCEPTION_HANDLER": "targets.web.errors.answer_exception",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Windtunnel's shop",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "APPEND_COMPONENTS": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
    "SECURITY": [{}, {"bearer": []}],
}

# Who says what a parcel costs: `name=URL` with commas, and how long each may take.
CARRIERS = dict(each.split("=", 1) for each in env.list("CARRIERS", default=[]))
CARRIER_SECONDS = env.float("CARRIER_SECONDS", default=0.25)

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
if TARGET_VARIANT.fanout == "async" and INTERFACE == "wsgi":
    raise ImproperlyConfigured("TARGET_VARIANT has fanout=async, which needs an ASGI server")
if TARGET_VARIANT.cache != "off" and not CACHE_URL:
    raise ImproperlyConfigured(f"TARGET_VARIANT has cache={TARGET_VARIANT.cache}, which needs CACHE_URL")

if SEAT:
    from targets.seat.added import settings_added

    globals().update(
        settings_added(apps=INSTALLED_APPS, middleware=MIDDLEWARE, spectacular=SPECTACULAR_SETTINGS, logging=LOGGING)
    )
