"""Yields the raw samples of a run as CSV. It derives nothing from them."""

import csv
import sys

from lab.recorder import SAMPLE, read_samples
from lab.results import find_run


def write_samples(run: str) -> None:
    """Writes every sample of the run that is named to standard output, and to standard error what is damaged."""
    folder = find_run(run, has="samples")
    writer = csv.writer(sys.stdout)
    writer.writerow(["block", *(SAMPLE.names or ())])
    for path in sorted(folder.samples.glob("block-*.samples")) or sorted(folder.samples.glob("load*.samples")):
        rows, damage = read_samples(path)
        if damage:
            print(f"note: {damage}", file=sys.stderr)  # noqa: T201 - beside the CSV, which may be a file
        name = path.name.removeprefix("block-").partition(".")[0]
        block = int(name) if name.isdigit() else name
        writer.writerows([block, *row.tolist()] for row in rows)
