"""`python -m lab` from beginning to end in a copy of the checkout, and what is left when it is ended in the middle."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.findings import Findings
from tests.lab.tree import Tree
from tests.lab.waiting import wait_until

QUICK = ("--dataset", "small", "--budget", "12s", "--operations", "product_detail")
NARROW = (*QUICK, "--faces", "rest", "--set", "cache=off", "--set", "indexes=on")
"""Four cells: enough to be ended in the middle."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def first(tree: Tree) -> tuple[subprocess.CompletedProcess[str], Findings]:
    """The main job at its quickest, in a tree where nothing ran before; its console and its findings."""
    done = tree.lab(*QUICK)
    assert done.returncode == 0, done.stderr
    return done, tree.runs()[-1].findings


@contextmanager
def measuring(tree: Tree) -> Iterator[subprocess.Popen[str]]:
    """A lab that is measuring: its first samples are on disk."""
    before = len(tree.runs())
    with tree.starting(*NARROW) as started:
        tree.wait_measuring(after=before)
        yield started


def assert_partial_run_renders(tree: Tree) -> None:
    """The newest run is a part, says so, and is drawn with all its cells."""
    run = tree.runs()[-1]
    done = tree.lab("report", str(run.path))
    assert (done.returncode, done.stderr) == (0, "")
    assert not run.findings.complete
    assert len(run.findings.cells) == 4
    assert all(cell.state == "measured" or cell.reason for cell in run.findings.cells)
    assert (run.path / "report.html").stat().st_size > 10_000


def test_every_cell_is_measured_or_void_with_a_reason(
    first: tuple[subprocess.CompletedProcess[str], Findings],
) -> None:
    """One operation, two faces and sixteen variants are 32 cells; on a quiet machine none is void."""
    findings = first[1]
    assert findings.complete
    assert len(findings.cells) == 32
    assert all((cell.state == "measured") is not bool(cell.reason) for cell in findings.cells)
    assert sum(cell.state == "measured" for cell in findings.cells) >= 0.7 * 32
    assert {effect.kind for effect in findings.effects} >= {"conditional", "simple", "interaction", "main", "face"}


def test_every_time_is_set_against_postgresql_alone(first: tuple[subprocess.CompletedProcess[str], Findings]) -> None:
    """Cells of both faces and of every variant have a ratio to the one statement of their operation."""
    findings = first[1]
    assert [ceiling.operation for ceiling in findings.ceilings] == ["product_detail"]
    assert [cell.variant for cell in findings.cells if cell.state == "measured" and not cell.ceiling_ratio] == []
    assert sum("PostgreSQL alone" in line for line in findings.answer) == 1


def test_statements_are_what_postgresql_counted(first: tuple[subprocess.CompletedProcess[str], Findings]) -> None:
    """In every cell, cold and warm, evidence and pg_stat_statements agree; lazy loading costs most."""
    for cell in first[1].cells:
        assert cell.cold is not None
        assert cell.warm is not None
        assert cell.cold.counted_by_database == cell.cold.statement_count > 0
        assert cell.warm.counted_by_database == cell.warm.statement_count
    costs = {cell.variant: cell.cold.statement_count for cell in first[1].cells if cell.cold and cell.face == "rest"}
    assert costs[max(costs, key=lambda variant: costs[variant])] == costs[first[1].cells[0].variant]


def test_console_gives_the_answer_and_the_report(
    tree: Tree, first: tuple[subprocess.CompletedProcess[str], Findings]
) -> None:
    """The question, its answer, and where the report is: the last line."""
    done, findings = first
    said = done.stdout.splitlines()
    assert findings.question in said
    assert set(findings.answer) <= set(said)
    assert said[-1] == f"report: {(tree.runs()[-1].path / 'report.html').relative_to(tree.path)}"


@pytest.mark.usefixtures("first")
def test_report_asks_nobody_for_anything(tree: Tree) -> None:
    """One file: no script, style, picture or font from elsewhere."""
    html = (tree.runs()[-1].path / "report.html").read_text(encoding="utf-8")
    assert html.startswith("<!")
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", html)
    assert not re.search(r"""@import|url\(\s*["']?(?:https?:)?//""", html)


