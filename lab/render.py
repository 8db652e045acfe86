"""Yields a run's report, by the reports' own door in a process of its own. It draws nothing itself."""

import subprocess
import sys
from pathlib import Path

from lab.errors import LabError
from lab.results import RunFolder
from lab.server import TREE, plain_environment


def render(folder: RunFolder) -> Path:
    """Writes report.html beside the findings and returns its path. Raises LabError with the door's last words."""
    command = [sys.executable, "-m", "reports", str(folder.path)]
    done = subprocess.run(command, cwd=TREE, env=plain_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise LabError(
            f"the report could not be drawn: {said[0]}", hint=f"try again: ./noxw -s report -- {folder.path}"
        )
    return folder.path / "report.html"
