"""Yields pages: a run's `report.html` from its findings, or that of something else from its JSON.

It measures nothing: `python -m reports RUN_FOLDER`, or `python -m reports --load JSON HTML`, or likewise `--trend`,
`--power` and `--benchmarks`.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.benchmark_findings import Benchmarks
from lab.errors import LabError
from lab.findings import SCHEMA_VERSION, Findings
from lab.gate_findings import GateFindings
from lab.json_files import read
from lab.load_findings import LOAD_VERSION, LoadFindings, UrlLoad
from lab.mail_findings import MailFindings
from lab.power_findings import POWER_VERSION, GatePower
from lab.study_findings import StudyFindings
from lab.trend_findings import TREND_VERSION, Trend
from reports.html import raw_data, render, render_benchmarks, render_power, render_trend, render_url

_CANNOT = 2

_PAGES: dict[str, tuple[Any, int | None, Callable[[Any], str], str]] = {
    "load": (UrlLoad, LOAD_VERSION, render_url, "what `lab load --json` wrote"),
    "trend": (Trend, TREND_VERSION, render_trend, "what `lab trend` wrote"),
    "power": (GatePower, POWER_VERSION, render_power, "a gate's calibration"),
    "benchmarks": (Benchmarks, None, render_benchmarks, "what pytest-benchmark wrote"),
}
"""What else has a page: the shape of its JSON, the version that is read, who draws it, and what it is."""


def main(arguments: list[str]) -> int:
    """Render the run folder, or the load, that the arguments name; 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m reports", description="Render what was found as a page.")
    either = parser.add_mutually_exclusive_group(required=True)
    either.add_argument(
        "run", type=Path, nargs="?", metavar="RUN_FOLDER", help="a folder below results/ that holds findings.json"
    )
    for name, (_, _, _, what) in _PAGES.items():
        either.add_argument(f"--{name}", type=Path, nargs=2, metavar=("JSON", "HTML"), help=f"{what}, and its page")
    asked = parser.parse_args(arguments)
    try:
        named = [(name, given) for name in _PAGES if (given := getattr(asked, name))]
        target, page = _page(named[0][0], *named[0][1]) if named else _run(asked.run)
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
    sent = run / "mail.json"
    mail = read(sent, MailFindings) if sent.exists() else None
    followed = run / "study.json"
    study = read(followed, StudyFindings) if followed.exists() else None
    known = run / "power.json"
    power = read(known, GatePower) if known.exists() else None
    page = render(findings, load=load, gate=gate, power=power, mail=mail, study=study, raw=raw_data(run))
    return run / "report.html", page


def _page(name: str, source: Path, target: Path) -> tuple[Path, str]:
    """Where the page of what is in a JSON file belongs, and the page."""
    shape, version, rendered, _ = _PAGES[name]
    found = read(source, shape)
    if version is not None:
        _check(source, version=found.schema_version, known=version)
    return target, rendered(found)


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