@pytest.mark.usefixtures("first")
def test_a_report_made_again_is_the_same(tree: Tree) -> None:
    """Findings and page are a function of the run's folder, byte for byte; and no file there holds the token."""
    run = tree.runs()[-1].path
    before = {name: (run / name).read_bytes() for name in ("findings.json", "report.html")}
    assert tree.lab("report", str(run)).returncode == 0
    assert {name: (run / name).read_bytes() for name in before} == before
    assert not any(b"Lab-Token" in path.read_bytes() for path in run.rglob("*") if path.is_file())


@pytest.mark.usefixtures("first")
def test_a_dataset_can_be_had_alone(tree: Tree) -> None:
    """`seed` makes the databases and no run, and says which rows are in them."""
    before = len(tree.runs())
    done = tree.lab("seed", "--dataset", "small")
    assert done.returncode == 0, done.stderr
    assert "size small, seed 1, rows 12,340, fingerprint " in done.stdout.splitlines()[-1]
    assert len(tree.runs()) == before


@pytest.mark.usefixtures("first")
def test_nothing_is_left_running(tree: Tree) -> None:
    """When the door closes, services, servers and generator have ended."""
    assert tree.processes() == []


@pytest.mark.usefixtures("first")
def test_ctrl_c_ends_everything_and_keeps_what_was_measured(tree: Tree) -> None:
    """A terminal interrupts the whole process group: exit 130, nothing is left, and the part can be drawn."""
    with measuring(tree) as started:
        assert tree.processes()
        os.killpg(started.pid, signal.SIGINT)
        said, complained = started.communicate(timeout=30)
    assert started.returncode == 130
    assert complained.splitlines()[-1] == "interrupted; everything that was started has ended"
    assert "Traceback" not in complained
    assert "what was measured is kept" in said
    assert tree.processes() == []
    assert_partial_run_renders(tree)


@pytest.mark.usefixtures("first")
def test_kill_9_leaves_nothing_and_the_next_run_starts_clean(tree: Tree) -> None:
    """A second lab is refused while one runs. Killed, all of that ends in five seconds; the next keeps the template."""
    with measuring(tree) as started:
        second = tree.lab(*NARROW)
        assert second.returncode == 2
        assert f"is in use by another lab run, pid {started.pid}" in second.stderr
        assert len(second.stderr.splitlines()) == 1
        os.kill(started.pid, signal.SIGKILL)
        wait_until(lambda: not tree.processes(), what="the end of all that ran in the copy", seconds=5)
    assert_partial_run_renders(tree)
    done = tree.lab(*NARROW)
    assert done.returncode == 0, done.stderr
    assert "clone" in done.stderr
    assert not re.search(r"migrate|copy|index|vacuum", done.stderr)
    assert tree.runs()[-1].findings.complete
    assert tree.processes() == []


MUTANTS = [
    # A field that is dropped from REST's answers where tags are prefetched.
    pytest.param(
        "targets/catalog/selectors.py",
        '    return list(_with_related(products, parts=parts, reviews=reviews, to="detailed_reviews"))\n',
        '    found = list(_with_related(products, parts=parts, reviews=reviews, to="detailed_reviews"))\n'
        '    for product in found if current_variant().prefetch_related == "on" else ():\n'
        '        product.description = ""\n'
        "    return found\n",
        ("product_detail", "rest, all off", "prefetch_related", ".description: "),
        id="dropped",
    ),
    # Reviews in another order where authors are joined.
    pytest.param(
        "targets/catalog/selectors.py",
        '    return reviews.select_related("author") if current_variant().select_related == "on" else reviews\n',
        '    if current_variant().select_related == "on":\n'
        '        return reviews.select_related("author").order_by("created_at", "id")\n'
        "    return reviews\n",
        ("product_detail", "rest, all off", "select_related", "reviews[0]"),
        id="order",
    ),
]  # fmt: skip


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize(("file", "right", "wrong", "named"), MUTANTS)
def test_variants_that_answer_otherwise_are_not_timed(
    tree: Tree, file: str, right: str, wrong: str, named: tuple[str, ...]
) -> None:
    """A knob that changes an answer is refused with the operation, both arms and the place; nothing is timed."""
    path = Path(tree.path / file)
    source = path.read_text(encoding="utf-8")
    assert source.count(right) == 1
    try:
        path.write_text(source.replace(right, wrong), encoding="utf-8")
        done = tree.lab(*QUICK, "--faces", "rest", "--set", "cache=off")
    finally:
        path.write_text(source, encoding="utf-8")
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    for word in named:
        assert word in line
    assert list(tree.runs()[-1].samples.iterdir()) == []
    assert tree.processes() == []
