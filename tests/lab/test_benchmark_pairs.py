"""Benchmarks of two trees run call by call in turn, in processes of their own, and are judged by pairs."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from lab.benchmark_effects import benchmark_effects
from lab.benchmark_pairs import PairedTimes, Pairing
from lab.errors import LabError
from lab.findings import UNCONFIRMED
from lab.processes import Supervisor
from lab.server import Build
from lab.services import Services
from tests.lab.tree import CHECKOUT, copy_tree

BLOCKS = 8
FIRST = "    if not found.pairs:\n"


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor() as each:
        yield each


@pytest.fixture
def head(tmp_path: Path) -> Path:
    """A tree in which the bounds of the few are worked out with more work."""
    tree = copy_tree(tmp_path / "head").path
    change(tree, f"    for _ in range(60):\n        special.betaincinv(found.candidate + 1, 1, alpha / 2)\n{FIRST}")
    return tree


def change(tree: Path, wrong: str) -> None:
    """Puts another text in place of how `rare.few` begins."""
    path = tree / "lab" / "rare.py"
    text = path.read_text(encoding="utf-8")
    assert text.count(FIRST) == 1
    path.write_text(text.replace(FIRST, wrong), encoding="utf-8")


@pytest.fixture
def pairing(head: Path, tmp_path: Path, supervisor: Supervisor, services: Services) -> Callable[..., Pairing]:
    """Checkout and head, and the benchmarks of these names."""
    base = Build(commit="base", database_url="", bare_url="", tree=CHECKOUT)

    def made(*names: str) -> Pairing:
        return Pairing(
            builds={"base": base, "head": replace(base, commit="head", tree=head)}, names=names, services=services,
            supervisor=supervisor, logs=tmp_path, seed=1,
        )  # fmt: skip

    return made


def ignore(*, done: float | None = None, note: str | None = None) -> None:
    """No progress is drawn."""


def test_each_tree_runs_its_own_code(pairing: Callable[..., Pairing], head: Path) -> None:
    """The base's benchmark takes longer in the head's tree, whose code does more, in every block.

    What the head made of the benchmark has no part in it: a change must not judge itself.
    """
    (head / "benchmarks" / "test_lab.py").write_text("def test_bounds_of_the_few(benchmark):\n    benchmark(int)\n")
    found = list(pairing("bounds_of_the_few").blocks(range(2), seconds=0.3, advance=ignore))
    assert [(each.name, each.block) for each in found] == [("bounds_of_the_few", 0), ("bounds_of_the_few", 1)]
    for each in found:
        assert len(each.base) == len(each.head) >= 6
        assert np.median(np.array(each.head) / np.array(each.base)) > 1.3


def test_a_name_that_is_none_is_refused(pairing: Callable[..., Pairing], supervisor: Supervisor) -> None:
    """In one line, and nothing is left running."""
    with pytest.raises(LabError, match="there is no benchmark 'nothing'"):
        list(pairing("nothing").blocks(range(2), seconds=0.3, advance=ignore))
    started = psutil.Process(supervisor.pid).children(recursive=True)
    assert not [each for each in started if any("paired_pytest" in word for word in each.cmdline())]


def test_a_benchmark_that_fails_is_told(pairing: Callable[..., Pairing], head: Path) -> None:
    """Which, and why: a commit that cannot do it has no time."""
    change(head, f"    raise ArithmeticError\n{FIRST}")
    with pytest.raises(LabError, match="benchmarks-head failed: .*bounds_of_the_few.*ArithmeticError"):
        list(pairing("bounds_of_the_few").blocks(range(2), seconds=0.3, advance=ignore))


def test_a_module_that_cannot_be_imported_is_told(pairing: Callable[..., Pairing], head: Path) -> None:
    """A head that has renamed what a benchmark needs: its module and its error are named."""
    path = head / "lab" / "rare.py"
    path.write_text(path.read_text(encoding="utf-8").replace("class Discordant", "class Renamed"), encoding="utf-8")
    with pytest.raises(LabError, match=r"benchmarks-head failed: test_lab\.py: .*Discordant"):
        list(pairing("bounds_of_the_few").blocks(range(2), seconds=0.3, advance=ignore))


def times(ratio: float, *, seed: int, name: str = "call") -> list[PairedTimes]:
    """Blocks of forty pairs of some two milliseconds."""
    random = np.random.default_rng(seed)
    found = []
    for block in range(BLOCKS):
        base = 0.002 * np.exp(random.normal(0.0, 0.02, 40))
        head = 0.002 * ratio * np.exp(random.normal(random.normal(0.0, 0.002), 0.02, 40))
        found.append(PairedTimes(name=name, block=block, loops=1, base=tuple(base), head=tuple(head)))
    return found


@pytest.mark.parametrize(("ratio", "word"), [(1.0, "same"), (1.06, "slower"), (0.9, "faster")])
def test_verdicts_are_those_of_any_comparison(ratio: float, word: str) -> None:
    """The same limits, bounds that hold at once, and an alarm that fresh blocks confirm."""
    [one, other] = benchmark_effects(
        [*times(ratio, seed=1), *times(1.0, seed=2, name="other")], confirming=times(ratio, seed=3),
        subject="head / base", tolerance=0.02, must_catch=0.05, seed=1,
    )  # fmt: skip
    assert (one.operation, one.verdict, len(one.dots)) == ("call", word, BLOCKS)
    assert (other.operation, other.verdict) == ("other", "same")


def test_an_alarm_without_fresh_blocks_is_unclear() -> None:
    """And one that they take back is too."""
    for confirming in ([], times(1.0, seed=4)):
        [found] = benchmark_effects(
            times(1.06, seed=1), confirming=confirming, subject="head / base", tolerance=0.02, must_catch=0.05, seed=1
        )
        assert found.verdict == "unclear"
        assert (found.detail == UNCONFIRMED) == (not confirming)
