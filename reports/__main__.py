"""Yields `report.html` in a run folder, from its `findings.json`: `python -m reports RUN_FOLDER`.

It measures nothing.
"""

import argparse
import sys
from pathlib import Path

from lab.errors import LabError
from lab.findings import SCHEMA_VERSION, Findings
from lab.json_files import read
from reports.html import raw_data, render

_CANNOT = 2


def main(arguments: list[str]) -> int:
    """Render the run folder named by the arguments; 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m reports", description="Render the report of a run again.")
    parser.add_argument("run", type=Path, metavar="RUN_FOLDER", help="a folder below results/ that holds findings.json")
    run: Path = parser.parse_args(arguments).run
    try:
        findings = read(run / "findings.json", Findings)
    except LabError as error:
        return _complain(f"{error.what}; {error.hint}")
    if findings.schema_version != SCHEMA_VERSION:
        return _complain(
            f"{run} holds findings of version {findings.schema_version}, "
            f"this Windtunnel reads version {SCHEMA_VERSION}; read it with the Windtunnel that wrote it"
        )
    target = run / "report.html"
    try:
        # Written beside and renamed, so that a reader never meets half a page.
        unfinished = target.with_suffix(".html.part")
        unfinished.write_text(render(findings, raw=raw_data(run)), encoding="utf-8", newline="\n")
        unfinished.replace(target)
    except OSError as error:
        return _complain(f"cannot write {target}: {error.strerror}")
    sys.stdout.write(f"{target}\n")
    return 0


def _complain(message: str) -> int:
    one_line = " ".join(message.split())
    sys.stderr.write(f"error: {one_line}\n")
    return _CANNOT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
