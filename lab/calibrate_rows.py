"""Yields the rows of a calibration on the console and as a page of Markdown. It measures nothing."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from lab import environment
from lab.errors import LabError
from lab.load_findings import Check
from lab.server import TREE


def told(checks: Sequence[Check], *, measured: str, page: Path, console: Console) -> Path:
    """Write the page, print the rows. Raises LabError where one does not hold."""
    facts = dict(environment.describe(TREE))
    lines = [f"| {c.what} | {c.bound} | {c.seen} | {'yes' if c.holds else 'no'} |" for c in checks]
    head = f"Measured {measured}, commit {facts['commit']}, on {facts['cores']} cores of {facts['processor']}."
    page.write_text("\n".join([head, "", "| what | bound | seen | holds |", "| --- | --- | --- | --- |", *lines, ""]))
    for check in checks:
        console.print(f"{check.what}: {check.seen} ({check.bound})", highlight=False)
    console.print(f"table: {page}", highlight=False)
    if broken := [check.what for check in checks if not check.holds]:
        raise LabError(f"{len(broken)} of {len(checks)} rows do not hold: {'; '.join(broken)}", hint=f"see {page}")
    return page
