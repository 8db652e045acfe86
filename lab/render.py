"""Yields pages, by the reports' own door in a process of its own. It draws nothing itself."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from lab.errors import LabError
from lab.results import RunFolder
from lab.server import TREE, plain_environment


def render(folder: RunFolder) -> Path:
    """Writes report.html beside the findings and returns its path. Raises LabError with the door's last words."""
    _drawn(str(folder.path), hint=f"try again: ./noxw -s report -- {folder.path}")
    return folder.path / "report.html"


def render_load(found: Path, *, page: Path) -> None:
    """Writes the page of a load on one URL from its JSON. Raises LabError with the door's last words."""
    _drawn("--load", str(found.resolve()), str(page.resolve()), hint=f"what was found is kept in {found}")


def render_trend(found: Path, *, page: Path) -> None:
    """Writes the page of a history from its trend. Raises LabError with the door's last words."""
    _drawn("--trend", str(found.resolve()), str(page.resolve()), hint=f"what was found is kept in {found}")


def render_power(found: Path, *, page: Path) -> None:
    """Writes the page of a gate's calibration. Raises LabError with the door's last words."""
    _drawn("--power", str(found.resolve()), str(page.resolve()), hint=f"what was found is kept in {found}")


def render_compare(found: Path, *, page: Path) -> None:
    """Writes the page of two runs against each other. Raises LabError with the door's last words."""
    _drawn("--compare", str(found.resolve()), str(page.resolve()), hint=f"what was found is kept in {found}")


def render_site(found: Path, *, page: Path) -> None:
    """Writes the page of all runs. Raises LabError with the door's last words."""
    _drawn("--site", str(found.resolve()), str(page.resolve()), hint=f"what was found is kept in {found}")


def link(path: Path, *, start: Path) -> str:
    """The address of a file from a page in the folder `start`: never one that a browser takes for a scheme."""
    return f"./{quote(Path(os.path.relpath(path.resolve(), start.resolve())).as_posix())}"


def _drawn(*words: str, hint: str) -> None:
    command = [sys.executable, "-m", "reports", *words]
    done = subprocess.run(command, cwd=TREE, env=plain_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise LabError(f"the report could not be drawn: {said[0]}", hint=hint)
