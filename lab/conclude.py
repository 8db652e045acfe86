"""Yields what a run found, and its page, from its folder alone: one by one, or under load. It measures nothing."""

from pathlib import Path

from lab.derive import derive
from lab.load_derive import derive_load, load_summary
from lab.render import render
from lab.results import RunFolder


def conclude(folder: RunFolder) -> Path:
    """Writes the findings and the report of the run in `folder`, also of one interrupted; returns the report's path."""
    if folder.manifest.experiment.load:
        found = derive_load(folder)
        folder.save("load", found)
        folder.save("findings", load_summary(folder, found))
    else:
        folder.save("findings", derive(folder))
    return render(folder)
