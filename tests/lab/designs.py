"""Yields experiments as files of `experiments/` hold them, each run on a copy of the checkout to its end."""

from lab.results import RunFolder
from tests.lab.tree import Tree

HELD = '(("select_related", "on"), ("prefetch_related", "on"), ("indexes", "on"), ("cache", "off"))'
UNINDEXED = HELD.replace('"indexes", "on"', '"indexes", "off"')
HEAD = """
from lab.experiment import (
    ANSWER, SERVER, WRITES, CachingDesign, Experiment, GrowthDesign, IndexDesign, LoadDesign, MailDesign, Server,
    StampedeDesign,
)

EXPERIMENT = Experiment(
"""


def run(tree: Tree, name: str, *, design: str, dataset: str = "small", seconds: float = 240) -> RunFolder:
    """The run of a design, which has come to its end; on a busy machine its cells may be void."""
    (tree.path / "experiments" / f"{name}.py").write_text(f'"""A test."""\n\n{design}')
    done = tree.lab(name, "--dataset", dataset, seconds=seconds)
    assert done.returncode == 0 or "cells are void" in done.stderr, done.stderr + done.stdout
    [found] = [RunFolder(path) for path in (tree.path / "results" / name).iterdir()]
    assert found.findings.complete
    assert (found.path / "report.html").stat().st_size > 5_000
    assert tree.processes() == []
    return found
