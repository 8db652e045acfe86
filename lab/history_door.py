"""Yields what `--history DIR` does at the end of any run: its comparisons are added and the trend is drawn again."""

import os
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from lab.errors import LabError
from lab.history import append, history_folder, read_history
from lab.results import RunFolder
from lab.trend import write_trend


def opened_history(path: Path | None) -> Path | None:
    """The folder, if one was asked for. Raises LabError where it cannot be read or written: before measuring."""
    if path:
        read_history(history_folder(path))
    return path


def remember(run: RunFolder, *, history: Path | None, console: Console) -> None:
    """Adds the run to the history, where there is one, and says where its trend is; a fault of it is a note.

    What was measured is known by now, and its exit code is that of what was found.
    """
    if history is None:
        return
    try:
        added = append(run, into=history)
        page = os.path.relpath(write_trend(history))
    except (LabError, OSError) as error:
        console.print(f"[yellow]note:[/] the history {escape(str(history))} was not kept: {error}", highlight=False)
    else:
        console.print(f"history: {added} comparison{'s' * (added != 1)} added; [bold]trend:[/] {page}", highlight=False)
