"""Yields the project under test on a loaded `small` dataset, as fixtures for the suites that need it.

Its databases and its cache are on the session's services (tests/conftest.py), under names of their own.
"""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import pytest
import redis

TOKEN = secrets.token_urlsafe(32)

# Models can be imported only after set-up, and pytest imports test files before any fixture runs: the settings
# are read with placeholders here, and the fixture `project` names the real services before anything connects.
_WHILE_READING = {
    "DJANGO_SETTINGS_MODULE": "targets.config.settings",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "DATABASE_URL": "postgresql:///windtunnel_unset",
    "DATABASE_BARE_URL": "postgresql:///windtunnel_unset",
    "CACHE_URL": "unix:///windtunnel_unset",
    "ALLOWED_HOSTS": "testserver",
    "TARGET_LAB_TOKEN": TOKEN,
    "TARGET_EVIDENCE": "",
    "TARGET_VARIANT": "",
    "TARGET_COMMIT": "",
    "DEBUG": "0",
    # Costs are a setting: what tests log in with needs none.
    "PASSWORD_ITERATIONS": "1000",
    "RATE_REGISTER": "1000000/1",
}

import django  # noqa: E402 - the environment comes first

# Only while reading: other suites look at the environment to find given servers.
with pytest.MonkeyPatch.context() as patch:
    for name, value in _WHILE_READING.items():
        patch.setenv(name, value)
    django.setup()

from django.conf import settings  # noqa: E402 - as above
from django.core.cache import caches  # noqa: E402 - as above
from django.core.cache.backends.redis import RedisCache  # noqa: E402 - as above
from django.db import connections  # noqa: E402 - as above
from django.test import Client, override_settings  # noqa: E402 - as above

from fixtures.databases import drop_database  # noqa: E402 - as above
from fixtures.sizes import SIZES  # noqa: E402 - as above
from fixtures.template import prepare, template_name  # noqa: E402 - as above
from scenarios.operations.operation import Request  # noqa: E402 - as above
from targets.config.settings import database  # noqa: E402 - as above
from targets.variants import Variant  # noqa: E402 - as above
from targets.web import cache_breaker  # noqa: E402 - as above
from targets.web.current import requested  # noqa: E402 - as above

SEED = 7
_CACHE_PREFIX = f"windtunnel_test_{os.getpid()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUrls:
    """Where the services of a test session are."""

    database: str
    bare: str
    cache: str


@pytest.fixture(scope="session")
def service_urls(postgres_url: str, cache_url: str) -> Iterator[ServiceUrls]:
    """Databases made for this session, with and without secondary indexes, and the session's cache."""
    # Whoever runs several sessions may give them names, and then knows what a killed one left.
    prefix, size = os.environ.get("WINDTUNNEL_SUBJECT") or f"windtunnel_subject_{os.getpid()}", SIZES["small"]
    try:
        made = prepare(postgres_url, size=size, seed=SEED, prefix=prefix)
        yield ServiceUrls(database=made.indexed_url, bare=made.bare_url, cache=cache_url)
    finally:
        for name in (f"{prefix}_indexed", f"{prefix}_bare", template_name(size, seed=SEED, prefix=prefix)):
            drop_database(postgres_url, name)


@pytest.fixture(scope="session")
def project(service_urls: ServiceUrls, django_db_blocker: Any) -> Iterator[None]:
    """The Django project, connected to the session's services."""
    for alias, url in (("default", service_urls.database), ("bare", service_urls.bare)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SUBJECT_URL", url)
            settings.DATABASES[alias].update(database("SUBJECT_URL"))
    cache = {**settings.CACHES["default"], "LOCATION": service_urls.cache, "KEY_PREFIX": _CACHE_PREFIX}
    stores = {"default": cache, "rates": cache, "own_rates": settings.CACHES["own_rates"]}
    with override_settings(CACHES=stores, CACHE_URL=service_urls.cache), django_db_blocker.unblock():
        yield
        client = redis_client()
        for key in client.scan_iter(match=f"{_CACHE_PREFIX}*", count=1000):
            client.delete(key)
        client.connection_pool.disconnect()
        connections.close_all()


@pytest.fixture
def people(project: None) -> Iterator[None]:
    """Whoever a test makes is gone after it."""
    from targets.accounts.models import User
    from tests.targets.doors import forget_everyone

    before = User.objects.order_by("-id")[0].id
    yield
    forget_everyone(before)


@pytest.fixture
def fresh_cache(project: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache in which nobody has kept anything yet."""
    monkeypatch.setattr(caches["default"], "key_prefix", f"{_CACHE_PREFIX}_{secrets.token_hex(8)}")
    cache_breaker.wake()


TargetClient = Callable[..., tuple[int, bytes]]


@pytest.fixture
def target_client(fresh_cache: None) -> TargetClient:
    """Sends a request by a variant and gives (status, body)."""

    def send(
        request: Request,
        *,
        variant: Variant | str | None = None,
        token: str | None = TOKEN,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        given = dict(headers or {})
        if token is not None:
            given["Lab-Token"] = token
        if variant is not None:
            given["Lab-Variant"] = str(variant)
        answer = Client(raise_request_exception=False).generic(
            request.method,
            request.path,
            data=request.body or b"",
            content_type=request.content_type or "application/octet-stream",
            headers=given,
        )
        return answer.status_code, answer.content

    return send


@contextmanager
def served_by(variant: Variant) -> Iterator[None]:
    """Run code as though it served a request by `variant`."""
    token = requested.set(variant)
    try:
        yield
    finally:
        requested.reset(token)


def redis_client() -> redis.Redis:
    """The Redis behind the project's cache."""
    client: redis.Redis = cast(RedisCache, caches["default"])._cache.get_client(write=True)
    return client


def get(path: str) -> Request:
    """A request that reads `path`."""
    return Request(method="GET", path=path)
