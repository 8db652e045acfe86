"""Yields checkouts of commits beside the working tree, each with a Python that has its requirements.

What a killed run left is removed by the next. It boots nothing.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from lab.errors import LabError

REQUIREMENTS: Final = Path("requirements")
COMMIT_DIGITS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A source tree, the commit that it is of, and the Python that runs it."""

    tree: Path
    commit: str
    python: str = sys.executable


def resolve(tree: Path, revision: str) -> str:
    """The commit that `revision` names in the repository of `tree`. Raises LabError in one line."""
    done = _git(tree, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if done.returncode == 0:
        return done.stdout.strip()
    if _git(tree, "rev-parse", "--git-dir").returncode:
        raise LabError(f"{tree} is no git repository", hint="clone it, so that there are commits to compare")
    if _git(tree, "rev-parse", "--is-shallow-repository").stdout.strip() == "true":
        raise LabError(
            f"there is no revision {revision[:80]!r} in this shallow clone",
            hint=f"fetch it first: git fetch --depth=1000 origin {revision[:80]}",
        )
    raise LabError(f"there is no revision {revision[:80]!r}", hint="git log --oneline shows what there is")


@contextmanager
def checked_out(tree: Path, commit: str, *, folder: Path) -> Iterator[Path]:
    """The source tree of `commit`, in a git worktree below `folder` that is gone at the end. Raises LabError."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{commit[:COMMIT_DIGITS]}-{os.getpid()}-{len(list(folder.iterdir()))}"
    done = _git(tree, "worktree", "add", "--detach", "--force", str(path), commit)
    try:
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise LabError(
                f"{commit[:COMMIT_DIGITS]} cannot be checked out: {said[-1]}", hint="free the disk, or mend it"
            )
        yield path
    finally:
        remove(tree, path)


def sweep(tree: Path, *, folder: Path) -> None:
    """Removes the worktrees that runs left which are no more."""
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(ValueError, IndexError):
            if not psutil.pid_exists(int(path.name.split("-")[1])):
                remove(tree, path)


def python_of(tree: Path, *, like: Path, folder: Path, say: Callable[[str], None], requirements: str = "lab") -> str:
    """A Python with the named requirements of `tree`: this one where `like` has the same, else one made for them.

    It is made once and kept below `folder`, by a hash of the requirements. Raises LabError when it cannot be made.
    """
    path = tree / REQUIREMENTS / f"{requirements}.txt"
    wanted = path.read_bytes()
    if wanted == (like / REQUIREMENTS / path.name).read_bytes():
        return sys.executable
    home = folder / hashlib.sha256(wanted).hexdigest()[:16]
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        say(f"installing the requirements of {tree.name}")
        shutil.rmtree(home, ignore_errors=True)
        venv.create(home, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
            raise LabError(f"the requirements of {tree.name} cannot be installed: {said[-1]}", hint="see what pip says")
        (home / "complete").touch()
    return str(python)


def remove(tree: Path, path: Path) -> None:
    """Removes the worktree at `path` of the repository of `tree`."""
    _git(tree, "worktree", "remove", "--force", str(path))
    shutil.rmtree(path, ignore_errors=True)
    _git(tree, "worktree", "prune")


def _git(tree: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(["git", *words], cwd=tree, capture_output=True, text=True, check=False)
    except OSError as error:
        raise LabError(f"git cannot be started: {error.strerror}", hint="install git") from error
