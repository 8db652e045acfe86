"""Yields checkouts of commits beside the working tree, each with a Python that has its requirements.

What a killed run left is removed by the next: a checkout lives as long as a process holds the lock on it, whatever
pids say. It boots nothing.
"""

import fcntl
import hashlib
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import LabError

REQUIREMENTS: Final = Path("requirements")
COMMIT_DIGITS: Final = 12

OF_A_REPOSITORY: Final = frozenset(
    "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR GIT_CONFIG GIT_DIR GIT_GRAFT_FILE GIT_IMPLICIT_WORK_TREE"
    " GIT_INDEX_FILE GIT_INTERNAL_SUPER_PREFIX GIT_NAMESPACE GIT_NO_REPLACE_OBJECTS GIT_OBJECT_DIRECTORY GIT_PREFIX"
    " GIT_QUARANTINE_PATH GIT_REPLACE_REF_BASE GIT_SHALLOW_FILE GIT_WORK_TREE".split()
)
"""What git tells its hooks of the repository that they run for. Settings made by variables (GIT_CONFIG_*) are not."""

_OURS: Final = re.compile(rf"(?:HEAD|[0-9a-f]{{{COMMIT_DIGITS}}})-[0-9a-f-]+")
_STEPS: Final = re.compile(r"@?\{|[~^]|@$")
_HEAD: Final = re.compile(r"(?:.*/)?(?:[A-Z]+_)?HEAD|@")
_HASH: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT: Final = re.compile(r"[0-9a-f]{4,63}")


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
    asked = _git(tree, "rev-parse", "--git-dir")
    if asked.returncode:
        raise _refused(tree, said=asked.stderr)
    what = f"there is no revision {revision[:80]!r}"
    # A range, a path, a search, and what no branch could be called, is nothing that could be fetched.
    could_be = re.fullmatch(r"(?!-|.*\.\.)[^\s:]{1,200}", revision) and revision.isprintable()
    if could_be and _git(tree, "rev-parse", "--is-shallow-repository").stdout.strip() == "true":
        raise LabError(f"{what} in this shallow clone", hint=f"fetch it first: {_fetching(tree, revision)}")
    raise LabError(what, hint="git log --oneline shows what there is")


def _refused(tree: Path, *, said: str) -> LabError:
    """Tells a repository that git refuses, in git's own words, from a folder that is none."""
    here = tree.resolve()
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if not lines or not any((parent / ".git").exists() for parent in (here, *here.parents)):
        return LabError(f"{tree} is no git repository", hint="clone it, so that there are commits to compare")
    # Of another user's repository git says how to trust it, in its last line.
    helps = lines[-1] if lines[-1].startswith("git ") else f"see: git -C {shlex.quote(str(tree))} status"
    return LabError(f"git refuses {tree}: {lines[0].removeprefix('fatal: ')}", hint=helps)


def _fetching(tree: Path, revision: str) -> str:
    """What to type, so that a shallow clone has `revision`, and what it is called then."""
    remotes = _git(tree, "remote").stdout.split() or ["origin"]
    remote = "origin" if "origin" in remotes else remotes[0]
    if _HASH.fullmatch(revision):
        return f"git fetch --depth=1 {remote} {revision}"
    root = _STEPS.split(revision, maxsplit=1)[0]
    steps = revision[len(root) :]
    is_there = not _git(tree, "rev-parse", "--verify", "--quiet", "--end-of-options", root).returncode
    if not root or is_there or steps.startswith("@") or _HEAD.fullmatch(root) or _SHORT.fullmatch(root):
        return "git fetch --unshallow" if remote == "origin" else f"git fetch --unshallow {remote}"
    # A clone of one branch has no other, however deep it is.
    name = re.sub(rf"^(?:(?:refs/)?(?:heads|tags|remotes/{re.escape(remote)})|{re.escape(remote)})/", "", root)
    fetched = f"{remote}/{name}"
    depth = "--unshallow" if steps else "--depth=1"
    command = f"git fetch {depth} {remote} {shlex.quote(f'{name}:refs/remotes/{fetched}')}"
    return command if root == fetched else f"{command}; then it is --base {fetched}{steps}"


