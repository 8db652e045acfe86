"""`python -m lab gate` on commits of a repository of its own: what passes, what does not, and what is left behind."""

import os
import signal
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.folder import erase
from lab.history import read_history
from tests.lab.tree import Tree, copy_tree
from tests.lab.waiting import wait_until

ONE = ("--dataset", "small", "--operations", "product_detail", "--faces", "rest", "--budget", "12s")

DETAILED = 'list(_with_related(products, parts=parts, reviews=reviews, to="detailed_reviews"))'
WITHOUT_DESCRIPTION = (
    "targets/catalog/selectors.py",
    f"    return {DETAILED}\n",
    f"    found = {DETAILED}\n    for product in found:\n        product.description = ''\n    return found\n",
)
"""A change of an answer: the file, what it has, what it gets."""

pytestmark = pytest.mark.slow


def git(tree: Tree, *words: str) -> str:
    """`git` in the tree, as somebody with a name."""
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *words], cwd=tree.path, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A repository with one commit: the checkout as it is."""
    tree = copy_tree(tmp_path_factory.mktemp("gate"))
    git(tree, "init", "--quiet", "--initial-branch", "main")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "As it is")
    yield tree
    erase(tree.lab_folder)


@contextmanager
def planted(tree: Tree, file: str, right: str, wrong: str) -> Iterator[None]:
    """The working tree with a change in one file."""
    path = Path(tree.path / file)
    source = path.read_text(encoding="utf-8")
    assert source.count(right) == 1
    path.write_text(source.replace(right, wrong), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(source, encoding="utf-8")


def assert_nothing_is_left(tree: Tree) -> None:
    """No process, no worktree but the tree itself, no checkout."""
    assert tree.processes() == []
    assert len(git(tree, "worktree", "list").splitlines()) == 1
    assert list((tree.lab_folder / "worktrees").iterdir()) == []


@pytest.mark.nightly
def test_a_commit_is_as_good_as_itself(repository: Tree, tmp_path: Path) -> None:
    """Same answers, same counts, nothing called slower; the summary's first line is the verdict, a history grows."""
    report, history = tmp_path / "junit.xml", tmp_path / "history"
    more = ("--benchmarks", "bounds_of_the_few", "--history", str(history), "--junit", str(report))
    done = repository.lab("gate", "--base", "HEAD", "--head", "main", *ONE, *more, seconds=300.0)
    # On a busy machine twelve seconds may not tell: unclear is no pass, and no alarm either.
    assert done.returncode in {0, 3}, done.stdout + done.stderr
    gate = repository.runs("gate")[-1].gate
    assert gate
    assert (gate.answers, gate.changes, gate.stopped, gate.code) == ((), (), "", done.returncode)
    assert [(effect.operation, effect.face) for effect in gate.effects] == [("product_detail", "rest")]
    summary = (repository.runs("gate")[-1].path / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith(f"**Windtunnel gate: {gate.head} against {gate.base}: ")
    assert "./noxw -s gate -- --base HEAD" in summary
    suites = [suite.get("name") for suite in ET.parse(report).getroot()]  # noqa: S314
    assert suites == ["answers", "counts", "time", "benchmarks"]
    assert [effect.operation for effect in gate.benchmarks] == ["bounds_of_the_few"]
    lines = read_history(history)
    assert {(line.operation, line.commit, line.reference) for line in lines} == {
        (name, gate.head, gate.base) for name in ("product_detail", "bounds_of_the_few")
    }
    assert (history / "trend.html").stat().st_size > 5_000
    assert (repository.runs("gate")[-1].path / "report.html").stat().st_size > 10_000
    assert_nothing_is_left(repository)


def test_a_lost_join_is_told_by_its_counts(repository: Tree) -> None:
    """One statement more a request ends the gate before time is measured: exit 1, with the line of code and the SQL."""
    wrong = '        products = products.select_related("brand")\n'
    right = '        products = products.select_related("brand", "category")\n'
    with planted(repository, "targets/catalog/selectors.py", right, wrong):
        done = repository.lab("gate", "--base", "HEAD", *ONE)
    assert done.returncode == 1, done.stderr
    gate = repository.runs("gate")[-1].gate
    assert gate
    assert (gate.verdict, gate.stopped) == ("regression", "counts")
    assert "REGRESSION: product_detail, REST takes 5 SQL statements in place of 4" in done.stdout
    summary = (repository.runs("gate")[-1].path / "summary.md").read_text(encoding="utf-8")
    assert "targets/catalog/loaders.py" in summary
    assert 'FROM "catalog_category"' in summary
    assert_nothing_is_left(repository)


def test_a_changed_answer_is_a_changed_contract(repository: Tree) -> None:
    """Exit 1 with the difference, before anything is counted or timed."""
    with planted(repository, *WITHOUT_DESCRIPTION):
        done = repository.lab("gate", "--base", "HEAD", *ONE)
    assert done.returncode == 1, done.stderr
    gate = repository.runs("gate")[-1].gate
    assert gate
    assert (gate.verdict, gate.stopped, len(gate.answers)) == ("regression", "answers", 1)
    assert ".description: " in gate.answers[0].difference
    assert_nothing_is_left(repository)


def test_an_accepted_answer_is_named_and_judged_on(repository: Tree) -> None:
    """With the head's thresholds an answer may change: its difference is told, and counts and time are compared."""
    accepting = "[operations.product_detail]\naccept_answer = true\n\n[defaults]\n"
    with (
        planted(repository, *WITHOUT_DESCRIPTION),
        planted(repository, "thresholds.toml", "[defaults]\n", accepting),
    ):
        done = repository.lab("gate", "--base", "HEAD", "--instrument", "head", *ONE)
    gate = repository.runs("gate")[-1].gate
    assert gate
    assert done.returncode in {0, 3}, done.stdout + done.stderr
    assert (gate.answers, len(gate.changed), gate.stopped) == ((), 1, "")
    assert "accepted: product_detail, REST" in done.stdout
    assert ".description: " in gate.changed[0].difference
    assert gate.instrument.startswith("the head's; the commits differ in thresholds.toml")
    assert len(gate.effects) == 1


def test_an_error_that_nobody_foresaw_is_no_verdict(repository: Tree) -> None:
    """Python's own exit code for one is that of a regression: one line, exit 2, and the traceback in a file."""
    with planted(repository, "lab/gate.py", "    check_writable()\n", "    raise KeyError('surprise')\n"):
        done = repository.lab("gate", "--base", "HEAD", "--instrument", "head", *ONE)
    assert done.returncode == 2
    assert "unexpected KeyError: 'surprise'" in done.stderr
    assert "Traceback" not in done.stderr
    assert "surprise" in (repository.lab_folder / "unexpected.log").read_text(encoding="utf-8")
    assert_nothing_is_left(repository)


def test_what_is_no_revision_is_refused(repository: Tree) -> None:
    """One line, exit 2; nothing is checked out."""
    done = repository.lab("gate", "--base", "nonsense", *ONE)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "there is no revision 'nonsense'" in done.stderr
    assert_nothing_is_left(repository)


def test_a_shallow_clone_says_what_to_fetch(repository: Tree, tmp_path: Path) -> None:
    """What is not there may be at its origin: once the hint was typed, the gate no longer stops at the revision."""
    shallow = Tree(tmp_path / "shallow")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "Another")
    source = f"file://{repository.path}"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", source, str(shallow.path)], check=True)
    done = shallow.lab("gate", "--base", "HEAD~1", *ONE)
    assert done.returncode == 2
    assert "there is no revision 'HEAD~1' in this shallow clone (fetch it first: git fetch --unshallow)" in done.stderr
    hinted = done.stderr.partition("fetch it first: git ")[2].rstrip().removesuffix(")")
    git(shallow, *hinted.split())
    # The base is checked before the head: what is told now is that the next one is missing.
    done = shallow.lab("gate", "--base", "HEAD~1", "--head", "nonsense", *ONE)
    assert done.returncode == 2
    assert "there is no revision 'nonsense'" in done.stderr


def test_a_killed_gate_is_cleaned_up_by_the_next(repository: Tree) -> None:
    """Its processes end in five seconds; its checkout is removed when the next gate begins."""
    with repository.starting("gate", "--base", "HEAD", *ONE) as started:
        wait_until(lambda: "granian" in " ".join(repository.processes()), what="a server of the gate's", seconds=60)
        os.kill(started.pid, signal.SIGKILL)
        wait_until(lambda: not repository.processes(), what="the end of all that ran in the copy", seconds=5)
    assert len(list((repository.lab_folder / "worktrees").iterdir())) == 1
    assert repository.lab("gate", "--base", "nonsense", *ONE).returncode == 2
    assert_nothing_is_left(repository)
