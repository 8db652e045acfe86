"""Runs benchmarks on one commit call by call, as the gate bids: `python lab/paired_pytest.py SOCKET BASE NAMES`.

It imports nothing of the lab, since the tree that it runs in has a lab of its own: the working directory's. BASE is
the tree whose benchmarks are run, with its tests' fixtures and its operations, the same for both commits. The
`benchmark` fixture is replaced by one that waits for orders: one JSON value a line. `{"collected": [...]}` is answered
by the list of names to run; `{"at": name}` by orders `{"loops": n}`, each answered by `{"ns": n}`, until
`{"next": true}`; `{"failed": text}` says what went wrong.
"""

import gc
import importlib.util
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

JUDGING: Final = ("benchmarks", "scenarios", "tests")
"""The packages of the base's: a change must not judge itself."""


class Orders:
    """The connection to whoever gives the orders."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._file = self._socket.makefile("rw", encoding="utf-8")

    def ask(self, **said: object) -> Any:
        """Says something and returns the answer; what comes when nobody is there any more is the next benchmark."""
        self.say(**said)
        line = self._file.readline()
        return json.loads(line) if line else {"next": True}

    def say(self, **said: object) -> None:
        """Says something that wants no answer."""
        self._file.write(f"{json.dumps(said)}\n")
        self._file.flush()


class Paired:
    """A pytest plugin: benchmarks are run call by call."""

    def __init__(self, orders: Orders, *, names: list[str]) -> None:
        self._orders, self._names = orders, names
        self._broken = ""

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module that cannot be imported has no benchmarks: that is told, and they are not left out in silence."""
        if report.failed:
            self._broken = self._broken or _last_line(report)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keeps the benchmarks that the other commit has too, in one order."""
        if self._broken:
            self._orders.say(failed=self._broken)
            items.clear()
            return
        by_name = {_name(item): item for item in items if not self._names or _is_among(item, self._names)}
        wanted = self._orders.ask(collected=sorted(by_name))
        items[:] = [by_name[name] for name in wanted]

    @pytest.fixture
    def benchmark(self, request: pytest.FixtureRequest) -> Callable[..., Any]:
        """In place of pytest-benchmark's."""

        def run(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
            found = function(*arguments, **named)
            order = self._orders.ask(at=_name(request.node))
            while "loops" in order:
                order = self._orders.ask(ns=_timed(lambda: function(*arguments, **named), loops=order["loops"]))
            return found

        return run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A benchmark that fails ends the comparison."""
        if report.failed:
            self._orders.say(failed=_last_line(report))


def _last_line(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Which test or module failed, and the last line of why."""
    lines = str(report.longrepr).strip().splitlines() or ["it said nothing"]
    return f"{report.nodeid.rpartition('/')[2]}: {lines[-1].removeprefix('E').strip()}"


def _timed(call: Callable[[], Any], *, loops: int) -> int:
    """Nanoseconds of so many calls; garbage is not collected meanwhile."""
    gc.disable()
    begun = time.perf_counter_ns()
    for _ in range(loops):
        call()
    taken = time.perf_counter_ns() - begun
    gc.enable()
    return taken


def _name(item: Any) -> str:
    """As people type it: the test without its folder and its `test_`."""
    return str(item.name).removeprefix("test_")


def _is_among(item: pytest.Item, names: list[str]) -> bool:
    own = _name(item)
    return any(own == name or own.partition("[")[0] == name for name in names)


def main(path: str, base: Path, names: list[str]) -> int:
    """Runs the benchmarks on the working directory's tree; pytest's exit code."""
    # The folder of this script is no place to import from: the tree's own modules are.
    tree = sys.path[0] = os.getcwd()  # noqa: PTH109 - a string is what sys.path holds
    for room in JUDGING:
        _imported_from(base / room)
    orders = Orders(path)
    words = ["-q", "-p", "no:benchmark", "-p", "no:xdist", "-p", "no:cacheprovider", "-o", "pythonpath="]
    words += ["-c", f"{tree}/pyproject.toml", "--rootdir", tree, str(base / "benchmarks")]
    return pytest.main(words, plugins=[Paired(orders, names=names)])


def _imported_from(folder: Path) -> None:
    """Makes a package be the one in `folder`, whatever the tree has under that name."""
    spec = importlib.util.spec_from_file_location(
        folder.name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None  # noqa: S101 - for a Python file there is always one
    assert spec.loader is not None  # noqa: S101 - likewise
    sys.modules[folder.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[folder.name])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
