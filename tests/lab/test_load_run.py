"""`python -m lab --load` from beginning to end in a copy of the checkout, and what becomes of it when parts die."""

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from lab.json_files import read
from lab.results import RunFolder
from lab.trial import LoadReport
from tests.lab.tree import Tree
from tests.lab.waiting import wait_until
from tests.truth.running import truth_server

LOAD = (
    *("--load", "--dataset", "small", "--budget", "10s", "--faces", "rest"),
    *("--set", "cache=off", "--set", "indexes=on", "--set", "prefetch_related=on"),
)  # fmt: skip
"""Two arms at two loads in three blocks: enough to be ended in the middle."""

FAILING_LISTENER = """
import sys
if "lab.load_generator" in sys.orig_argv:
    from locust import env
    made = env.Environment.__init__
    def make(self, *arguments, **options):
        made(self, *arguments, **options)
        self.events.request.add_listener(lambda **_: 1 / 0)
    env.Environment.__init__ = make
"""

pytestmark = pytest.mark.slow


def assert_came_to_its_end(tree: Tree, done: subprocess.CompletedProcess[str]) -> RunFolder:
    """The newest run is whole and drawn, and nothing of it is left; on a busy machine its cells may be void."""
    assert done.returncode == 0 or "cells are void" in done.stderr, done.stderr
    run = tree.runs()[-1]
    assert run.findings.complete
    assert run.load
    assert [cell.step for cell in run.load.cells] == ["50 % of its own capacity", "one common rate"] * 2
    assert all(cell.state == "measured" or cell.reason for cell in run.load.cells)
    # What the database counted in each block is what the proof says of its requests.
    assert not [cell.reason for cell in run.load.cells if "the database ran" in cell.reason]
    assert list(run.blocks.glob("block-*.statements.json"))
    assert (run.path / "report.html").stat().st_size > 10_000
    assert tree.processes() == []
    return run


def wait_for_block(tree: Tree, *, after: int, block: int) -> RunFolder:
    """The run after the first `after` ones, once its block `block` has samples."""

    def sampled() -> bool:
        runs = tree.runs()
        files = list(runs[-1].samples.glob(f"block-{block:02d}*.samples")) if len(runs) > after else []
        return any(path.stat().st_size > 1000 for path in files)

    wait_until(sampled, what=f"samples of block {block}", seconds=240)
    return tree.runs()[-1]


def test_a_killed_run_is_gone_on_with(tree: Tree) -> None:
    """Killed by SIGKILL in its second block, a run can be drawn; `--resume` keeps the first and runs the others."""
    before = len(tree.runs())
    with tree.starting(*LOAD) as started:
        run = wait_for_block(tree, after=before, block=1)
        os.kill(started.pid, signal.SIGKILL)
        wait_until(lambda: not tree.processes(), what="the end of all that ran in the copy", seconds=5)
    first = run.sample_file(0).read_bytes()
    part = tree.lab("report", str(run.path))
    assert (part.returncode, part.stderr) == (0, "")
    assert not run.findings.complete
    done = tree.lab("--resume", str(run.path))
    assert assert_came_to_its_end(tree, done).path == run.path
    assert len(tree.runs()) == before + 1
    assert run.sample_file(0).read_bytes() == first
    assert len(list(run.samples.glob("interrupted-1-block-01.samples"))) == 1
    again = tree.lab("--resume", str(run.path))
    assert again.returncode == 2
    assert "came to its end" in again.stderr


def test_a_run_is_gone_on_with_as_it_was_begun_or_not_at_all(tree: Tree) -> None:
    """Other words beside `--resume` are refused, and so is a run on another machine or dataset; it is not touched."""
    before = len(tree.runs())
    with tree.starting(*LOAD) as started:
        run = wait_for_block(tree, after=before, block=0)
        os.killpg(started.pid, signal.SIGINT)
        said, _ = started.communicate(timeout=30)
    assert f"--resume {run.path.relative_to(tree.path)}" in said
    words = tree.lab("--resume", str(run.path), "--seed", "2")
    assert words.returncode == 2
    assert "--resume takes all else from the run" in words.stderr
    manifest = run.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"cores"', '"sockets"'))
    files = {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.is_file()}
    other = tree.lab("--resume", str(run.path))
    assert other.returncode == 2
    assert "cannot be gone on with: its sockets was " in other.stderr
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.is_file()} == files


@pytest.mark.nightly
def test_a_lost_worker_voids_its_block_and_the_run_goes_on(tree: Tree) -> None:
    """One of two generators is killed by SIGKILL in the first block: it counts for nothing, the other two do."""
    before = len(tree.runs())
    with tree.starting(*LOAD, "--load-workers", "2") as started:
        run = wait_for_block(tree, after=before, block=0)
        family = psutil.Process(started.pid).children(recursive=True)
        worker = next(process for process in family if "lab.load_worker" in process.cmdline())
        worker.kill()
        said, complained = started.communicate(timeout=120)
    done = subprocess.CompletedProcess(LOAD, started.returncode, stdout=said, stderr=complained)
    assert assert_came_to_its_end(tree, done).path == run.path
    assert [len(read(run.report_file(block), LoadReport).lost) for block in range(3)] == [1, 0, 0]
    assert run.load
    assert any("lost workers: worker " in note for note in run.load.notes)


def test_a_failing_listener_ends_a_load(tree: Tree, tmp_path: Path) -> None:
    """A listener that raises would make Locust count less than was sent: exit 2, one line, the samples kept."""
    planted = tree.path / "sitecustomize.py"
    planted.write_text(FAILING_LISTENER)
    try:
        with truth_server("fixed") as server:
            done = tree.lab("load", server.url, "--duration", "2", "--json", str(tmp_path / "load.json"))
    finally:
        planted.unlink()
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "the load generator failed: a listener failed" in line
    assert "samples: results/load/" in done.stdout
    assert not (tmp_path / "load.json").exists()
