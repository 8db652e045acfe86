"""Yields pages: a run's `report.html` from its findings, or that of something else from its JSON.

It measures nothing: `python -m reports RUN_FOLDER`, with `--published FOLDER` the page alone for a repository; or
`python -m reports --load JSON HTML`, or likewise `--trend`, `--power`, `--benchmarks`, `--compare` and `--site`.
`--schema FILE` writes what findings.json looks like.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lab.benchmark_findings import Benchmarks
from lab.compare_findings import Comparison
from lab.errors import LabError
from lab.findings import Cell, Findings
from lab.gate_findings import GateFindings
from lab.json_files import read, read_if_there
from lab.load_findings import LoadCell, LoadFindings, UrlLoad
from lab.mail_findings import MailCell, MailFindings
from lab.power_findings import GatePower
from lab.site_findings import Site
from lab.study_findings import StudyFindings
from lab.trend_findings import Trend
from reports.csv_table import csv_of
from reports.html import (
    raw_data,
    render,
    render_benchmarks,
    render_compare,
    render_power,
    render_site,
    render_trend,
    render_url,
)
from reports.markdown import summary
from reports.page import Page
from reports.schema import findings_schema

_CANNOT = 2

_PAGES: dict[str, tuple[Any, Callable[[Any], str], str]] = {
    "load": (UrlLoad, render_url, "what `lab load --json` wrote"),
    "trend": (Trend, render_trend, "what `lab trend` wrote"),
    "power": (GatePower, render_power, "a gate's calibration"),
    "benchmarks": (Benchmarks, render_benchmarks, "what pytest-benchmark wrote"),
    "compare": (Comparison, render_compare, "what `lab report RUN_A RUN_B` wrote"),
    "site": (Site, render_site, "what `lab report --site` wrote"),
}
"""What else has a page: the shape of its JSON, who draws it, and what it is."""

_BESIDE: dict[str, Any] = {
    "load": LoadFindings, "gate": GateFindings, "mail": MailFindings, "study": StudyFindings, "power": GatePower,
}  # fmt: skip
"""What may stand beside the findings of a run, each in a file of its name."""


def main(arguments: list[str]) -> int:
    """Render the run folder, or the load, that the arguments name; 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m reports", description="Render what was found as a page.")
    either = parser.add_mutually_exclusive_group(required=True)
    either.add_argument(
        "run", type=Path, nargs="?", metavar="RUN_FOLDER", help="a folder below results/ that holds findings.json"
    )
    for name, (_, _, what) in _PAGES.items():
        either.add_argument(f"--{name}", type=Path, nargs=2, metavar=("JSON", "HTML"), help=f"{what}, and its page")
    either.add_argument("--schema", type=Path, metavar="FILE", help="where to write the JSON schema of findings.json")
    parser.add_argument(
        "--published", type=Path, metavar="FOLDER", help="of RUN_FOLDER: write the page alone, and its summary, there"
    )
    asked = parser.parse_args(arguments)
    if asked.published and not asked.run:
        return _complain("--published is for a RUN_FOLDER; name one")
    try:
        named = [(name, given) for name in _PAGES if (given := getattr(asked, name))]
        if asked.schema:
            target = _written([(asked.schema, findings_schema())])
        elif named:
            target = _written([_page(named[0][0], *named[0][1])])
        else:
            target = _run(asked.run, published=asked.published)
    except LabError as error:
        return _complain("; ".join(filter(None, (error.what, error.hint))))
    except OSError as error:
        return _complain(f"cannot write {error.filename}: {error.strerror}")
    sys.stdout.write(f"{target}\n")
    return 0


def _run(run: Path, *, published: Path | None) -> Path:
    """Writes what can be had of a run: CSV, Markdown, then the page, which links them. The page's path.

    What is published is the page alone, which links nothing, and the summary.
    """
    findings = read(run / "findings.json", Findings)
    beside: dict[str, Any] = {name: read_if_there(run / f"{name}.json", kind) for name, kind in _BESIDE.items()}
    page = Page(findings=findings, **beside)
    if published:
        published.mkdir(parents=True, exist_ok=True)
        alone = render(findings, **beside, raw=())
        return _written([(published / "summary.md", summary(page)), (published / "report.html", alone)])
    tables: dict[str, Sequence[Cell | LoadCell | MailCell]] = {
        "cells.csv": findings.cells, "loads.csv": page.load.cells if page.load else (),
        "mails.csv": page.mail.cells if page.mail else (),
    }  # fmt: skip
    _written([(run / "summary.md", summary(page))])
    for name, cells in tables.items():
        if cells:
            _written([(run / name, csv_of(cells))])
        else:
            (run / name).unlink(missing_ok=True)
    return _written([(run / "report.html", render(findings, **beside, raw=raw_data(run)))])


def _page(name: str, source: Path, target: Path) -> tuple[Path, str]:
    """Where the page of what is in a JSON file belongs, and the page."""
    shape, rendered, _ = _PAGES[name]
    return target, rendered(read(source, shape))


def _written(files: Sequence[tuple[Path, str]]) -> Path:
    """Writes each text beside its place and renames it, so that a reader never meets half a page; the last path."""
    for target, content in files:
        unfinished = target.with_name(f"{target.name}.part")
        unfinished.write_text(content, encoding="utf-8", newline="\n")
        unfinished.replace(target)
    return files[-1][0]


def _complain(message: str) -> int:
    one_line = " ".join(message.split())
    sys.stderr.write(f"error: {one_line}\n")
    return _CANNOT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
