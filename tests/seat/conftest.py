"""Gives these tests a seat on which all of them look, and a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import browser  # noqa: F401 - a fixture
from tests.seat.seats import Seated, erased, seated


@pytest.fixture(scope="session")
def seat_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where seats of this session keep their databases."""
    folder = tmp_path_factory.mktemp("seat")
    yield folder
    erased(folder)


@pytest.fixture(scope="module")
def seat(seat_folder: Path) -> Iterator[Seated]:
    """A seat that serves."""
    with seated(seat_folder) as serving:
        yield serving
