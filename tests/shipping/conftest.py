"""Yields the images' files, made once for all tests that look at them: these are in one file, and so in one process."""

import pytest

from tests.shipping.built import Image, build


@pytest.fixture(scope="session")
def target_image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image of the API, with packages of its own from requirements/image-target.txt."""
    return build("target", root=tmp_path_factory.mktemp("target"), with_packages=True)


@pytest.fixture(scope="session")
def lab_image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image that puts data and load on it. Its packages are those that these tests run with."""
    return build("lab", root=tmp_path_factory.mktemp("lab"), with_packages=False)
