"""Yields the services that tests run on: those that the settings name, else embedded ones of the session's own."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest
from hypothesis import settings

from lab.folder import erase
from lab.processes import Supervisor
from lab.services import Services, open_services

# A suite that is started in the background has SIGINT ignored, and so would every child that a test interrupts.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Machines are shared: how long an example takes says nothing of the code.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A real PostgreSQL and a real cache for one session."""
    folder = tmp_path_factory.mktemp("services") / ".lab"
    try:
        with Supervisor() as supervisor, open_services(folder, supervisor, environment=os.environ) as opened:
            yield opened
    finally:
        erase(folder)


@pytest.fixture(scope="session")
def postgres_url(services: Services) -> str:
    """A server where databases may be made."""
    return services.postgres_url


@pytest.fixture(scope="session")
def cache_url(services: Services) -> str:
    """A cache server; keys are told apart by prefix."""
    return services.cache_url