@contextmanager
def checked_out(tree: Path, commit: str, *, folder: Path) -> Iterator[Path]:
    """The source tree of `commit`, in a git worktree below `folder` that is gone at the end. Raises LabError.

    It is locked, also for the process that this one becomes by exec, but for no child that it starts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{commit[:COMMIT_DIGITS]}-{secrets.token_hex(8)}"
    lock = None
    try:
        with _alone(folder):
            done = _git(tree, "worktree", "add", "--detach", "--force", str(path), commit)
            if done.returncode:
                raise LabError(
                    f"{commit[:COMMIT_DIGITS]} cannot be checked out: {_last_line(done.stderr)}",
                    hint="free the disk, or mend the repository: git fsck",
                )
            lock = _lock(path)
            os.set_inheritable(lock, True)
        yield path
    finally:
        remove(tree, path)
        if lock is not None:
            os.close(lock)


def sweep(tree: Path, *, folder: Path) -> None:
    """Removes the worktrees that runs left which are no more: those that nobody has locked."""
    if not folder.is_dir():
        return
    with _alone(folder):
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink() and _OURS.fullmatch(path.name):
                _remove_unlocked(tree, path)


def _remove_unlocked(tree: Path, path: Path) -> None:
    try:
        lock = _lock(path)
    except FileNotFoundError:
        # Whoever was making it, or removing it, is no more.
        remove(tree, path)
    except OSError:
        return
    else:
        remove(tree, path)
        os.close(lock)


def _lock(path: Path) -> int:
    """A descriptor that holds the lock on the worktree at `path`. Raises BlockingIOError where another has it."""
    # Git's own file in it: it goes with the worktree, so that no lock is left behind.
    descriptor = os.open(path / ".git", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else makes or sweeps what is in `folder` until the end of the block: one half made has no lock yet."""
    beside = folder.with_name(f"{folder.name}.lock")
    descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def python_of(tree: Path, *, like: Path, folder: Path, say: Callable[[str], None], requirements: str = "lab") -> str:
    """A Python with the named requirements of `tree`: this one where `like` has the same, else one made for them.

    It is made once and kept below `folder`, by a hash of the requirements. Raises LabError when it cannot be made.
    """
    name = REQUIREMENTS / f"{requirements}.txt"
    path = tree / name
    try:
        wanted = path.read_bytes()
    except FileNotFoundError:
        raise LabError(
            f"{tree.name} has no {name}, which says what it runs on",
            hint=f"compare commits that have it: git log --oneline -- {name}",
        ) from None
    with suppress(FileNotFoundError):
        if wanted == (like / name).read_bytes():
            return sys.executable
    home = folder / hashlib.sha256(wanted).hexdigest()[:16]
    home.parent.mkdir(parents=True, exist_ok=True)
    with _alone(home):
        if not (home / "complete").exists():
            say(f"installing the requirements of {tree.name}")
            _install(path, home=home, what=f"the requirements of {tree.name}")
    return str(home / "bin" / "python")


def _install(path: Path, *, home: Path, what: str) -> None:
    """Makes the environment `home` of the requirements at `path`. Raises LabError."""
    shutil.rmtree(home, ignore_errors=True)
    try:
        venv.create(home, with_pip=True)
    except subprocess.CalledProcessError as error:
        said = _last_line((error.output or b"").decode(errors="replace"))
        raise LabError(
            f"no environment can be made for {what}: {said}",
            hint="Debian and Ubuntu have a package for it: apt install python3-venv",
        ) from None
    command = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = _last_line(done.stderr or done.stdout)
        raise LabError(f"{what} cannot be installed: {said}", hint="see what pip says")
    (home / "complete").touch()


def remove(tree: Path, path: Path) -> None:
    """Removes the worktree at `path` of the repository of `tree`, and no other that git may have lost sight of."""
    shutil.rmtree(path, ignore_errors=True)
    # A gate that was tried in it (calibrate) may have left its own worktrees there.
    for line in _git(tree, "worktree", "list", "--porcelain").stdout.splitlines():
        kind, _, place = line.partition(" ")
        if kind == "worktree" and Path(place).is_relative_to(path.resolve()):
            # Twice: one whose making was interrupted is locked by git itself.
            _git(tree, "worktree", "remove", "--force", "--force", place)


def git_environment() -> dict[str, str]:
    """This process's variables, without those by which a hook's git would work on the hook's repository and index."""
    return {name: value for name, value in os.environ.items() if name not in OF_A_REPOSITORY}


def _git(tree: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = ["git", *words]
    try:
        return subprocess.run(
            command, cwd=tree, env=git_environment(), capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise LabError(f"git cannot be started: {error.strerror}", hint="install git") from error


def _last_line(said: str) -> str:
    return next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
