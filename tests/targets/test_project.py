import os
import re
import runpy
from io import StringIO
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

SETTINGS = Path(__file__).parents[2] / "targets" / "config" / "settings.py"


def test_django_finds_nothing_to_say(project: None):
    """The system checks are clean."""
    call_command("check", fail_level="DEBUG", stdout=StringIO())


def test_every_change_of_a_model_has_its_migration(project: None):
    """Makemigrations would write nothing."""
    call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())


@pytest.fixture
def settings_with(monkeypatch: pytest.MonkeyPatch):
    """Reads the settings with some variables set, and those that are None taken away."""

    def read(**variables: str | None):
        for name in ("SECRET_KEY", "TARGET_LAB_TOKEN", "DATABASE_BARE_URL", "CACHE_URL", "DEBUG", "TARGET_VARIANT"):
            monkeypatch.delenv(name, raising=False)
        # A developer's own .env must not decide a test.
        monkeypatch.setattr("environ.Env.read_env", classmethod(lambda *_, **__: None))
        for name, value in {"SECRET_KEY": "s", "DATABASE_URL": "postgresql:///x", **variables}.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        return runpy.run_path(str(SETTINGS))

    return read


@pytest.mark.parametrize(
    "variables",
    [
        {"SECRET_KEY": None},
        {"DATABASE_URL": None},
        {"TARGET_LAB_TOKEN": "x" * 31},
        {"TARGET_VARIANT": "cache=on"},
        {"TARGET_VARIANT": "indexes=off"},
        {"TARGET_VARIANT": "cache=view"},
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused_at_boot(settings_with, variables):
    """No secret, no database, a short lab token, an unknown level, a variant without its database."""
    with pytest.raises(ImproperlyConfigured):
        settings_with(**variables)


def test_only_debugging_has_a_default_secret(settings_with):
    """DEBUG may run without SECRET_KEY."""
    assert settings_with(DEBUG="1", SECRET_KEY=None)["DEBUG"] is True


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://user:pa%2Fss@/shop?host=/run/own.dir&port=6543",
            ("user", "pa/ss", "/run/own.dir", "6543", "shop"),
        ),
        ("postgres://root@127.0.0.1:5432/x", ("root", "", "127.0.0.1", "5432", "x")),
        ("postgresql://u:p@db.example/y", ("u", "p", "db.example", "", "y")),
    ],
)
def test_database_urls_work_by_socket_and_by_tcp(settings_with, url, expected):
    """A libpq URL with host and port in its query, and one with them in front, name the same things."""
    found = settings_with(DATABASE_URL=url)["DATABASES"]
    assert tuple(found["default"][name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")) == expected
    assert found["default"]["OPTIONS"] == {
        "options": "-c plan_cache_mode=force_generic_plan -c statement_timeout=10000"
    }
    assert found["default"]["CONN_MAX_AGE"] is None
    assert "bare" not in found


def test_without_a_cache_url_nothing_is_kept(settings_with):
    """The cache is Django's dummy, and no level but off can be asked for."""
    assert settings_with()["CACHES"]["default"]["BACKEND"].endswith("DummyCache")
    assert os.environ.get("CACHE_URL") is None


def test_every_setting_is_documented():
    """Each variable that the settings read stands in `.env.example`, with what it does."""
    names = r'(?:env\.\w+|database|rate)\(\s*"([A-Z_]+)"'
    read = set(re.findall(names, SETTINGS.read_text(encoding="utf-8")))
    example = (SETTINGS.parents[2] / ".env.example").read_text(encoding="utf-8")
    assert len(read) > 20
    assert read - set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)) == set()
