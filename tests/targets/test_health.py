"""`/healthz` says whether a server can serve: whether its database answers. It is asked from within."""

import json
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client, override_settings

from lab.server import free_port


@pytest.fixture
def without_database(project: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database is where nobody listens."""
    connections["default"].close()
    for name, value in (("HOST", "127.0.0.1"), ("PORT", str(free_port()))):
        monkeypatch.setitem(connections["default"].settings_dict, name, value)
    yield
    connections["default"].close()


def test_a_server_whose_database_answers_is_well(project: None):
    """200 and no more than that; nobody keeps it."""
    answer = Client().get("/healthz")
    assert (answer.status_code, json.loads(answer.content)) == (200, {"database": "answers"})
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_server_without_its_database_is_unwell(without_database: None):
    """503, as for every other request that needs it; and it is well again as soon as the database is back."""
    answer = Client().get("/healthz")
    assert (answer.status_code, json.loads(answer.content)["error"]["code"]) == (503, "unavailable")


def test_a_server_without_its_cache_is_well(project: None):
    """All is answered without it, only later."""
    cache = {**settings.CACHES["default"], "LOCATION": f"redis://127.0.0.1:{free_port()}/0"}
    with override_settings(CACHES={**settings.CACHES, "default": cache, "rates": cache}):
        assert Client().get("/healthz").status_code == 200


def test_health_is_asked_without_tls(project: None):
    """Who asks from within comes by no proxy: all else is sent to HTTPS, this is answered."""
    with override_settings(SECURE_SSL_REDIRECT=True):
        client = Client()
        assert client.get("/api/products/").status_code == 301
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(("method", "status"), [("head", 200), ("post", 405), ("delete", 405)])
def test_health_is_only_looked_at(project: None, method: str, status: int):
    """Whoever asks for more is refused."""
    assert getattr(Client(), method)("/healthz").status_code == status
