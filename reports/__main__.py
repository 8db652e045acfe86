"""Yields pages: a run's `report.html` from its findings, or that of something else from its JSON.

It measures nothing: `python -m reports RUN_FOLDER`, or `python -m reports --load LOAD_JSON HTML`, or likewise `--trend`
and `--power`.
"""

import argparse
import sys
from pathlib import Path

from lab.errors import LabError
from lab.findings import SCHEMA_VERSION, Findings
from lab.gate_findings import GateFindings
from lab.json_files import read
from lab.load_findings import LOAD_VERSION, LoadFindings, UrlLoad
from lab.power_findings import POWER_VERSION, GatePower
from lab.trend_findings import TREND_VERSION, Trend
from reports.html import raw_data, render, render_power, render_trend, render_url

_CANNOT = 2


def main(arguments: list[str]) -> int:
    """Render the run folder, or the load, that the arguments name; 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m reports", description="Render what was found as a page.")
    either = parser.add_mutually_exclusive_group(required=True)
    either.add_argument(
        "run", type=Path, nargs="?", metavar="RUN_FOLDER", help="a folder below results/ that holds findings.json"
    )
    either.add_argument(
        "--load", type=Path, nargs=2, metavar=("LOAD_JSON", "HTML"), help="what `lab load --json` wrote, and the page"
    )
    either.add_argument(
        "--trend", type=Path, nargs=2, metavar=("TREND_JSON", "HTML"), help="what `lab trend` wrote, and the page"
    )
    either.add_argument(
        "--power",
        type=Path,
        nargs=2,
        metavar=("GATE_JSON", "HTML"),
        help="what calibrating the gate wrote, and the page",
    )
    asked = parser.parse_args(arguments)
    try:
        if asked.trend:
            target, page = _trend(*asked.trend)
        elif asked.power:
            target, page = _power(*asked.power)
        else:
            target, page = _url(*asked.load) if asked.load else _run(asked.run)
    except LabError as error:
        return _complain("; ".join(filter(None, (error.what, error.hint))))
    try:
        # Written beside and renamed, so that a reader never meets half a page.
        unfinished = target.with_name(f"{target.name}.part")
        unfinished.write_text(page, encoding="utf-8", newline="\n")
        unfinished.replace(target)
    except OSError as error:
        return _complain(f"cannot write {target}: {error.strerror}")
    sys.stdout.write(f"{target}\n")
    return 0


def _run(run: Path) -> tuple[Path, str]:
    """Where the page of a run belongs, and the page."""
    findings = read(run / "findings.json", Findings)
    _check(run, version=findings.schema_version, known=SCHEMA_VERSION)
    source = run / "load.json"
    load = read(source, LoadFindings) if source.exists() else None
    judged = run / "gate.json"
    gate = read(judged, GateFindings) if judged.exists() else None
    return run / "report.html", render(findings, load=load, gate=gate, raw=raw_data(run))


def _url(source: Path, target: Path) -> tuple[Path, str]:
    """Where the page of a load on one URL belongs, and the page."""
    found = read(source, UrlLoad)
    _check(source, version=found.schema_version, known=LOAD_VERSION)
    return target, render_url(found)


def _trend(source: Path, target: Path) -> tuple[Path, str]:
    """Where the page of a history belongs, and the page."""
    found = read(source, Trend)
    _check(source, version=found.schema_version, known=TREND_VERSION)
    return target, render_trend(found)


def _power(source: Path, target: Path) -> tuple[Path, str]:
    """Where the page of a gate's calibration belongs, and the page."""
    found = read(source, GatePower)
    _check(source, version=found.schema_version, known=POWER_VERSION)
    return target, render_power(found)


def _check(source: Path, *, version: int, known: int) -> None:
    if version != known:
        raise LabError(
            f"{source} holds findings of version {version}, this Windtunnel reads version {known}",
            hint="read it with the Windtunnel that wrote it",
        )


def _complain(message: str) -> int:
    one_line = " ".join(message.split())
    sys.stderr.write(f"error: {one_line}\n")
    return _CANNOT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
