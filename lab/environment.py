"""Yields what a run ran on, as pairs for people to read, and the commit that was measured. It changes nothing."""

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from lab.worktrees import git_environment

PACKAGES: Final = (
    "django",
    "djangorestframework",
    "graphene-django",
    "granian",
    "locust",
    "psycopg2-binary",
    "redis",
    "numpy",
)


def commit(tree: Path) -> str:
    """The commit of the source tree, with `+changes` when its code is not as committed; `unknown` outside git.

    A Python file that git does not know is code too; notes that lie about are none.
    """
    head = _git(tree, "rev-parse", "--short=12", "HEAD")
    if not head:
        return "unknown"
    changed = _git(tree, "status", "--porcelain", "--untracked-files=no")
    new = _git(tree, "ls-files", "--others", "--exclude-standard", "--", "*.py")
    return f"{head}+changes" if changed or new else head


def describe(tree: Path, *, packages: Sequence[str] = PACKAGES) -> tuple[tuple[str, str], ...]:
    """The machine, the interpreter, the commit and the versions of what matters."""
    return (
        ("commit", commit(tree)),
        ("processor", _processor()),
        ("cores", str(len(os.sched_getaffinity(0)))),
        ("memory", _memory()),
        ("system", f"{platform.system()} {platform.release()} ({platform.machine()})"),
        ("Python", platform.python_version()),
        *((name, _version(name)) for name in packages),
    )


def _git(tree: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", *words], cwd=tree, env=git_environment(), capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
