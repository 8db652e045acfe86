"""Checkouts of commits, in repositories of the test's own: what they are called, who holds them, what is left alone."""

import os
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.worktrees import checked_out, python_of, resolve, sweep

CHECKOUT = Path(__file__).parents[2]

# It checks HEAD out of the repository, says so and waits: itself, as another program, or for a child.
HOLDING = """
import os, subprocess, sys
from pathlib import Path
from lab.worktrees import checked_out
tree, how = Path(sys.argv[1]), sys.argv[2]
with checked_out(tree, "HEAD", folder=tree / "worktrees") as path:
    if how == "another program":
        os.execv(sys.executable, [sys.executable, "-c", f"print({str(path)!r}, flush=True); input()"])
    child = subprocess.Popen(["cat"], stdout=subprocess.DEVNULL) if how == "a child" else None
    print(path, flush=True)
    child.wait() if child else input()
"""


def git(tree: Path, *words: str, **variables: str) -> str:
    """`git` in the tree, as somebody with a name."""
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    environment = {**os.environ, **variables}
    done = subprocess.run(["git", *who, *words], cwd=tree, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def refusal(tree: Path, revision: str) -> LabError:
    """The error with which a revision is refused."""
    with pytest.raises(LabError) as caught:
        resolve(tree, revision)
    assert len(f"{caught.value.what} ({caught.value.hint})".splitlines()) == 1
    return caught.value


def follow(tree: Path, hint: str) -> None:
    """Type the git command that a hint gives."""
    program, *words = shlex.split(hint.removeprefix("fetch it first: ").partition(";")[0])
    assert program == "git"
    git(tree, *words)


@pytest.fixture(autouse=True)
def plain_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git without the settings of the machine and of whoever runs the tests."""
    (tmp_path / "gitconfig").touch()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of four commits on `main`, with a branch and a tag beside them."""
    tree = tmp_path / "repository"
    tree.mkdir()
    git(tree, "init", "--quiet", "--initial-branch", "main")
    for number in range(4):
        (tree / "file").write_text(f"{number}\n", encoding="utf-8")
        git(tree, "add", "file")
        git(tree, "commit", "--quiet", "--message", f"Number {number}")
    git(tree, "branch", "team/other", "HEAD~2")
    git(tree, "tag", "--annotate", "v1.0", "--message", "The first", "HEAD~1")
    return tree


@pytest.fixture
def shallow(repository: Path, tmp_path: Path) -> Path:
    """A clone of the last commit alone, as CI makes it."""
    path = tmp_path / "shallow"
    git(repository, "clone", "--quiet", "--depth", "1", f"file://{repository}", str(path))
    return path


@contextmanager
def holding(tree: Path, how: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process that holds a checkout of the repository, and the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    words = [sys.executable, "-c", HOLDING, str(tree), how]
    with subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("asked", "then", "fetching"),
    [
        ("HEAD~2", "HEAD~2", "--unshallow"),
        ("@^", "@^", "--unshallow"),
        ("origin/main~3", "origin/main~3", "--unshallow"),
        ("team/other", "origin/team/other", "--depth=1 origin team/other:refs/remotes/origin/team/other"),
        ("origin/team/other", "origin/team/other", "--depth=1 origin team/other:refs/remotes/origin/team/other"),
        ("team/other~1", "origin/team/other~1", "--unshallow origin team/other:refs/remotes/origin/team/other"),
        ("refs/tags/v1.0", "origin/v1.0", "--depth=1 origin v1.0:refs/remotes/origin/v1.0"),
    ],
)
def test_what_a_shallow_clone_lacks_is_there_once_its_hint_was_typed(
    repository: Path, shallow: Path, asked: str, then: str, fetching: str
) -> None:
    """The hint is a command of git's that succeeds, and the name that it gives resolves to what the origin has."""
    error = refusal(shallow, asked)
    assert error.what == f"there is no revision {asked!r} in this shallow clone"
    name = "" if then == asked else f"; then it is --base {then}"
    assert error.hint == f"fetch it first: git fetch {fetching}{name}"
    follow(shallow, error.hint)
    assert resolve(shallow, then) == git(repository, "rev-parse", f"{asked.removeprefix('origin/')}^{{commit}}")


def test_a_hash_that_a_shallow_clone_lacks_is_fetched_by_its_hint(repository: Path, shallow: Path) -> None:
    """A full hash alone; of an abbreviated one no server knows what it is of."""
    commit = git(repository, "rev-parse", "HEAD~3")
    error = refusal(shallow, commit)
    assert error.hint == f"fetch it first: git fetch --depth=1 origin {commit}"
    follow(shallow, error.hint)
    assert resolve(shallow, commit) == commit
    before = git(repository, "rev-parse", "--short", "HEAD~2")
    follow(shallow, refusal(shallow, before).hint)
    assert resolve(shallow, before) == git(repository, "rev-parse", "HEAD~2")


def test_a_hint_names_the_remote_that_there_is(repository: Path, shallow: Path) -> None:
    """A clone may call it otherwise than origin."""
    git(shallow, "remote", "rename", "origin", "upstream")
    git(shallow, "checkout", "--quiet", "--detach")
    error = refusal(shallow, "team/other")
    assert error.hint.endswith("; then it is --base upstream/team/other")
    follow(shallow, error.hint)
    assert resolve(shallow, "upstream/team/other") == git(repository, "rev-parse", "team/other")
    follow(shallow, refusal(shallow, "HEAD~3").hint)
    assert resolve(shallow, "HEAD~3") == git(repository, "rev-parse", "HEAD~3")


@pytest.mark.parametrize(
    "asked", ["nonsense", "", "--all", "main..v1.0", "two words", "a\nline", "HEAD:file", ":/Number"]
)
def test_what_is_nowhere_is_told(repository: Path, asked: str) -> None:
    """In a whole clone there is nothing to fetch. Ranges, paths and searches are no revisions."""
    error = refusal(repository, asked)
    assert error.what == f"there is no revision {asked!r}"
    assert error.hint == "git log --oneline shows what there is"


def test_a_folder_that_is_no_repository_is_told(tmp_path: Path) -> None:
    """Whoever unpacked an archive has no commits."""
    assert refusal(tmp_path, "HEAD").what == f"{tmp_path} is no git repository"


def test_a_repository_that_git_refuses_is_told_in_gits_words(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's repository is there, but git wants to be told that it may be trusted: the hint does that."""
    commit = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    error = refusal(repository, "HEAD")
    assert error.what.startswith(f"git refuses {repository}: ")
    assert error.hint == f"git config --global --add safe.directory {repository}"
    follow(repository, error.hint)
    assert resolve(repository, "HEAD") == commit


def test_a_commit_is_there_until_the_end_of_the_block(repository: Path, tmp_path: Path) -> None:
    """The tree is the commit's; afterwards neither the folder nor git knows of it."""
    with checked_out(repository, resolve(repository, "HEAD~1"), folder=tmp_path / ".lab" / "worktrees") as path:
        assert (path / "file").read_text(encoding="utf-8") == "2\n"
        assert path.name.startswith(git(repository, "rev-parse", "HEAD~1")[:12])
    assert list((tmp_path / ".lab" / "worktrees").iterdir()) == []
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_what_cannot_be_checked_out_is_told_and_leaves_nothing(repository: Path, tmp_path: Path) -> None:
    """Git's own last line is the reason."""
    with pytest.raises(LabError, match="^000000000000 cannot be checked out: fatal: "):
        checked_out(repository, "0" * 40, folder=tmp_path / "worktrees").__enter__()
    assert list((tmp_path / "worktrees").iterdir()) == []


@pytest.mark.parametrize("how", ["itself", "another program", "a child"])
def test_a_checkout_lives_as_long_as_the_process_that_holds_it(repository: Path, how: str) -> None:
    """Also when that has become another program by exec. Its death frees the checkout, even while a child lives on."""
    folder = repository / "worktrees"
    with holding(repository, how) as (process, path):
        sweep(repository, folder=folder)
        assert (path / "file").is_file()
        process.kill()
        process.wait()
        assert list(folder.iterdir()) == [path]
        # The child ends with its input, which the end of this block closes.
        sweep(repository, folder=folder)
        assert list(folder.iterdir()) == []
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_what_an_earlier_lab_left_is_removed_whoever_has_its_pid_now(repository: Path) -> None:
    """In a container each gate has the same pid: a living process of that number is no sign of life."""
    folder = repository / "worktrees"
    left = folder / f"{git(repository, 'rev-parse', 'HEAD')[:12]}-{os.getpid()}-0"
    git(repository, "worktree", "add", "--quiet", "--detach", str(left))
    git(repository, "worktree", "lock", str(left))
    git(repository, "worktree", "add", "--quiet", "--detach", str(left / ".lab" / "worktrees" / left.name))
    half_made = folder / f"{'0' * 12}-{os.getpid()}-1"
    (half_made / "lab").mkdir(parents=True)
    (folder / "somebody's").mkdir()
    sweep(repository, folder=folder)
    assert [path.name for path in folder.iterdir()] == ["somebody's"]
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_worktrees_of_the_user_are_not_forgotten(repository: Path, tmp_path: Path) -> None:
    """One on a drive that is not there at the moment is git's to know: it works again when the drive is back."""
    drive = tmp_path / "drive"
    git(repository, "worktree", "add", "--quiet", "--detach", str(drive / "mine"))
    drive.rename(tmp_path / "unplugged")
    folder = tmp_path / "worktrees"
    with checked_out(repository, "HEAD", folder=folder):
        sweep(repository, folder=folder)
    (tmp_path / "unplugged").rename(drive)
    assert git(drive / "mine", "rev-parse", "HEAD") == git(repository, "rev-parse", "HEAD")


def test_a_hook_may_check_out(repository: Path) -> None:
    """What git tells a hook of its index is not told to the checkout: the commit is what was asked, and no more."""
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    script = textwrap.dedent("""
        import os; from pathlib import Path
        from lab.worktrees import checked_out, resolve
        assert os.environ["GIT_INDEX_FILE"]
        with checked_out(Path.cwd(), resolve(Path.cwd(), "v1.0"), folder=Path.cwd().parent / "worktrees") as path:
            Path.cwd().with_name("seen").write_text((path / "file").read_text())
    """)
    hook.write_text(f"#!/bin/sh\nexec {shlex.join([sys.executable, '-c', script])}\n", encoding="utf-8")
    hook.chmod(0o755)
    for name in ("file", "other"):
        (repository / name).write_text("new\n", encoding="utf-8")
    git(repository, "add", "other")
    variables = {"GIT_DIR": str(repository / ".git"), "GIT_WORK_TREE": str(repository), "PYTHONPATH": str(CHECKOUT)}
    git(repository, "commit", "--quiet", "--message", "From a hook", "--", "file", **variables)
    assert repository.with_name("seen").read_text(encoding="utf-8") == "2\n"
    assert git(repository, "show", "--name-only", "--format=%s") == "From a hook\n\nfile"
    assert git(repository, "status", "--porcelain") == "A  other"


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """Two source trees with other requirements."""
    paths = tmp_path / "one", tmp_path / "two"
    for path in paths:
        (path / "requirements").mkdir(parents=True)
        (path / "requirements" / "lab.txt").write_text(f"# nothing, for {path.name}\n", encoding="utf-8")
    return paths


@pytest.mark.slow
def test_other_requirements_get_a_python_of_their_own_once(trees: tuple[Path, Path], tmp_path: Path) -> None:
    """It is said while it is made, and there the second time. The same requirements run on this Python."""
    tree, like = trees
    assert python_of(tree, like=tree, folder=tmp_path / "environments", say=pytest.fail) == sys.executable
    said: list[str] = []
    python = python_of(tree, like=like, folder=tmp_path / "environments", say=said.append)
    assert said == ["installing the requirements of one"]
    assert python_of(tree, like=like, folder=tmp_path / "environments", say=pytest.fail) == python
    prefix = subprocess.run([python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True)
    assert Path(prefix.stdout.strip()) == Path(python).parents[1]


def test_a_tree_without_requirements_is_told(trees: tuple[Path, Path], tmp_path: Path) -> None:
    """A commit from before the lab has none, and which commits have some can be asked."""
    tree, like = trees
    with pytest.raises(LabError) as caught:
        python_of(tree, like=like, folder=tmp_path / "environments", say=pytest.fail, requirements="tests")
    assert caught.value.what == "one has no requirements/tests.txt, which says what it runs on"
    assert caught.value.hint == "compare commits that have it: git log --oneline -- requirements/tests.txt"


def test_an_environment_that_cannot_be_made_is_told(
    trees: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Python that cannot give its environments pip is told in one line, with the package that mends it."""
    tree, like = trees
    # No Python starts with this.
    monkeypatch.setenv("PYTHONUTF8", "nonsense")
    with pytest.raises(LabError) as caught:
        python_of(tree, like=like, folder=tmp_path / "environments", say=lambda _: None)
    assert caught.value.what.startswith("no environment can be made for the requirements of one: ")
    assert len(caught.value.what.splitlines()) == 1
    assert "python3-venv" in caught.value.hint
