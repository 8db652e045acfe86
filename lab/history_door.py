"""Yields what `--history DIR` does at the end of any run: its comparisons are added and the trend is drawn again."""

import os
from pathlib import Path

from rich.console import Console

from lab.history import append, history_folder
from lab.results import RunFolder
from lab.trend import write_trend


def opened_history(path: Path | None) -> Path | None:
    """The history's folder, if one was asked for. Raises LabError where it cannot be written: before measuring."""
    return history_folder(path) if path else None


def remember(run: RunFolder, *, history: Path | None, console: Console) -> None:
    """Adds the run to the history, where there is one, and says where its trend is."""
    if history:
        added = append(run, into=history)
        page = os.path.relpath(write_trend(history))
        console.print(f"history: {added} comparisons added; [bold]trend:[/] {page}", highlight=False)
