"""Yields what `report` does: draws a run again, compares two, or makes a site of all. It measures nothing."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from lab.compare_numbers import Numbers
from lab.conclude import conclude, derived_of, numbers_in
from lab.errors import LabError
from lab.findings import Findings
from lab.json_files import write
from lab.progress import Progresses
from lab.render import link, render_compare
from lab.results import ROOT, RunFolder, find_run

COMPARISONS: Final = ROOT / "compare"


def parser_for(kind: Callable[..., ArgumentParser]) -> ArgumentParser:
    """The words that `report` understands."""
    parser = kind(
        prog="python -m lab report", description="Derive a run's findings again and draw its report, or compare two."
    )
    parser.add_argument(
        "run", nargs="*", help="a run's folder, or an experiment's name for its newest run; two are compared"
    )
    parser.add_argument("--although", action="store_true", help="compare runs of unlike machines or datasets too")
    parser.add_argument(
        "--site", nargs="?", type=Path, const=ROOT, metavar="DIR",
        help=f"an index of all runs below {ROOT}/, with trends (default: {ROOT}/index.html)",
    )  # fmt: skip
    return parser


def report(asked: Namespace, *, console: Console) -> None:
    """Draws what was asked for and says where it is. Raises LabError."""
    count = len(asked.run)
    if asked.although and count != 2:
        raise LabError("--although is for two runs that are compared", hint="name two runs, or leave it out")
    if asked.site is not None:
        if count:
            raise LabError("a site is of all runs", hint=f"leave {asked.run[0]} out, or --site")
        _site(asked.site, console=console)
    elif count == 1:
        console.print(f"report: {_shown(conclude(find_run(asked.run[0])))}", highlight=False)
    elif count == 2:
        _compare(*asked.run, although=asked.although, console=console)
    else:
        raise LabError(
            f"{count} runs are named" if count else "no run is named",
            hint="name one, or two to compare them, as in results/toggles/<run>; or --site",
        )


def _compare(first: str, second: str, *, although: bool, console: Console) -> None:
    from lab.compare import compare

    before, after = find_run(first), find_run(second)
    if before.path == after.path:
        raise LabError(f"{first} and {second} are one run", hint="name another run to compare it with")
    manifests = before.manifest, after.manifest
    (earlier, own), (later, theirs) = (derived_of(run, _derived) for run in (before, after))
    # By the names of the folders: what a manifest says of itself may be no name of a folder.
    target = COMPARISONS / "--".join(f"{run.path.parent.name}-{run.path.name}" for run in (before, after))
    target.mkdir(parents=True, exist_ok=True)
    folders = (link(before.path, start=target), link(after.path, start=target))
    found = compare(earlier, later, manifests=manifests, folders=folders, although=although, beside=(own, theirs))
    write(found, target / "comparison.json")
    page = target / "comparison.html"
    render_compare(target / "comparison.json", page=page)
    for line in found.answer:
        console.print(escape(line), highlight=False)
    console.print(f"[bold]comparison:[/] {_shown(page)}", highlight=False)


def _derived(folder: RunFolder) -> tuple[Findings, Numbers]:
    return folder.findings, numbers_in(folder)


def _site(target: Path, *, console: Console) -> None:
    from lab.site import build_site

    page = build_site(ROOT, to=target, progress=Progresses(console))
    console.print(f"[bold]site:[/] {_shown(page)}", highlight=False)


def _shown(path: object) -> str:
    return os.path.relpath(str(path))
