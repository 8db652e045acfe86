"""Yields what the lab's tests share: a supervisor, a lab folder, and child labs to be killed."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.folder import erase
from lab.processes import Supervisor
from tests.lab.tree import Tree, copy_tree

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A copy of the checkout in which `python -m lab` may run; what its services keep elsewhere is erased."""
    copied = copy_tree(tmp_path_factory.mktemp("tree"))
    yield copied
    erase(copied.lab_folder)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    """A supervisor of the test's own."""
    with Supervisor() as started:
        yield started


@pytest.fixture
def lab_folder(tmp_path: Path) -> Iterator[Path]:
    """The path of a lab folder; whatever the test made there, and elsewhere for it, is erased."""
    folder = tmp_path / ".lab"
    yield folder
    erase(folder)


@pytest.fixture
def child_lab(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start Python code as a lab of its own, in a process group of its own as a terminal would."""
    started: list[subprocess.Popen[bytes]] = []

    def start(code: str, *arguments: object) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-c", code, *map(str, arguments)]
        paths = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH", "")]))
        environment = {**os.environ, "PYTHONPATH": paths}
        child = subprocess.Popen(argv, env=environment, cwd=tmp_path, process_group=0)
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()
        child.wait()
