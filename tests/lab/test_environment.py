"""The commit that a run names is that of the code which ran."""

import subprocess
from pathlib import Path

import pytest

from lab.environment import commit


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with one commit."""
    (tmp_path / "code.py").write_text("", encoding="utf-8")
    (tmp_path / ".gitignore").write_text("left.py\n", encoding="utf-8")
    who = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")
    for words in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "--message", "First"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "is_changed"), [("code.py", True), ("new.py", True), ("notes.txt", False), ("left.py", False)]
)
def test_code_that_is_not_committed_is_told(tree: Path, name: str, *, is_changed: bool) -> None:
    """A changed file and a new module are changes; notes, and what git ignores, are none."""
    clean = commit(tree)
    assert len(clean) == 12
    (tree / name).write_text("# another\n", encoding="utf-8")
    assert commit(tree) == (f"{clean}+changes" if is_changed else clean)


def test_outside_git_it_is_unknown(tmp_path: Path) -> None:
    """A tree from an archive has no commit, and says so."""
    assert commit(tmp_path) == "unknown"
