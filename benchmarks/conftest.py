"""Gives the benchmarks the services and the project under test, as the tests have them."""

import pytest

from tests.conftest import cache_url, postgres_url, services

__all__ = ["cache_url", "postgres_url", "services"]


def pytest_configure(config: pytest.Config) -> None:
    """Register the project's fixtures."""
    config.pluginmanager.import_plugin("tests.targets.subject")
