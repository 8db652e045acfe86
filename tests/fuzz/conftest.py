"""Gives these tests the project under test, and the number of requests."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Register its fixtures once for all suites: imported into two conftests, each would be made twice."""
    config.pluginmanager.import_plugin("tests.targets.subject")
